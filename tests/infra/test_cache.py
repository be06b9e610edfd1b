import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bundle import cache


def write(text: str, folder: Path) -> None:
    folder.joinpath("file").write_text(text)


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    def again(folder: Path) -> None:
        pytest.fail("built again")

    first = cache.built_once(tmp_path / "cache" / "a", lambda folder: write("text", folder))
    assert cache.built_once(tmp_path / "cache" / "a", again) == first == tmp_path / "cache" / "a"
    assert first.joinpath("file").read_text() == "text"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_a_build_that_was_stopped_leaves_nothing_behind(tmp_path: Path, stop: type[BaseException]) -> None:
    def stopped(folder: Path) -> None:
        write("half", folder)
        raise stop

    with pytest.raises(stop):
        cache.built_once(tmp_path / "a", stopped)
    assert list(tmp_path.iterdir()) == []
    cache.built_once(tmp_path / "a", lambda folder: write("whole", folder))
    assert tmp_path.joinpath("a", "file").read_text() == "whole"


def test_a_folder_has_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    def while_it_runs(folder: Path) -> None:
        write("half", folder)
        assert not tmp_path.joinpath("a").exists()

    cache.built_once(tmp_path / "a", while_it_runs)


def test_of_two_builds_at_once_one_wins_and_both_get_it(tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        cache.built_once(tmp_path / "a", lambda other: write("winner", other))
        write("loser", folder)

    assert cache.built_once(tmp_path / "a", overtaken) == tmp_path / "a"
    assert tmp_path.joinpath("a", "file").read_text() == "winner"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_folder_that_cannot_be_put_in_place_is_an_error(tmp_path: Path) -> None:
    tmp_path.joinpath("a").write_text("a file is in the way")
    with pytest.raises(OSError, match="a"):
        cache.built_once(tmp_path / "a", lambda folder: write("whole", folder))


@pytest.fixture
def umask_of_a_private_person() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask_of_a_private_person")
def test_anyone_may_read_what_was_built(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        folder.joinpath("inner").mkdir()
        write("text", folder / "inner")

    built = cache.built_once(tmp_path / "a", build)
    modes = [path.stat().st_mode & 0o777 for path in (built, built / "inner", built / "inner" / "file")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_digest_tells_contents_apart_and_where_one_part_ends() -> None:
    parts = [(b"a", b"b"), (b"ab",), (b"ab", b""), (b"", b"ab"), (b"b", b"a"), (b"1:a",), ()]
    assert len({cache.digest(*each) for each in parts}) == len(parts)
    assert cache.digest(b"a", b"b") == cache.digest(b"a", b"b")

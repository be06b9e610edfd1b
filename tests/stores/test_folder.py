import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain
from tests.stores.acts import ACTS, KEY, WRITES


def test_nothing_is_replaced_where_there_is_no_folder(tmp_path: Path) -> None:
    assert not FolderStore(tmp_path / "new").replace(KEY, b"two", "0123")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write .*/file/data/.*: name a folder that can be written to"):
        FolderStore(tmp_path / "file").put_if_absent(KEY, b"one")


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot list .*/data"):
        list(FolderStore(tmp_path).keys("data"))


def test_a_folder_holds_what_was_put_and_a_lock(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put_if_absent(KEY, b"one")
    store.put_if_absent(KEY, b"two")
    first = store.get(KEY)
    assert first is not None
    store.replace(KEY, b"three", first.etag)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / KEY, tmp_path / ".lock"}
    assert list(store.keys("")) == [KEY]


def test_files_are_as_readable_as_any_file_of_the_user(tmp_path: Path) -> None:
    FolderStore(tmp_path).put_if_absent(KEY, b"one")
    (tmp_path / "other").touch()
    assert (tmp_path / KEY).stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_being_written_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".0123.part").write_text("half")
    assert list(FolderStore(tmp_path).keys("data")) == []


@pytest.mark.parametrize("act", [*WRITES, "get"])
def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path, act: str) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    store: Any = FolderStore(tmp_path)
    if act == "put_if_absent":
        assert store.put_if_absent(KEY, b"one") is False, "there is something, as in S3 where it cannot be read"
        return
    with pytest.raises(RefusedError, match=r"cannot .*/one\.parquet: Is a directory"):
        ACTS[act](store)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("act", ACTS)
def test_a_file_that_may_not_be_touched_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    def deny(path: object, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    for where, name in ((Path, "read_bytes"), (Path, "replace"), (os, "link"), (os, "scandir")):
        monkeypatch.setattr(where, name, deny)
    store: Any = FolderStore(tmp_path)
    with pytest.raises(RefusedError, match=r"cannot (read|write|list) .*: Permission denied: name a folder that can"):
        ACTS[act](store)


def test_a_file_is_replaced_on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS makes of flock a lock of fcntl's, which is exclusive only on a descriptor that is open for writing."""
    flock = fcntl.flock

    def flock_of_nfs(file: Any, operation: int) -> None:
        if operation & fcntl.LOCK_EX and fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_of_nfs)
    store = FolderStore(tmp_path)
    store.put(KEY, b"one")
    stored = store.get(KEY)
    assert stored is not None
    assert store.replace(KEY, b"two", stored.etag)


def test_a_folder_that_is_only_read_is_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.put_if_absent(KEY, b"one")
    assert store.get(KEY) is not None
    assert list(store.keys("data")) == [KEY]
    assert not (tmp_path / ".lock").exists()


def without_fcntl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The terminal on a system as Windows is."""
    script = "import sys; sys.modules['fcntl'] = None; from pool_inventory.terminal.command_line import main; main()"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter


def test_snapshots_are_read_where_there_is_no_fcntl(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": []}])
    for arguments in (("show", "--json"), ("verify",)):
        command, *options = arguments
        done = without_fcntl(command, str(tmp_path), *options)
        assert done.returncode == 0, arguments
        assert [line for line in done.stderr.splitlines() if "days old" not in line] == [], arguments


def test_a_file_is_not_replaced_where_there_is_no_fcntl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.put_if_absent(KEY, b"one")
    stored = store.get(KEY)
    assert stored is not None
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(StoreError, match=r"no fcntl\.flock: write snapshots on Linux or macOS, or to s3://"):
        store.replace(KEY, b"two", stored.etag)


def test_a_listing_leaves_out_folders_that_sort_before_it(tmp_path: Path) -> None:
    """They may not even be read: a history of years is not walked for its last day."""
    store = FolderStore(tmp_path)
    for key in ("a/1/x", "a/2/x", "a/2/y", "a/3/x", "b/1"):
        store.put_if_absent(key, b"")
    assert list(store.keys("a", "a/2/x")) == ["a/2/y", "a/3/x"]
    assert list(store.keys("a", "a/2")) == ["a/2/x", "a/2/y", "a/3/x"]
    walked: set[str] = set()
    scan = os.scandir

    def scandir(path: str) -> Any:
        walked.add(Path(path).name)
        return scan(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        assert list(store.keys("a", "a/2/x")) == ["a/2/y", "a/3/x"]
    assert walked == {"a", "2", "3"}

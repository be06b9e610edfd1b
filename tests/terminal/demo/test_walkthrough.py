import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pool_inventory.errors import InventoryError
from pool_inventory.terminal.demo import story
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.demo.story import called_as
from pool_inventory.terminal.demo.walkthrough import run_demo
from rich.cells import cell_len
from rich.console import Console

PROGRAM = Path(sys.executable).with_name("pool-inventory")


def demo(folder: Path, *, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=160)
    run_demo(folder, console, verbose=verbose)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_demo_shows_two_snapshots_and_leaves_them(tmp_path: Path) -> None:
    shown = demo(tmp_path / "out", verbose=True)
    for row in ("eu-central-1\tdenied\t-", "sa-east-1\tok\t0", "UserPools\t606 Count", "Retries\t7 Count"):
        assert row in shown
    assert "Each of the 567 pools that can be read is in data, once." in shown
    swapped = "pre_sign_up: check-sign-up → strange (account 666655554444)"
    assert f"modified\tap-southeast-2_186729640\tKunden, Köln 7\t{swapped}" in shown
    assert "user-pools/latest.json" in shown
    latest = json.loads((tmp_path / "out/user-pools/latest.json").read_text())
    newest = json.loads((tmp_path / "out" / latest["manifest"]).read_text())
    oldest = json.loads((tmp_path / "out" / newest["previous"]["manifest"]).read_text())
    assert (oldest["poolCount"], oldest["status"], oldest["previous"]) == (606, "complete", None)
    assert (newest["poolCount"], newest["status"]) == (567, "partial")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a demo that was run as `make run` runs it, and the lines that it showed."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(PROGRAM.parents[1])
    return folder, typed(".venv/bin/pool-inventory demo", folder)


def typed(command: str, folder: Path) -> list[str]:
    """Type a command into a shell, of 80 columns, that finds no pool-inventory on its PATH."""
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "COLUMNS": "80"}
    ran = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S602 - what the demo says to type
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().splitlines()


def test_the_story_fits_on_one_screen(shown: tuple[Path, list[str]]) -> None:
    _, lines = shown
    assert len(lines) <= 23  # and a prompt
    assert max(map(cell_len, lines)) <= 80


def test_the_story_names_what_happened(shown: tuple[Path, list[str]]) -> None:
    story = " ".join(" ".join(shown[1]).split())
    for each in (
        "A stand-in for AWS on this machine",
        "eu-central-1 denied the second run, on purpose. Its 40 pools are not gone: they are kept as they were last",
        "At each sign-up, the pool Kunden, Köln 7 now calls a function of another account:",
        "pre_sign_up: check-sign-up → strange (account 666655554444)",
        "Verified: all 16 objects are what was written.",
    ):
        assert each in story


def test_the_printed_commands_work_as_printed(shown: tuple[Path, list[str]]) -> None:
    folder, lines = shown
    printed = "\n".join(lines).partition("Now try:")[2]
    commands = [each for each in re.split(r"(?m)^  (?=\S)", printed) if each.strip()]
    diff, history, sql = ("\n".join(shown_at_80(each, folder)) for each in commands)
    assert "3 created, 2 deleted, 1 modified." in diff
    assert "check-sign-up" in history
    assert re.search(r"(?m)^eu-central-1 +40 ", sql)


def shown_at_80(command: str, folder: Path) -> list[str]:
    lines = typed(command, folder)
    assert max(map(cell_len, lines)) <= 80
    return lines


def test_without_duckdb_no_sql_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "find_spec", lambda _: None)
    assert demo(tmp_path / "out").splitlines()[-1] == f"  pool-inventory summary {tmp_path / 'out'}"


def test_without_moto_the_demo_says_what_to_install(tmp_path: Path) -> None:
    script = "import sys; sys.modules['moto'] = None; from pool_inventory.__main__ import main; main()"
    command = [sys.executable, "-c", script, "demo"]
    ran = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8", check=False)  # noqa: S603 - the script above
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: demo needs the extra `demo`, of which moto is not here: ")
    assert ran.stderr.endswith("`pipx install --force '.[cli,demo]'`\n")
    assert list(tmp_path.iterdir()) == []


def test_the_program_is_named_as_it_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(PROGRAM.parent))
    assert called_as(str(PROGRAM)) == "pool-inventory"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called_as(".venv/bin/pool-inventory") == ".venv/bin/pool-inventory"
    assert called_as("/a b/pool-inventory") == "'/a b/pool-inventory'"
    assert called_as("/x/pool_inventory/__main__.py") == "pool-inventory"


def test_the_demo_replaces_an_earlier_demo_and_nothing_else(tmp_path: Path) -> None:
    assert demo(tmp_path / "out", verbose=True).count("Metrics that were emitted") == 2
    assert "Metrics" not in demo(tmp_path / "out")
    assert len(list((tmp_path / "out/user-pools/data").rglob("*.parquet"))) == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(InventoryError, match="holds something that is not a demo's"):
        demo(tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InventoryError, match=r"cannot write to .*/file/out: Not a directory: name another folder"):
        demo(tmp_path / "file" / "out")


def test_the_demo_ignores_the_users_aws_environment(
    tmp_path: Path, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("INVENTORY_PREFIX", "elsewhere")
    aws.requests.clear()
    demo(tmp_path / "out")
    assert aws.requests == []


def test_the_demo_does_not_use_the_users_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com")
    assert "Verified: all 16 objects" in demo(tmp_path / "out")

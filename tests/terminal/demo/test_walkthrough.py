import io
import json
import re
from pathlib import Path

import pytest
from pool_inventory.errors import InventoryError
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.demo.walkthrough import run_demo
from rich.console import Console


def demo(folder: Path) -> str:
    console = Console(file=io.StringIO(), width=160)
    run_demo(folder, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_demo_shows_two_snapshots_and_leaves_them(tmp_path: Path) -> None:
    shown = demo(tmp_path / "out")
    assert re.search(r"eu-central-1 +│ denied +│ +- │", shown)
    assert re.search(r"sa-east-1 +│ ok +│ +0 │", shown)
    assert re.search(r"UserPools +│ +566 Count", shown)
    assert re.search(r"Retries +│ +7 Count", shown)
    assert "Each of the 567 pools is in data, once." in shown
    assert "user-pools/latest.json" in shown
    latest = json.loads((tmp_path / "out/user-pools/latest.json").read_text())
    newest = json.loads((tmp_path / "out" / latest["manifest"]).read_text())
    oldest = json.loads((tmp_path / "out" / newest["previous"]["manifest"]).read_text())
    assert (oldest["poolCount"], oldest["status"], oldest["previous"]) == (566, "partial", None)
    assert (newest["poolCount"], newest["status"]) == (567, "partial")


def test_the_demo_replaces_an_earlier_demo_and_nothing_else(tmp_path: Path) -> None:
    assert demo(tmp_path / "out").count("Metrics that were emitted") == 2
    assert "│ UserPools " in demo(tmp_path / "out")
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
    assert "Sound." in demo(tmp_path / "out")

import re
from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_snapshot
from tests.terminal.inventories import json_of, run


def test_a_bar_on_a_terminal_counts_what_is_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "checked" not in run("verify", folder).stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    result = run("verify", folder)
    assert re.search(r"snapshots checked .* 4/4 ", result.stderr)
    assert result.stdout.endswith("Sound.\n")
    assert "snapshots checked" not in run("verify", folder, "--json").stderr


@pytest.mark.parametrize(("since", "count"), [("2026-11-24", 3), ("2026-11-25", 1), ("2026-11-24T19:00:00Z", 2)])
def test_verify_since_a_day_checks_the_whole_day(tmp_path: Path, since: str, count: int) -> None:
    for hour in (0, 5, 29):
        add_snapshot(FolderStore(tmp_path), hour, {"eu-west-1": []})
    checked = json_of(run("verify", tmp_path, "--json", "--since", since))["checked"]
    assert checked["snapshots"] == count

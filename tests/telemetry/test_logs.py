import json
import subprocess
import sys
from typing import Any

import pytest
from pool_inventory.settings import LOG_LEVELS
from pool_inventory.telemetry.logs import MAX_LINE_CHARACTERS, make_logger

HOSTILE = "half \ud83d, \x1b[2J, \x9b, \u202e, \x00, \u2028"
CLEAN = r"half \ud83d, \x1b[2J, \x9b, \u202e, \x00, \u2028"


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_text_from_outside_is_logged_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    nested = {HOSTILE: [HOSTILE, {"deep": (HOSTILE, ValueError(HOSTILE))}], 7: None}
    make_logger("pools", "INFO").warning(HOSTILE, extra={"error": HOSTILE, "nested": nested})
    (line,) = written(capsys)
    assert (line["message"], line["error"]) == (CLEAN, CLEAN)
    assert line["nested"] == {CLEAN: [CLEAN, {"deep": [CLEAN, CLEAN]}], "7": None}


def test_a_traceback_keeps_line_breaks_as_its_only_controls(capsys: pytest.CaptureFixture[str]) -> None:
    logger = make_logger("pools", "INFO")
    try:
        int(HOSTILE, base=99)
    except ValueError as error:
        error.args = (HOSTILE,)
        logger.exception("failed")
    (line,) = written(capsys)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith(f"ValueError: {CLEAN}")
    assert line["exception_name"] == "ValueError"


def test_no_line_is_longer_than_cloudwatch_takes(capsys: pytest.CaptureFixture[str]) -> None:
    long = "\U0001f600" * 1_000_000
    many = {f"{number}": long for number in range(1000)}
    make_logger("pools", "INFO").error(long, extra={"error": long, "many": many, "list": [long] * 1000})
    out = capsys.readouterr().out
    assert len(out.encode()) == len(out) <= MAX_LINE_CHARACTERS + 1
    line = json.loads(out)
    assert line["level"] == "ERROR"
    assert line["message"].startswith("\U0001f600" * 100)
    assert line["many"].startswith('{"0":')


def test_a_value_nested_too_deep_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    make_logger("pools", "INFO").error("[" * 100_000, extra={"deep": deep})
    (line,) = written(capsys)
    assert line["message"].startswith("[[[")
    assert "deep" in line


def test_a_number_that_json_lacks_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    make_logger("pools", "INFO").info("x", extra={"numbers": [float("inf"), float("nan"), 1.5, 2, True]})
    (line,) = written(capsys)
    assert line["numbers"] == ["inf", "nan", 1.5, 2, True]


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_a_logger_is_set_and_cleared_each_time(capsys: pytest.CaptureFixture[str], level: str) -> None:
    make_logger("pools", "INFO").append_keys(snapshot_id="before")
    logger = make_logger("other", level)
    logger.append_keys(snapshot_id="now")
    for each in LOG_LEVELS:
        getattr(logger, each.lower())("written")
    lines = written(capsys)
    assert [line["level"] for line in lines] == list(LOG_LEVELS[LOG_LEVELS.index(level) :])
    assert {(line["service"], line["snapshot_id"]) for line in lines} == {("other", "now")}
    make_logger("pools", "INFO").info("after")
    (line,) = written(capsys)
    assert line.keys() == {"level", "location", "message", "timestamp", "service"}


@pytest.mark.parametrize("rate", ["", "0", "1", "often"])
def test_powertools_own_sampling_changes_no_level(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", rate)
    code = (
        "from pool_inventory.telemetry.logs import make_logger; logger = make_logger('pools', 'INFO'); "
        "logger.debug('no'); logger.info('yes')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["yes"]

"""A smoke of `make growth`, so that it cannot rot; and what is made of its figures."""

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks import growth, growth_plot, growth_report


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """What a hundred pools record, and a history of three snapshots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth, "LATENCY_MS", 0)
        sizes = growth.Sizes(pools=(100,), in_regions=2, regions=(), snapshots=(3,), places=("a folder",), repeats=1)
        *_, last = growth.measure(sizes)
    return last


@pytest.mark.slow
def test_each_command_is_measured_in_a_process_of_its_own(recorded: dict[str, Any]) -> None:
    what = {(each["by"], each["what"]) for each in recorded["figures"]}
    commands = {"show --json", "export", "summary", "verify"}
    reading = {"show", "list", "list --last 10", "history", "verify --since", "verify"}
    assert what == {
        *(("pools", each) for each in {"run", *commands}),
        *(("snapshots", each) for each in {"run", *reading}),
    }
    for each in recorded["figures"]:
        assert 20 < each["peak_mb"] < 500
        assert each["seconds"] > 0 < each["cpu_seconds"]
        assert (each["reads"] > 0) == (each["where"] == "S3")
        assert (each["listings"] > 0) == (each["what"] == "run")


@pytest.mark.slow
def test_the_plot_of_growth_is_an_image_of_each_command(recorded: dict[str, Any]) -> None:
    shown = "".join(ET.fromstring(growth_plot.draw(recorded)).itertext())  # noqa: S314 - our own
    assert all(f"● {each['what']}" in shown for each in recorded["figures"] if each["where"] == "S3")


@pytest.mark.slow
def test_the_tables_of_growth_have_a_row_for_each_size(recorded: dict[str, Any]) -> None:
    rows = {name: [row[0] for row in rows] for name, (_, rows) in growth_report.tables(recorded).items()}
    assert rows["growth by pools"] == ["100"]
    assert rows["growth by snapshots"] == rows["growth in a folder"] == rows["growth of cost"] == ["3"]


def test_the_drawn_plot_of_growth_is_of_the_recorded_figures() -> None:
    assert growth_plot.SVG.read_text(encoding="utf-8") == growth_plot.draw(growth_report.RECORDED), "run `make docs`"


def recorded_calls(what: str) -> Sequence[int]:
    figures = growth_report.RECORDED["figures"]
    found = [each for each in figures if (each["by"], each["what"], each["where"]) == ("snapshots", what, "S3")]
    return [each["reads"] + each["writes_and_lists"] for each in sorted(found, key=lambda each: int(each["size"]))]


@pytest.mark.parametrize("what", ["run", "show", "list --last 10", "verify --since"])
def test_what_is_asked_of_the_newest_does_not_grow_with_history(what: str) -> None:
    """From a hundred snapshots on, which are more than a day's."""
    later = recorded_calls(what)[2:]
    assert all(after <= before + 1 for before, after in itertools.pairwise(later))

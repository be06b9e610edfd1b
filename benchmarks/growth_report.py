"""Tables of how time, memory, calls and money grow, for docs/performance.md."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import cost

RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("growth.json").read_text(encoding="utf-8"))
Figure = Mapping[str, Any]


def tables(recorded: Mapping[str, Any] = RECORDED) -> dict[str, cost.Table]:
    """Return each table by its name in docs/performance.md."""
    figures = recorded["figures"]
    return {
        "growth by pools": _table(_of(figures, "pools"), "pools", ("seconds", "MB", "dollars")),
        "growth by regions": _table(_of(figures, "regions"), "regions", ("seconds", "MB", "dollars")),
        "growth by snapshots": _table(_of(figures, "snapshots"), "snapshots", ("processor", "MB", "calls")),
        "growth in a folder": _table(_of(figures, "snapshots", "a folder"), "snapshots", ("processor", "MB")),
        "growth of cost": _costs(_of(figures, "snapshots")),
        "growth measured with": _measured_with(recorded),
    }


def _of(figures: Sequence[Figure], by: str, where: str = "S3") -> list[Figure]:
    return [each for each in figures if each["by"] == by and each["where"] == where]


def _table(figures: Sequence[Figure], by: str, shown: Sequence[str]) -> cost.Table:
    """Return a row for each size and a column for each command."""
    names = sorted({each["what"] for each in figures}, key=lambda each: (each != "run", _place(figures, each)))
    found = {(each["size"], each["what"]): each for each in figures}
    sizes = sorted({each["size"] for each in figures})

    def cell(size: int, name: str) -> str:
        each = found.get((size, name))
        return ", ".join(text for kind in shown if (text := SHOWN[kind](each))) if each else ""

    header = (by, *(f"`{each}`" if each != "run" else "a run" for each in names))
    return header, [(f"{size:,}", *(cell(size, name) for name in names)) for size in sizes]


def _place(figures: Sequence[Figure], name: str) -> int:
    return [each["what"] for each in figures].index(name)


def _dollars_a_month(figure: Figure) -> float:
    """Return what hourly runs cost in a month, as docs/cost.md counts it."""
    return sum(cost.month(cost.Case(**figure["case"]), cost.HOURLY).values())


SHOWN: Mapping[str, Callable[[Figure], str]] = {
    "seconds": lambda each: f"{each['seconds']:.1f} s ({each['cpu_seconds']:.1f})",
    "processor": lambda each: f"{each['cpu_seconds']:.1f} s",
    "MB": lambda each: f"{each['peak_mb']:.0f} MB",
    "calls": lambda each: f"{each['reads'] + each['writes_and_lists']:,} calls",
    "dollars": lambda each: f"${_dollars_a_month(each):.2f} a month" if each["case"] else "",
}


def _costs(figures: Sequence[Figure]) -> cost.Table:
    """Return what keeping and verifying all snapshots costs."""
    rows: list[tuple[str, ...]] = []
    for run in (each for each in figures if each["what"] == "run"):
        size_bytes = run["size"] * run["case"]["snapshot_bytes"]
        verified = [each for each in figures if each["what"] == "verify" and each["size"] == run["size"]]
        requests = sum(
            cost.PRICES["S3, reads"].of(each["reads"])
            + cost.PRICES["S3, writes and lists"].of(each["writes_and_lists"])
            for each in verified
        )
        kept = cost.PRICES["S3 Standard"].of(size_bytes)
        rows.append((f"{run['size']:,}", f"{size_bytes / 1e6:,.2f}", f"{kept:.4f}", f"{requests:.4f}"))
    return ("snapshots", "MB", "dollars a month to keep them", "dollars to `verify` all once"), rows


def _measured_with(recorded: Mapping[str, Any]) -> cost.Table:
    machine = recorded["machine"]
    rows: list[tuple[str, ...]] = [
        (
            recorded["measured"],
            f"{machine['cores']} cores, {machine['architecture']}, {machine['system']}, Python {machine['python']}",
            f"{recorded['latency_ms']} ms",
            f"{recorded['minutes']:.0f}",
        )
    ]
    return ("measured", "on", "each call takes", "minutes in all"), rows

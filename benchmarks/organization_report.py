"""Tables of what an organization takes, for docs/performance.md."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import cost

RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("organization.json").read_text(encoding="utf-8"))
# Accounts of an organization that nobody has measured.
ON_PAPER = 50_000
Figure = Mapping[str, Any]


def tables(recorded: Mapping[str, Any] = RECORDED) -> dict[str, cost.Table]:
    """Return each table by its name in docs/performance.md."""
    figures = recorded["figures"]
    published = [each for each in figures if each["state"] == "publish"]
    return {
        "organization, publish": _published(published),
        "organization, what is written": _written(published),
        "organization, on paper": _on_paper(published),
        "organization, plan and batch": _planned(figures),
        "organization, measured with": _measured_with(recorded),
    }


def seconds_per_account(figures: Sequence[Figure]) -> float:
    """Return the processor's seconds that a batch takes for each account after its first."""
    batches = [each for each in figures if each["state"] == "batch"]
    largest = max(each["accounts"] for each in batches)
    alone, together = (
        statistics.median(each["cpu_seconds"] for each in batches if each["accounts"] == size) for size in (1, largest)
    )
    return float((together - alone) / (largest - 1))


def _published(figures: Sequence[Figure]) -> cost.Table:
    rows: list[tuple[str, ...]] = [
        (
            f"{each['accounts']:,}",
            each["case"],
            f"{each['seconds']:.0f}",
            f"{each['cpu_seconds']:.0f}",
            f"{each['peak_mb']:.0f}",
            f"{sum(each['summary']['changes'].values()):,}",
            f"{each['summary']['targets_failed']:,}",
            f"{each['summary']['carried']['pools']:,}",
        )
        for each in figures
    ]
    header = (
        "accounts",
        "snapshot",
        "seconds",
        "of the processor's",
        "peak MB",
        "changes",
        "targets not read",
        "carried",
    )
    return header, rows


def _written(figures: Sequence[Figure]) -> cost.Table:
    largest = max(each["accounts"] for each in figures)
    rows: list[tuple[str, ...]] = [
        (
            each["case"],
            *(f"{each['sizes'][name] / 1e6:.1f}" for name in ("parts", "data", "coverage", "changes")),
            *(f"{each['sizes'][name] / 1e3:.0f}" for name in ("footer", "manifest")),
            f"{each['log_bytes'] / 1e3:.0f}",
            f"{each['answer_bytes']}",
        )
        for each in figures
        if each["accounts"] == largest
    ]
    header = (
        f"snapshot of {largest:,} accounts",
        "parts, MB",
        "data, MB",
        "coverage, MB",
        "changes, MB",
        "footer, kB",
        "manifest, kB",
        "log, kB",
        "answer, bytes",
    )
    return header, rows


def _on_paper(figures: Sequence[Figure]) -> cost.Table:
    """Return what each further account takes, between the smallest and the largest size, and what ON_PAPER would."""
    rows: list[tuple[str, ...]] = []
    for case in dict.fromkeys(each["case"] for each in figures):
        first, *_, last = (each for each in figures for _ in range(2) if each["case"] == case)
        thousands = (last["accounts"] - first["accounts"]) / 1000 or math.inf
        slopes = [(last[name] - first[name]) / thousands for name in ("cpu_seconds", "peak_mb")]
        more = (ON_PAPER - last["accounts"]) / 1000
        rows.append(
            (
                case,
                f"{slopes[0]:.1f}",
                f"{slopes[1]:.0f}",
                f"{last['cpu_seconds'] + more * slopes[0]:,.0f}",
                f"{last['peak_mb'] + more * slopes[1]:,.0f}",
            )
        )
    by = f"at {ON_PAPER:,} accounts: "
    header = ("snapshot", "a further 1,000 accounts: seconds", "MB", f"{by}seconds", "MB")
    return header, rows


def _planned(figures: Sequence[Figure]) -> cost.Table:
    rows: list[tuple[str, ...]] = []
    for state, size in dict.fromkeys(
        (each["state"], each["accounts"]) for each in figures if each["state"] != "publish"
    ):
        found = [each for each in figures if (each["state"], each["accounts"]) == (state, size)]
        medians = [statistics.median(each[name] for each in found) for name in ("seconds", "cpu_seconds", "peak_mb")]
        rows.append((state, f"{size:,}", f"{medians[0]:.1f}", f"{medians[1]:.2f}", f"{medians[2]:.0f}"))
    rows.append(("batch, each account after the first", "1", "", f"{seconds_per_account(figures):.2f}", ""))
    return ("state", "accounts", "seconds", "of the processor's", "peak MB"), rows


def _measured_with(recorded: Mapping[str, Any]) -> cost.Table:
    machine = recorded["machine"]
    priority = "at a lower priority" if recorded["nice"] < 0 else "at the same priority"
    row = (
        recorded["measured"],
        f"one core of {machine['cores']}, {machine['architecture']}, {machine['system']}, Python {machine['python']}",
        f"other work ran {priority}",
        f"{recorded['minutes']:.0f}",
    )
    return ("measured", "on", "beside", "minutes in all"), [row]

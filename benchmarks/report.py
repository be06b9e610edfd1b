"""Tables of what was measured, for docs/performance.md."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import programs
from benchmarks.cases import SPEED, STAGES, THROTTLED
from benchmarks.losses import LOSSES, POOLS, WHO
from benchmarks.programs import PROGRAMS

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A header and rows."""

RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("results.json").read_text(encoding="utf-8"))
# What ours are held to: a figure of a case, beside the loop of boto3 that suits it.
BESIDE_BOTO3 = (
    ("1 region of 10,000, 0 ms", "seconds", "wall_seconds", programs.BOTO3_LOOP.name),
    ("1 region of 10,000", "seconds", "wall_seconds", programs.BOTO3_LOOP.name),
    ("17 regions of 1,000", "seconds", "wall_seconds", programs.BOTO3_THREADS.name),
    ("34 regions of 300", "seconds", "wall_seconds", programs.BOTO3_THREADS.name),
    ("34 regions of 10, TLS", "seconds of the processor", "cpu_seconds", programs.BOTO3_THREADS.name),
)
OURS = (programs.OURS.name, programs.FUNCTION.name)


def tables(results: Mapping[str, Any] = RECORDED) -> dict[str, Table]:
    """Return each table by its name in docs/performance.md."""
    return {
        "wall": _speed(results, lambda each: f"{each['wall_seconds']:.2f}"),
        "processor": _speed(results, lambda each: f"{each['cpu_seconds']:.2f}"),
        "memory": _speed(results, lambda each: f"{each['peak_mb']:.0f}"),
        "beside boto3": _beside_boto3(results),
        "stages": _stages(results),
        "throttled": _throttled(results),
        "losses": _losses(results),
        "measured with": _versions(results),
    }


def _speed(results: Mapping[str, Any], shown: Callable[[Mapping[str, Any]], str]) -> Table:
    """Return a row for each program and a column for each case; the last says whether all was kept."""
    found = {(each["program"], each["case"]): each for each in results["speed"]}
    cases = [case.name for case in SPEED]

    def cell(program: str, case: str) -> str:
        each = found.get((program, case))
        if each is None:
            return ""
        return f"{shown(each)}{'' if each['runs'] > 1 else ' ¹'}"

    def whole(program: str) -> str:
        return "yes" if all(each["is_whole"] for each in results["speed"] if each["program"] == program) else "no ²"

    rows = [
        (_bold(each.name), *(_bold(cell(each.name, case), of=each.name) for case in cases), whole(each.name))
        for each in PROGRAMS
        if any(program == each.name for program, _ in found)
    ]
    return ("program", *cases, "keeps all"), rows


def _beside_boto3(results: Mapping[str, Any]) -> Table:
    """Return what ours take for each second of boto3's."""
    found = {(each["program"], each["case"]): each for each in results["speed"]}
    rows = []
    for case, unit, figure, peer in BESIDE_BOTO3:
        if (peer, case) in found:
            base = found[peer, case][figure]
            shares = (f"{found[ours, case][figure] / base:.2f}" for ours in OURS if (ours, case) in found)
            rows.append((case, unit, peer, f"{base:.2f}", *shares))
    return ("case", "what", "peer", "its figure", *(f"{name}, as a share" for name in OURS)), rows


def _stages(results: Mapping[str, Any]) -> Table:
    """Return where the time of ours goes, in milliseconds, and what the listing takes at least."""
    found = {(each["program"], each["case"]): each for each in results["speed"]}
    rows = []
    for case in SPEED:
        for program in OURS:
            each = found.get((program, case.name))
            if each:
                stages = (f"{each['stages_ms'][stage]:,.0f}" for stage in STAGES)
                rows.append((case.name, program, *stages, f"{case.limit_ms:,.0f}"))
    return ("case", "program", *STAGES, "limit of the listing"), rows


def _throttled(results: Mapping[str, Any]) -> Table:
    found = {(each["program"], each["case"]): each for each in results["throttled"]}
    cases = [case.name for case in THROTTLED]
    rows = []
    for program in PROGRAMS:
        cells = [found.get((program.name, case)) for case in cases]
        if any(cells):
            rows.append((_bold(program.name), *(_outcomes(each) for each in cells)))
    return ("program", *cases), rows


def _outcomes(each: Mapping[str, Any] | None) -> str:
    """Return how the listings of one program ended, and after how many seconds the last did."""
    if each is None:
        return ""
    ended = [_outcome(code, held["pools"]) for code, held in zip(each["exit_codes"], each["held"], strict=True)]
    counted = [f"{ended.count(one)} of {len(ended)}: {one}" if len(ended) > 1 else one for one in dict.fromkeys(ended)]
    return f"{'; '.join(counted)}; {each['last_seconds']:.1f} s"


def _outcome(exit_code: int, pools: int) -> str:
    if exit_code < 0:
        return "not done within the limit"
    return f"exit {exit_code}, {pools:,}"


def _losses(results: Mapping[str, Any]) -> Table:
    """Return a row for each fault and a column for each program; bold is what looks whole and is not."""
    found = {(each["program"], each["loss"]): each for each in results["losses"]}

    def cell(program: str, loss: str) -> str:
        each = found.get((program, loss))
        if each is None:
            return ""
        text = _outcome(each["exit_code"], each["held"]["pools"])
        return f"**{text}**" if each["exit_code"] == 0 and each["held"]["pools"] < sum(POOLS.values()) else text

    rows = [(loss.name, *(cell(program.name, loss.name) for program in WHO)) for loss in LOSSES]
    return ("page 5 is", *(program.name for program in WHO)), rows


def _versions(results: Mapping[str, Any]) -> Table:
    machine = results["machine"]
    python = f"{machine['cores']} cores, {machine['architecture']}, {machine['system']}, Python {machine['python']}"
    rows = [
        (name, ", ".join(f"{package} {version}" for package, version in packages.items()))
        for name, packages in results["versions"].items()
    ]
    return ("what", "version"), [("machine", python), ("date", when(results)), *rows]


def when(results: Mapping[str, Any]) -> str:
    """Return when the figures were measured, and what they are if they are not the last word."""
    preliminary = f", preliminary: {results['preliminary']}" if results["preliminary"] else ""
    return f"{results['measured']}, in {results['minutes']:.0f} minutes{preliminary}"


def _bold(text: str, *, of: str | None = None) -> str:
    return f"**{text}**" if text and (of or text) in OURS else text

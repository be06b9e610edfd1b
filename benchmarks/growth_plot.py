"""The plot of docs/performance.md: processor time, memory and calls of S3 by what grows, both axes logarithmic.

Plain SVG, without a font or a background of its own: it is read on white and on black.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.fake import ROOT

SVG = ROOT / "docs" / "growth.svg"
AXES = ("pools", "regions", "snapshots")
# What is drawn of each figure, and its least and most: the same in each row, so that rows can be compared.
PANELS = (("processor seconds", 0.1, 1000.0), ("peak MB", 10.0, 10_000.0), ("calls of S3", 1.0, 100_000.0))
# What is drawn, in the order of the legend: each command's class of STYLE.
CLASSES = {
    "run": "run",
    "show": "show",
    "show --json": "show",
    "export": "list",
    "summary": "summary",
    "list": "list",
    "list --last 10": "last",
    "history": "history",
    "verify --since": "since",
    "verify": "verify",
}
WIDTH, LEFT, TOP, PANEL, HEIGHT, APART, ROW = 900, 52, 34, 235, 150, 62, 232
STYLE = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }
  .title { font-weight: 600; fill: #24292f; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  polyline { fill: none; stroke-width: 2; }
  .run { stroke: #0969da; fill: #0969da; } .verify { stroke: #cf222e; fill: #cf222e; }
  .show { stroke: #1a7f37; fill: #1a7f37; } .summary { stroke: #8250df; fill: #8250df; }
  .list { stroke: #9a6700; fill: #9a6700; } .last { stroke: #bc4c00; fill: #bc4c00; }
  .history { stroke: #bf3989; fill: #bf3989; } .since { stroke: #57606a; fill: #57606a; }
  text.run, text.verify, text.show, text.summary, text.list, text.last, text.history, text.since { stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #3d444d; }
    .run { stroke: #4493f8; fill: #4493f8; } .verify { stroke: #f85149; fill: #f85149; }
    .show { stroke: #3fb950; fill: #3fb950; } .summary { stroke: #ab7df8; fill: #ab7df8; }
    .list { stroke: #d29922; fill: #d29922; } .last { stroke: #f0883e; fill: #f0883e; }
    .history { stroke: #db61a2; fill: #db61a2; } .since { stroke: #9198a1; fill: #9198a1; }
  }
"""


def draw(recorded: Mapping[str, Any]) -> str:
    """Return the plot as SVG."""
    lines: list[str] = []
    height = TOP
    for axis in AXES:
        figures = [each for each in recorded["figures"] if each["by"] == axis and each["where"] == "S3"]
        if figures:
            lines += _row(axis, figures, height)
            height += ROW
    label = "Seconds of the processor, peak memory and calls of S3, by pools, regions and snapshots"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{label}">\n<title>{label}</title>\n<style>{STYLE}</style>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )


def _row(axis: str, figures: Sequence[Mapping[str, Any]], top: int) -> Iterator[str]:
    sizes = sorted({each["size"] for each in figures})
    for number, (title, least, most) in enumerate(PANELS):
        left = LEFT + number * (PANEL + APART)
        yield _text(left, top - 10, f"{title}, by {axis}", "title")
        yield from _grid(left, top, sizes, least, most)
        for what, kind in CLASSES.items():
            points = sorted((each["size"], value_of(each, title)) for each in figures if each["what"] == what)
            drawn = [(_x(left, size, sizes), _y(top, value, least, most)) for size, value in points]
            if drawn:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
                yield f'<polyline class="{kind}" style="fill:none" points="{path}"/>'
                yield from (f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in drawn)
    left = LEFT
    for what, kind in CLASSES.items():
        if any(each["what"] == what for each in figures):
            yield _text(left, top + HEIGHT + 38, f"● {what}", kind)
            left += 34 + 7 * len(what)


def value_of(figure: Mapping[str, Any], title: str) -> float:
    """Return what a panel shows of a figure."""
    if title == "processor seconds":
        return float(figure["cpu_seconds"])
    return float(figure["peak_mb"] if title == "peak MB" else figure["reads"] + figure["writes_and_lists"])


def _grid(left: int, top: int, sizes: Sequence[int], least: float, most: float) -> Iterator[str]:
    """Draw a line for each power of ten, and name the sizes."""
    for power in range(round(math.log10(least)), round(math.log10(most)) + 1):
        y = _y(top, 10.0**power, least, most)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + PANEL}" y2="{y:.1f}"/>'
        yield _text(left - 6, round(y) + 4, _short(10.0**power), anchor="end")
    for size in sizes:
        yield _text(round(_x(left, size, sizes)), top + HEIGHT + 16, _short(size), anchor="middle")


def _x(left: int, size: float, sizes: Sequence[int]) -> float:
    span = math.log10(max(sizes) / min(sizes)) or 1
    return left + PANEL * math.log10(size / min(sizes)) / span


def _y(top: int, value: float, least: float, most: float) -> float:
    share = math.log10(min(max(value, least), most) / least) / math.log10(most / least)
    return top + HEIGHT * (1 - share)


def _short(number: float) -> str:
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit:
            return f"{number / unit:g}{name}"
    return f"{number:g}"


def _text(x: int, y: int, text: str, kind: str = "", *, anchor: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{named}{placed} x="{x}" y="{y}">{escape(text)}</text>'

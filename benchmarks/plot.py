"""The plot in the README: seconds and memory of each program, drawn from what was measured.

Plain SVG, without a font or a background of its own: it is read on white and on black.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks import programs
from benchmarks.fake import ROOT

SVG = ROOT / "docs" / "benchmark.svg"
# The cases that are drawn: one region, many regions, and many through TLS. A bar that would be longer ends at so many
# seconds, so that the others can be seen.
DRAWN = (
    ("1 region of 10,000", "10,000 pools in one region", 12.0),
    ("17 regions of 1,000", "17 regions of 1,000 pools", 12.0),
    ("34 regions of 10, TLS", "34 regions of 10 pools, through TLS", 6.0),
)
WIDTH, LABEL, BAR, ROW, GAP, TOP = 860, 250, 440, 22, 34, 26
OURS = {programs.OURS.name, programs.FUNCTION.name}
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }
  .title { font-weight: 600; fill: #24292f; }
  .ours { fill: #0969da; } .peer { fill: #afb8c1; } .floor { fill: #d0a215; }
  text.ours { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; } .title { fill: #f0f6fc; }
    .ours { fill: #4493f8; } .peer { fill: #656c76; } .floor { fill: #bb8009; }
  }
"""


def draw(results: Mapping[str, Any]) -> str:
    """Return the plot as SVG."""
    lines: list[str] = []
    y = TOP
    for case, title, limit in DRAWN:
        measured = [each for each in results["speed"] if each["case"] == case]
        if measured:
            lines.extend(_group(title, measured, limit, y))
            y += ROW * (len(measured) + 1) + GAP
    note = "seconds, less is better; MB is peak memory"
    if results["preliminary"]:
        note += f" (preliminary: {results['preliminary']})"
    lines.append(_text(0, y - GAP + 16, note))
    label = "Seconds that each program takes to list user pools"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
        f'aria-label="{label}">\n<title>{label}</title>\n<style>{STYLE}</style>\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _group(title: str, measured: Sequence[Mapping[str, Any]], limit: float, y: int) -> Iterator[str]:
    """Draw a case: its title, and a bar for each program, the fastest first."""
    yield _text(0, y, f"{title}, 20 ms a call", "title")
    scale = BAR / min(limit, max(each["wall_seconds"] for each in measured))
    for number, each in enumerate(sorted(measured, key=lambda each: float(each["wall_seconds"]))):
        top = y + 10 + ROW * number
        kind = _kind(each["program"])
        length = min(each["wall_seconds"] * scale, BAR)
        yield _text(0, top + 14, each["program"], "ours" if kind == "ours" else "")
        yield f'<rect class="{kind}" x="{LABEL}" y="{top + 2}" width="{length:.1f}" height="{ROW - 6}" rx="2"/>'
        figures = f"{each['wall_seconds']:.2f} s, {each['peak_mb']:.0f} MB"
        longer = " →" if each["wall_seconds"] * scale > BAR else ""
        yield _text(LABEL + int(length) + 8, top + 14, f"{figures}{longer}", "ours" if kind == "ours" else "")


def _kind(program: str) -> str:
    if program in OURS:
        return "ours"
    return "floor" if program == programs.FLOOR.name else "peer"


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x}" y="{y}">{escape(text)}</text>'

"""The page's pictures, as SVG: the time axis with coverage and changes, and bars.

Each is made as a tree, so that no text from outside becomes markup; and without `style`, which the page's policy
forbids: colours are in its style sheet, by class.
"""

from collections.abc import Mapping, Sequence
from typing import get_args
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from pool_inventory.model import ChangeKind, Status, Target
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.counted import Count
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.terminal.page.recent import Recent, Span
from pool_inventory.text import printable

# What stands for a status where there is room for one letter: capitals are failures.
LETTERS: Mapping[Status, str] = {
    "ok": "o",
    "absent": "a",
    "not_asked": "n",
    "denied": "D",
    "throttled": "T",
    "timed_out": "X",
    "failed": "F",
}
UNKNOWN = "?"
KINDS: tuple[str, ...] = get_args(ChangeKind)

_WIDTH_PX = 960  # of the time axis, within the narrowest and the widest that a snapshot can be
_NARROWEST_PX, _WIDEST_PX = 16, 40
_ROW_PX = 18
_LANE_PX = 44
_AXIS_PX = 22
_LETTER_PX = 7
_LABEL_PX = 24  # beyond the last snapshot, for its label
_LABEL_GAP = 4  # snapshots between two labels of the axis, so that they do not touch


def time_axis(recent: Recent, accounts: int) -> tuple[Markup, Markup]:
    """Return the names of the rows and the rows: coverage, target by snapshot, and below it the changes.

    Args:
        recent: the snapshots.
        accounts: how many accounts there are: the rows of one need not name it.
    """
    names = [each.region if accounts == 1 else f"{each.account_id} {each.region}" for each in recent.strip.rows]
    if recent.strip.others:
        names.append(f"{recent.strip.others:,} {'others' if names else 'regions'}, none failed")
    step = max(_NARROWEST_PX, min(_WIDEST_PX, _WIDTH_PX // len(recent.manifests)))
    rows = list(recent.strip.rows.items())
    strip_px = len(names) * _ROW_PX
    size_px = (step * len(recent.manifests) + _LABEL_PX, strip_px + _AXIS_PX + len(KINDS) * _LANE_PX)
    picture = _svg(*size_px, "rows")
    for number, (target, spans) in enumerate(rows):
        _add_spans(picture, target, spans, recent.manifests, number * _ROW_PX, step)
    if recent.strip.others:
        everywhere = Span(0, len(recent.manifests) - 1, None)
        _add_row(picture, [(everywhere, "ok", "none of these failed")], len(rows) * _ROW_PX, step)
    _add_axis(picture, recent.manifests, strip_px, step)
    for number, kind in enumerate(KINDS):
        _add_lane(picture, kind, recent.manifests, strip_px + _AXIS_PX + number * _LANE_PX, step)
    return _names(names, size_px[1]), _markup(picture)


def bar(count: Count, longest: int) -> Markup:
    """Return a bar: plain for what was read, hatched for what is known only from earlier."""
    picture = Element("svg", {"class": "bar", "aria-hidden": "true"})
    read, earlier = (100 * each / (longest or 1) for each in (count.read, count.earlier))
    if count.read:
        _rect(picture, "0", "0", f"{read:.2f}%", "14", "read")
    if count.earlier:
        _rect(picture, f"{read:.2f}%", "0", f"{earlier:.2f}%", "14", "earlier", fill="url(#hatch)")
    return _markup(picture)


def _names(names: Sequence[str], height_px: int) -> Markup:
    """Return the column of names that stays where it is as the rows are scrolled."""
    shown = [*map(printable, names), "", *KINDS]
    picture = _svg(round(max(map(len, shown)) * _LETTER_PX + 12), height_px, "names")
    for number, name in enumerate(shown[: len(names)]):
        _text(picture, 0, number * _ROW_PX + 13, name)
    for number, kind in enumerate(KINDS):
        _text(picture, 0, len(names) * _ROW_PX + _AXIS_PX + (number + 1) * _LANE_PX - 6, kind)
    return _markup(picture)


def _add_spans(
    picture: Element, target: Target, spans: Sequence[Span], manifests: Sequence[Manifest], top: int, step: int
) -> None:
    row = []
    for span in spans:
        status = span.reading.status if span.reading else "unknown"
        why = f" ({span.reading.code})" if span.reading and span.reading.code else ""
        when = " to ".join(dict.fromkeys(manifests[each].id for each in (span.first, span.last)))
        row.append((span, status, f"{' '.join(target)}: {status.replace('_', ' ')}{why}, {when}"))
    _add_row(picture, row, top, step)


def _add_row(picture: Element, row: Sequence[tuple[Span, str, str]], top: int, step: int) -> None:
    """Add a row of the strip: a rectangle for each span, with its text, and a letter for each snapshot."""
    letters, places = "", []
    for span, status, text in row:
        width = (span.last - span.first + 1) * step
        each = _rect(picture, span.first * step, top, width - 1, _ROW_PX - 2, f"status {status}")
        SubElement(each, "title").text = printable(text)
        letters += next((letter for name, letter in LETTERS.items() if name == status), UNKNOWN) * (
            span.last - span.first + 1
        )
        places += [str(place * step + step // 2) for place in range(span.first, span.last + 1)]
    # With a place for each letter, one element has them all.
    element = _text(picture, 0, top + 12, letters)
    element.set("x", " ".join(places))
    element.set("class", "letters")


def _add_axis(picture: Element, manifests: Sequence[Manifest], top: int, step: int) -> None:
    labelled = -_LABEL_GAP
    for place, made in enumerate(manifests):
        is_new_day = place == 0 or manifests[place - 1].id[:10] != made.id[:10]
        if is_new_day and (place - labelled) * step >= _LABEL_GAP * _NARROWEST_PX:
            labelled = place
            _text(picture, place * step, top + 15, f"{keys.snapshot_time(made.id):%d %b}")
            _rect(picture, place * step, top, 1, _AXIS_PX, "line")


def _add_lane(picture: Element, kind: str, manifests: Sequence[Manifest], top: int, step: int) -> None:
    """Add bars of one kind of change, each with its number above it."""
    highest = max((made.changes or {}).get(each, 0) for made in manifests for each in KINDS) or 1
    for place, made in enumerate(manifests):
        count = (made.changes or {}).get(kind, 0)
        # What was not compared may have changed, too.
        doubt = UNKNOWN if made.changes is None or made.uncompared_count else ""
        if not count and not doubt:
            continue
        height = max(2, round((_LANE_PX - 16) * count / highest)) if count else 0
        bottom = top + _LANE_PX - 2
        if height:
            each = _rect(picture, place * step + 1, bottom - height, step - 3, height, f"change {kind}")
            SubElement(each, "title").text = f"{made.id}: {count:,} {kind}"
        label = _text(
            picture, place * step + step // 2, bottom - height - 2, f"{_short(count) if count else ''}{doubt}"
        )
        label.set("class", "number")
    _rect(picture, 0, top + _LANE_PX - 2, step * len(manifests), 1, "line")


def _short(count: int) -> str:
    """Return a number in three characters."""
    for size, unit in ((1_000_000, "M"), (1000, "k")):
        if count >= size:
            return f"{count // size}{unit}"
    return str(count)


def _svg(width: int, height: int, name: str) -> Element:
    attributes = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    return Element("svg", {"class": name, "aria-hidden": "true", **attributes})


def _rect(
    picture: Element, x: str | int, y: str | int, width: str | int, height: str | int, name: str, **attributes: str
) -> Element:
    place = {"x": str(x), "y": str(y), "width": str(width), "height": str(height)}
    return SubElement(picture, "rect", {"class": name, **place, **attributes})


def _text(picture: Element, x: int, y: int, text: str) -> Element:
    element = SubElement(picture, "text", {"x": str(x), "y": str(y)})
    element.text = text
    return element


def _markup(picture: Element) -> Markup:
    return Markup(tostring(picture, encoding="unicode"))  # noqa: S704 - a tree: its texts are escaped as it is written

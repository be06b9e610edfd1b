"""Text from outside (a service, a stored object), made safe for JSON, Parquet, logs and terminals."""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable

MAX_CHARACTERS = 1000
# Where JSON has one of these, it is within a string.
_NOT_ESCAPED = re.compile("[^\x00-\x7e]")


def printable(text: str) -> str:
    """Return the text with an escape for each unprintable character.

    Such are control characters, which move a terminal's cursor; the marks that turn the direction of text; ends of
    lines; and half a surrogate pair, which JSON can hold and UTF-8 cannot.
    """
    if text.isprintable():
        return text
    return "".join(each if _has_shape(each) else each.encode("unicode_escape").decode() for each in text)


def printable_json(document: str) -> str:
    """Return JSON text of the same value, with a JSON escape for each unprintable character.

    Writers of JSON escape the control characters of ASCII, less DEL, and leave all others as they are.
    """
    return _NOT_ESCAPED.sub(lambda found: _shown_in_json(found[0]), document)


def one_line(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """Return the text on one printable line of at most `max_characters` characters, with its white space folded."""
    # A text may have megabytes: what is cut off is not looked at.
    head = text[: 8 * max_characters]
    return printable(" ".join(head.split()))[:max_characters]


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a question that names the nearest of the known names, None where none is near."""
    by_lower_case = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    return f"did you mean {by_lower_case[nearest[0]]}?" if nearest else None


def _shown_in_json(character: str) -> str:
    return character if _has_shape(character) else json.dumps(character)[1:-1]


def _has_shape(character: str) -> bool:
    return unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029"

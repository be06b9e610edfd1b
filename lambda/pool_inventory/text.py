"""Text from outside (a service, a stored object), made safe for JSON, Parquet, logs and terminals."""

import unicodedata

MAX_CHARACTERS = 1000


def printable(text: str) -> str:
    """Return the text with an escape for each character that has no shape of its own.

    Such are control characters, which move a terminal's cursor; the marks that turn the direction of text; ends of
    lines; and half a surrogate pair, which JSON can hold and UTF-8 cannot.
    """
    if text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode()
        if unicodedata.category(each)[0] == "C" or each in "\u2028\u2029"
        else each
        for each in text
    )


def one_line(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """Return the text on one line of at most so many characters, printable, its white space folded."""
    # A text may have megabytes: what is cut off is not looked at.
    head = text[: 8 * max_characters]
    return printable(" ".join(head.split()))[:max_characters]

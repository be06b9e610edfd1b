"""Pages of a listing, from the answers as the service sent them.

botocore's parser drops the members that its model does not know, takes a body that is no JSON for an empty answer (and
so for the last page), and costs a third of the run's processor time. It also dies of errors whose bodies are not what
it expects. So the bodies are kept from it and parsed here.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import IncompleteReadError

from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import CODE_CHARACTERS, MESSAGE_CHARACTERS, MalformedResponseError
from pool_inventory.text import one_line

_RAW_BODY = "RawBody"
# Far above what any service sends, and below what Python's parser, its serializer or a reader's can follow.
MAX_DEPTH = 100
FIRST_ERROR_STATUS = 300
_CONTAINER = (dict, list)


class RepeatedTokenError(Exception):
    """A NextToken came a second time: following it would never end, and stopping would lose the rest."""


def keep_raw_body(client: Any, operation: str) -> None:  # noqa: ANN401 - the stubs have no type for any client
    """Make the client hand over the body of each answer to an operation unparsed, and simplify those of errors."""

    def keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
        body = response_dict["body"]
        if response_dict["status_code"] >= FIRST_ERROR_STATUS:
            response_dict["body"] = _plain_error(body)
            return
        if _RAW_BODY in customized_response_dict:
            return  # two threads that share the client registered at the same time
        _check_length(body, response_dict["headers"].get("content-length"))
        customized_response_dict[_RAW_BODY] = body
        response_dict["body"] = b"{}"

    service = client.meta.service_model.service_id.hyphenize()
    # By its id it is registered once, however often a client is shared.
    client.meta.events.register(f"before-parse.{service}.{operation}", keep, unique_id=f"keep-{operation}")


def pages(
    caller: Caller, request: Callable[[str | None], Mapping[str, Any]], *, items: str, key: str
) -> Iterator[list[dict[str, Any]]]:
    """Return the items of each page of a listing, to the last page; an empty page that still has a token goes on.

    Args:
        caller: makes the calls.
        request: asks for the page that a token names (None: the first), with a client whose bodies are kept.
        items: the member of the answer that has the items.
        key: the member that each item must have.

    Raises:
        RepeatedTokenError: the pages go round.
        OutOfTimeError, UnreachableError, MalformedResponseError, ClientError, BotoCoreError: as Caller.call.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        # The request is made in this very turn of the loop, so it sees this turn's token.
        answer = caller.call(lambda: _answer(request(token)[_RAW_BODY], items, key))  # noqa: B023 - as said above
        token = answer.pop("NextToken", None)
        yield answer.pop(items)
        caller.tally.unmodelled.update(answer)
        if not token:
            return
        if token in seen:
            raise RepeatedTokenError(f"page {len(seen) + 1} ends with a NextToken that an earlier page ended with")
        seen.add(token)


def _answer(body: bytes, items: str, key: str) -> dict[str, Any]:
    """Parse a body, once: a JSON object whose `items` is a list of objects that each have a `key`."""
    size = f"the answer, {len(body)} bytes,"
    try:
        answer = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise MalformedResponseError(f"{size} is not JSON: {error}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get(items), list):
        raise MalformedResponseError(f"{size} is no JSON object with a list {items}")
    if _is_deeper_than(MAX_DEPTH, answer):
        raise MalformedResponseError(f"{size} is nested deeper than {MAX_DEPTH} levels")
    for item in answer[items]:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or not name.isascii() or not name.isprintable() or not name:
            shown = one_line(repr(name), CODE_CHARACTERS)
            raise MalformedResponseError(f"the answer has an item in {items} without a usable {key}: {shown}")
    token = answer.get("NextToken")
    if not isinstance(token, str | None):
        # Without its value: whoever has a token may read what it leads to.
        raise MalformedResponseError(f"the answer's NextToken is of type {type(token).__name__}, and no string")
    return answer


def parse_json(text: bytes | str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Parse JSON, losing nothing: a number that Python's types cannot hold is its own digits, as a string.

    Raises:
        ValueError: it is no JSON, or an object in it has two members of one name.
        RecursionError: it is nested too deep.
    """
    return json.loads(
        text, parse_constant=_refuse, parse_float=_parse_float, parse_int=_parse_int, object_pairs_hook=_make_object
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _parse_float(digits: str) -> float | str:
    number = float(digits)
    # As 1e400 is infinite for a float, so 1e-400 is 0.
    is_lost = math.isinf(number) or (number == 0 and digits.lower().partition("e")[0].strip("-.0") != "")
    return digits if is_lost else number


def _parse_int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # more digits than sys.get_int_max_str_digits()
        return digits


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members


def _is_deeper_than(levels: int, value: object) -> bool:
    level: list[object] = [value]
    for _ in range(levels):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, _CONTAINER))
        level = [part for parts in inner for part in parts]
        if not level:
            return False
    return True


def _check_length(body: bytes, content_length: str | None) -> None:
    """Raise IncompleteReadError for a body that was cut on its way: botocore does not report it."""
    if content_length and content_length.isdecimal() and len(body) < int(content_length):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(content_length))


def _plain_error(body: bytes) -> bytes:
    """Return the body of an error as an object with strings for `message` and, if it has a code, `__type`.

    botocore.parsers.BaseJSONParser dies of a body that is not UTF-8, that is JSON but no object, or whose members are
    of other types.
    """
    try:
        error = json.loads(body)
    except (ValueError, RecursionError):
        error = None
    members = error if isinstance(error, dict) else {}
    code = _first_text(members, "__type", "code", "Code")
    message = _first_text(members, "message", "Message") or body[: 8 * MESSAGE_CHARACTERS].decode(errors="replace")
    plain = {"message": one_line(message, MESSAGE_CHARACTERS)}
    if code:
        # Before botocore cuts off what comes before its "#".
        plain["__type"] = one_line(code, 8 * CODE_CHARACTERS)
    return json.dumps(plain).encode()


def _first_text(members: Mapping[str, Any], *names: str) -> str:
    """Return the first of these members that is a non-empty string, else an empty string."""
    values = (members.get(name) for name in names)
    return next((each for each in values if isinstance(each, str) and each), "")

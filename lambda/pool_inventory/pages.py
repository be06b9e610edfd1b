"""Pages of a listing, from the answers as the service sent them.

botocore's parser drops the members that its model does not know, takes a body that is no JSON for an empty answer (and
so for the last page), and costs a third of the run's processor time. So the bodies are kept from it and parsed here.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pool_inventory.calls import Caller
from pool_inventory.failures import MalformedResponseError

_RAW_BODY = "RawBody"


class RepeatedTokenError(Exception):
    """A NextToken had been given before: following it would go round for ever, leaving it would lose the rest."""


def keep_raw_body(client: Any, operation: str) -> None:  # noqa: ANN401 - the stubs have no type for any client
    """Make the client hand over the body of each answer to an operation unparsed; errors are parsed as ever."""

    def keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
        if response_dict["status_code"] < 300:  # noqa: PLR2004 - where HTTP's successes end
            customized_response_dict[_RAW_BODY] = response_dict["body"]
            response_dict["body"] = b"{}"

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{service}.{operation}", keep)


def pages(
    caller: Caller, request: Callable[[str | None], Mapping[str, Any]], *, items: str, key: str
) -> Iterator[list[dict[str, Any]]]:
    """Give the items of each page of a listing, to the last page; an empty page that still has a token goes on.

    Args:
        caller: makes the calls.
        request: asks for the page that a token names (None: the first), with a client whose bodies are kept.
        items: the member of the answer that has the items.
        key: the member that each item must have.

    Raises:
        RepeatedTokenError: the pages go round.
        OutOfTimeError, ClientError, BotoCoreError: as Caller.call.
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
    try:
        answer = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedResponseError(f"the answer, {len(body)} bytes, is not JSON: {error}") from error
    if not isinstance(answer, dict) or not isinstance(answer.get(items), list):
        raise MalformedResponseError(f"the answer, {len(body)} bytes, is no JSON object with a list {items}")
    for item in answer[items]:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or not name.isascii() or not name:
            raise MalformedResponseError(f"the answer has an item in {items} without a usable {key}: {name!r}")
    if not isinstance(answer.get("NextToken"), str | None):
        raise MalformedResponseError(f"the answer's NextToken is no string: {answer['NextToken']!r}")
    return answer


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")

"""The log: one line of JSON each, on stdout."""

import functools
import json
import logging
import math
import sys
from typing import Any, TextIO

from aws_lambda_powertools import Logger

from pool_inventory.text import printable

# CloudWatch Logs takes 256 KB an event, and Lambda splits what is longer:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE_CHARACTERS = 200_000
MAX_TEXT_CHARACTERS = 10_000
# What a line that would be too long keeps of each of its keys.
MAX_CUT_CHARACTERS = 2_000
MAX_DEPTH = 20


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to what sys.stdout is at that moment: a demo or a test may have put something else there since."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # logging's own lastResort handler does the same
        """The current stdout."""
        return sys.stdout


def make_logger(service: str, level: str) -> Logger:
    """Return the process's logger, set to a service and a level, without the keys that were appended before.

    It is one for all services and levels: a second Logger of Powertools' of the same name has no formatter.
    """
    logger = _logger()
    logger.clear_state()
    # No line says that there is no sampling.
    logger.append_keys(service=service, sampling_rate=None)
    logger.setLevel(level)
    return logger


@functools.cache
def _logger() -> Logger:
    # The root logger's handlers, such as Lambda's own, would write the line a second time, and unescaped.
    logging.getLogger(__name__).propagate = False
    return Logger(
        service=__name__,
        level="INFO",
        # The level is as set, and never random, whatever POWERTOOLS_LOGGER_SAMPLE_RATE says.
        sampling_rate=0,
        logger_handler=StdoutHandler(),
        json_serializer=_serialize,
        # Else a message that happens to be JSON would be parsed.
        json_deserializer=str,
    )


def _serialize(line: dict[str, Any]) -> str:
    """Write a line of the log, whatever is in it: ASCII of bounded length, and without control characters."""
    text = _to_json(_clean(line))
    if len(text) <= MAX_LINE_CHARACTERS:
        return text
    return _to_json({key: _cut(value) for key, value in _clean(line).items()})


def _to_json(value: Any) -> str:  # noqa: ANN401 - what _clean returns
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _cut(value: Any) -> Any:  # noqa: ANN401 - as above
    text = value if isinstance(value, str) else _to_json(value)
    return value if len(text) <= MAX_CUT_CHARACTERS else text[:MAX_CUT_CHARACTERS]


def _clean(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever is logged
    """Return the value as JSON can hold it, with all its text printable and cut to a bound."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, dict | list | tuple | set | frozenset) and depth == MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {_clean_text(str(key)): _clean(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each, depth + 1) for each in value]
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    # The ends of a traceback's lines stay: in JSON they are escaped anyway.
    return "\n".join(map(printable, text[:MAX_TEXT_CHARACTERS].split("\n")))

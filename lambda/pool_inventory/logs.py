"""The log: one line of JSON each, on stdout."""

import functools
import logging
import sys
from typing import TextIO

from aws_lambda_powertools import Logger


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to what sys.stdout is at that moment: a demo or a test may have put something else there since."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # logging's own lastResort handler does the same
        """The stdout of the moment."""
        return sys.stdout


@functools.cache
def make_logger(service: str, level: str) -> Logger:
    """Give a service's logger, set to a level."""
    return Logger(service=service, level=level, logger_handler=StdoutHandler())

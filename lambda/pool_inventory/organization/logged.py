"""The log of a state's function."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pool_inventory.errors import InventoryError
from pool_inventory.settings import LOG_LEVEL, SERVICE_NAME
from pool_inventory.telemetry.logs import make_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext


@contextmanager
def logged(environment: "Mapping[str, str]", context: "LambdaContext") -> "Iterator[Logger]":
    """Log the error that ends the block, and raise it: Step Functions tries again, or goes on without the batch.

    Yields:
        The logger.
    """
    logger = make_logger(SERVICE_NAME.read({}), LOG_LEVEL.read({}))
    try:
        logger = make_logger(SERVICE_NAME.read(environment), LOG_LEVEL.read(environment))
        logger.append_keys(function_request_id=context.aws_request_id)
        yield logger
    except Exception as error:
        # The text of an error of ours says all; any other is a fault of this program, and wants its traceback.
        expected = isinstance(error, InventoryError)
        logger.error("the function failed", extra={"error": str(error)}, exc_info=not expected)  # noqa: TRY400 - as said
        raise

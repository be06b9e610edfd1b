from collections.abc import Callable
from typing import Any

import pytest
from pool_inventory.errors import StoreError
from pool_inventory.organization.logged import logged

from tests.conftest import any_context

Output = Callable[[], list[dict[str, Any]]]


def test_an_error_is_logged_and_raised(output: Output) -> None:
    with pytest.raises(StoreError), logged({"POWERTOOLS_SERVICE_NAME": "org"}, any_context()):
        raise StoreError("the bucket is not there")
    (line,) = output()
    assert (line["level"], line["service"], line["error"]) == ("ERROR", "org", "the bucket is not there")
    assert (line["function_request_id"], "exception" in line) == ("8476a536", False)


def test_a_fault_of_the_program_is_logged_with_its_place(output: Output) -> None:
    with pytest.raises(ZeroDivisionError), logged({}, any_context()):
        raise ZeroDivisionError
    assert "ZeroDivisionError" in output()[0]["exception"]


def test_a_wrong_setting_of_the_log_is_logged(output: Output) -> None:
    with (
        pytest.raises(Exception, match="POWERTOOLS_LOG_LEVEL"),
        logged({"POWERTOOLS_LOG_LEVEL": "LOUD"}, any_context()),
    ):
        raise AssertionError("never")
    assert "POWERTOOLS_LOG_LEVEL='LOUD'" in output()[0]["error"]

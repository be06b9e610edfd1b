"""That the saved queries ask for what the function really logs."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pool_inventory.errors import UnreadError
from pool_inventory.organization import batch
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, deny, listing

from infra.monitoring.log_queries import log_queries
from tests.conftest import Invoke, any_context
from tests.infra.makers import Synthesized

Output = Callable[[], list[dict[str, Any]]]

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
OF_ANY_LINE = {"@timestamp", "@message"}
OF_LAMBDA = {"@type", "@duration", "@initDuration", "@maxMemoryUsed", "@memorySize"}
WORDS = {
    *{"as", "asc", "bin", "by", "count", "desc", "fields", "filter", "in", "latest", "like", "limit", "max"},
    *{"and", "or", "sort", "stats"},
}


def keys_of(line: dict[str, Any]) -> Iterator[str]:
    for key, value in line.items():
        yield key
        if isinstance(value, dict):
            yield from (f"{key}.{inner}" for inner in keys_of(value))


def named_in(query: str) -> set[str]:
    """The fields that a query names: its words less its strings, its language's, and what it names itself."""
    text = re.sub(r"^#.*$|\"[^\"]*\"|/[^/\n]*[^/\s\d][^/\n]*/", "", query, flags=re.MULTILINE)
    text = re.sub(r"bin\(1d\)", "", text)
    own_names = set(re.findall(r" as (\w+)", text))
    return set(re.findall(r"@?[A-Za-z_][\w.]*", text)) - WORDS - own_names


@pytest.fixture
def log_lines(
    invoke: Invoke,
    aws: StandIn,
    output: Output,
    make_trouble: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> list[dict[str, Any]]:
    """What the handler logs of a complete run, a partial one in trouble, one without any, one with a fault,
    and a batch with one.
    """
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1")
    invoke("2026-11-24T17:00:00Z")
    make_trouble()
    aws.answers.append(listing("eu-west-1", deny))
    invoke("2026-11-24T18:00:00Z")
    aws.answers.append(listing("us-east-1", deny))
    with pytest.raises(UnreadError):
        invoke("2026-11-24T19:00:00Z")
    monkeypatch.setattr("pool_inventory.handler.snapshot_time", None)
    with pytest.raises(TypeError):
        invoke("2026-11-24T20:00:00Z")
    monkeypatch.setattr("pool_inventory.organization.together.collect_accounts", None)
    with pytest.raises(TypeError):
        batch.handler({"time": "2026-11-24T20:00:00Z", "number": 1, "accounts": [ACCOUNT_ID]}, any_context())
    return [line for line in output() if "_aws" not in line]


def test_log_queries_name_fields_that_the_function_logs(log_lines: list[dict[str, Any]]) -> None:
    known = {key for line in log_lines for key in keys_of(line)} | OF_ANY_LINE | OF_LAMBDA
    texts = {value for line in log_lines for value in line.values() if isinstance(value, str)} | {"REPORT"}
    for query in log_queries():
        assert named_in(query.text), query.name
        assert named_in(query.text) - known == set(), query.name
        assert set(re.findall(r'"([^"]*)"', query.text)) - texts == set(), query.name


def test_the_fields_of_a_query_are_found() -> None:
    query = '# a b\nfilter c = "d e" or @f like /g h/\n| stats max(i) / 1000 as j by k.l, bin(1d)\n| sort j desc'
    assert named_in(query) == {"c", "@f", "i", "k.l"}


def test_log_queries_are_saved_under_the_stacks_name(otherwise: Synthesized) -> None:
    saved = list(otherwise.of_type("AWS::Logs::QueryDefinition").values())
    assert saved == [
        {
            "Name": f"Another/{query.name.replace('_', ' ')}",
            "QueryString": query.text,
            "LogGroupNames": ["${Exporter/Log}"],
        }
        for query in log_queries(of_organization=False)
    ]


def test_an_organization_has_a_query_more(of_an_organization: Synthesized) -> None:
    saved = of_an_organization.of_type("AWS::Logs::QueryDefinition").values()
    assert [each["QueryString"] for each in saved] == [query.text for query in log_queries()]


def test_each_query_begins_with_what_it_is_for() -> None:
    assert {query.text.partition("\n")[0] for query in log_queries()} == {
        f"# {query.description}" for query in log_queries()
    }

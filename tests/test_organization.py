"""A smoke of `make bench-organization`, so that it cannot rot; and what is made of its figures."""

import dataclasses
import sys
from typing import Any

import pytest

from benchmarks import organization, organization_report, programs
from benchmarks.fake import ROOT
from infra.bundle import trust


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What 40 accounts record, without a bundle."""
    bundle = tmp_path_factory.mktemp("bundle")
    (bundle / "pool_inventory").symlink_to(ROOT / "lambda" / "pool_inventory")
    (bundle / trust.FILE).write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(organization, "INTERPRETER", (sys.executable,))
        patch.setattr(programs, "made_bundle", lambda: bundle)
        patch.setattr(organization, "LATENCY_MS", 0)
        patch.setattr(organization, "ROUNDS", 1)
        denied = dataclasses.replace(organization.CASES[3], version=0)
        patch.setattr(organization, "CASES", (organization.CASES[0], denied))
        return organization.measure_all((40,), say=lambda _: None)


@pytest.mark.slow
def test_each_state_is_measured_in_a_process_of_its_own(recorded: dict[str, Any]) -> None:
    found = [(each["state"], each["accounts"]) for each in recorded["figures"]]
    assert found == [("plan", 40), ("batch", 20), ("batch", 1), ("publish", 40), ("publish", 40)]
    for each in recorded["figures"]:
        assert each["seconds"] > 0 < each["cpu_seconds"]
        assert 20 < each["peak_mb"] < 500


@pytest.mark.slow
def test_the_tables_have_each_snapshot(recorded: dict[str, Any]) -> None:
    tables = organization_report.tables(recorded)
    (first, *_), (denied, *more) = ((row[1], *row[2:]) for row in tables["organization, publish"][1])
    assert (first, denied) == ("the first", "1% of the accounts denied")
    assert more[-2:] == ["34", "1,000"]
    assert len(tables["organization, what is written"][1]) == 2


def figures(state: str) -> list[dict[str, Any]]:
    return [each for each in organization_report.RECORDED["figures"] if each["state"] == state]


def test_an_account_after_the_first_takes_a_quarter_of_a_second() -> None:
    assert organization_report.seconds_per_account(organization_report.RECORDED["figures"]) <= 0.25


def test_publishing_10000_accounts_keeps_to_its_limits() -> None:
    largest = [each for each in figures("publish") if each["accounts"] == 10_000]
    assert {each["case"] for each in largest} == {each.name for each in organization.CASES}
    assert max(each["peak_mb"] for each in largest) <= 1024
    assert max(each["cpu_seconds"] for each in largest) <= 300


def test_what_a_state_says_does_not_grow_with_accounts() -> None:
    for each in organization_report.RECORDED["figures"]:
        assert each["answer_bytes"] < 1000
        assert each["log_bytes"] < 256_000
        assert not each["sizes"] or each["sizes"]["manifest"] < 1_000_000

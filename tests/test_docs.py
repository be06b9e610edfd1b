"""What the pages say is what the code does."""

from pathlib import Path

import pytest

from docs.tables import PAGES, with_tables

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_pages_tables_are_made_of_the_code_and_the_figures_as_they_are(path: str) -> None:
    page = (ROOT / path).read_text()
    assert with_tables(path, page) == page, "run `make docs`"


@pytest.mark.parametrize("part", ["", "aws", "collect", "publish", "snapshots", "stores", "telemetry"])
def test_the_map_of_the_code_has_each_module(part: str) -> None:
    page = (ROOT / "docs/development.md").read_text()
    modules = {path.name for path in (ROOT / "lambda/pool_inventory" / part).glob("[a-z]*.py")}
    assert {name for name in modules if f"`{name}`" not in page} == set()

"""What the pages say is what the code does."""

from pathlib import Path

import pytest

from docs.tables import PAGES, with_tables

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_pages_tables_are_made_of_the_code_and_the_figures_as_they_are(path: str) -> None:
    page = (ROOT / path).read_text()
    assert with_tables(path, page) == page, "run `make docs`"


def test_the_readme_lists_each_module_of_the_program() -> None:
    page = (ROOT / "README.md").read_text()
    modules = {path.name for path in (ROOT / "lambda/pool_inventory").glob("[a-z]*.py")}
    silent = {"clock.py", "errors.py", "tables.py"}
    assert {name for name in modules - silent if name not in page} == set()

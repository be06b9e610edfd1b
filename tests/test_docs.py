"""What the pages say is what the code does."""

from pathlib import Path

from docs.tables import with_tables

ROOT = Path(__file__).parents[1]


def test_the_readmes_tables_are_made_of_the_code_as_it_is() -> None:
    page = (ROOT / "README.md").read_text()
    assert with_tables(page) == page, "run `make docs`"


def test_the_readme_lists_each_module_of_the_program() -> None:
    page = (ROOT / "README.md").read_text()
    modules = {path.name for path in (ROOT / "lambda/pool_inventory").glob("[a-z]*.py")}
    silent = {"clock.py", "errors.py", "tables.py"}
    assert {name for name in modules - silent if name not in page} == set()

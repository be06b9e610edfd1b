"""Tests mirror the package, and a name of a test can be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "lambda/pool_inventory"
# What these test is no module of the package, or all of it.
FOLDERS_OF_THEIR_OWN = {"consumers", "iam", "infra", "rehearsal", "upgrades"}
MAX_NAME_CHARACTERS = 60

FILES = {
    path.relative_to(TESTS).as_posix(): path
    for path in sorted(TESTS.rglob("test_*.py"))
    if "node_modules" not in path.parts
}


@pytest.mark.parametrize("name", FILES)
def test_a_test_is_in_the_folder_of_its_module(name: str) -> None:
    folder = Path(name).parent
    if folder.parts[:1] and folder.parts[0] in FOLDERS_OF_THEIR_OWN:
        return
    assert (PACKAGE / folder).is_dir() or (PACKAGE / folder).with_suffix(".py").is_file()


@pytest.mark.parametrize("name", FILES)
def test_a_tests_name_has_at_most_60_characters(name: str) -> None:
    assert [each for each in names_of_tests(FILES[name]) if len(each) > MAX_NAME_CHARACTERS] == []


def names_of_tests(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name

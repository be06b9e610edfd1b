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
# Modules without a test file of their own, each with the reason.
UNTESTED_BY_NAME = {
    "__main__.py": "starting the command is tested as a process is: terminal/test_streams.py, rehearsal",
    "clock.py": "a frozen dataclass of the standard library's own functions",
    "errors.py": "exceptions without behaviour",
    "model.py": "values: what their properties say is tested where a snapshot is read, snapshots/test_data_object.py",
    "terminal/demo/state_machine.py": "what it runs is tested: organization/test_state_machine.py",
    "terminal/demo/story.py": "the demo is tested as a reader sees it: terminal/demo/test_walkthrough.py",
    "terminal/demo_command.py": "as above",
    "terminal/page/changed.py": "the page is tested as a reader sees it: terminal/page/test_page.py",
    "terminal/page/charts.py": "as above",
    "terminal/page/facts.py": "as above",
    "terminal/page/recent.py": "as above",
    "terminal/page/render.py": "as above",
    "terminal/queries.py": "what it answers is what the command says: terminal/test_sql_command.py",
    "terminal/report_command.py": "its options are tested with the page: terminal/page/test_page.py",
    "terminal/taking.py": "what a run does is what its command says: terminal/test_run_command.py",
    "terminal/verify/finished.py": "a fault is what verify names, whatever finds it: terminal/verify/test_chain.py",
    "terminal/verify/first_contract.py": "it reads what 0.1 wrote, as bytes: consumers/test_first_release.py",
    "terminal/verify/report.py": "what verify counts and names is shown with it: terminal/verify/test_chain.py",
}

FILES = {
    path.relative_to(TESTS).as_posix(): path
    for path in sorted(TESTS.rglob("test_*.py"))
    if "node_modules" not in path.parts
}
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("name", FILES)
def test_a_test_is_in_the_folder_of_its_module(name: str) -> None:
    folder = Path(name).parent
    if folder.parts[:1] and folder.parts[0] in FOLDERS_OF_THEIR_OWN:
        return
    assert (PACKAGE / folder).is_dir() or (PACKAGE / folder).with_suffix(".py").is_file()


@pytest.mark.parametrize("name", MODULES)
def test_the_test_of_a_module_is_where_its_name_says(name: str) -> None:
    """Or it is exempt for a reason; an exemption that is no longer needed goes."""
    test = Path(name).with_name(f"test_{Path(name).stem}.py").as_posix()
    needs_one = has_code(MODULES[name]) and name not in UNTESTED_BY_NAME
    assert (test in FILES) is needs_one


def test_an_exemption_is_of_a_module_that_there_is() -> None:
    assert UNTESTED_BY_NAME.keys() <= MODULES.keys()


@pytest.mark.parametrize("name", FILES)
def test_a_tests_name_has_at_most_60_characters(name: str) -> None:
    assert [each for each in names_of_tests(FILES[name]) if len(each) > MAX_NAME_CHARACTERS] == []


def names_of_tests(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def has_code(path: Path) -> bool:
    """Whether a module has a function or a class."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(path.read_bytes()).body)

"""What holds for the source as a whole, and no linter looks for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("lambda", "infra", "tools", "benchmarks")


@pytest.mark.parametrize(
    "path",
    [ROOT / "app.py", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_text_is_read_in_the_locales_encoding(path: Path) -> None:
    """ruff's PLW1514 knows a path only where it sees it made."""
    assert list(texts_of_no_encoding(ast.parse(path.read_bytes()))) == []


def texts_of_no_encoding(tree: ast.AST) -> Iterator[str]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        options = {option.arg for option in call.keywords}
        if "encoding" not in options and (
            name in {"read_text", "write_text"} or options & {"text", "universal_newlines"}
        ):
            yield f"line {call.lineno}: {ast.unparse(call)}"


@pytest.mark.parametrize("call", ["path.read_text()", "Path('a').write_text('b')", "subprocess.run(['a'], text=True)"])
def test_a_call_without_an_encoding_is_found(call: str) -> None:
    assert list(texts_of_no_encoding(ast.parse(call))) == [f"line 1: {call}"]

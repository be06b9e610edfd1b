"""Each module uses only its own layer and those below it, as docs/development.md draws them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bundle.bundle import TERMINAL_PARTS

PACKAGE = Path(__file__).parents[1] / "lambda/pool_inventory"
LAYERS = (
    {"__main__"},
    {"terminal"},
    {"organization"},
    {"handler"},
    {"run"},
    {"collect", "publish", "telemetry"},
    {"snapshots"},
    {"stores"},
    {"aws"},
    {"clock", "errors", "events", "model", "settings", "text"},
)
DEPTHS = {part: depth for depth, layer in enumerate(LAYERS) for part in layer}
CARRIED = {"arro3", "aws_lambda_powertools", "botocore", "pool_inventory", "tenacity", "urllib3"}

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}
LEFT_OUT = {part.removesuffix(".py") for part in TERMINAL_PARTS}
CARRIED_MODULES = [module for module in MODULES if module.partition(".")[0] not in LEFT_OUT]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_uses_its_own_part_and_layers_below(module: str) -> None:
    part = module.partition(".")[0]
    used = {name.split(".")[1] for name in imports_of(module, with_types=True) if name.startswith("pool_inventory.")}
    below = {name for name in DEPTHS if DEPTHS[name] > DEPTHS[part] or DEPTHS[name] == len(LAYERS) - 1}
    assert used - {part, "__version__"} <= below


@pytest.mark.parametrize("module", CARRIED_MODULES)
def test_the_function_imports_only_what_its_bundle_carries(module: str) -> None:
    imported = {name.partition(".")[0] for name in imports_of(module)}
    assert imported <= CARRIED | sys.stdlib_module_names


def test_the_model_imports_the_standard_library_alone() -> None:
    assert {name.partition(".")[0] for name in imports_of("model")} <= sys.stdlib_module_names


def imports_of(module: str, *, with_types: bool = False) -> set[str]:
    """Return what a module imports as it runs, or, with its types, as it is checked."""
    return set(_imports(ast.parse(MODULES[module].read_bytes()), with_types=with_types))


def _imports(tree: ast.AST, *, with_types: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif with_types or not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imports(node, with_types=with_types)

"""The real CDK CLI on the real app, with no AWS to talk to, and the code that it would upload."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import bundle, dependencies, licences
from tests.infra.makers import ROOT
from tests.infra.runtime_fit import misfits, shared_objects

CDK = ROOT / "node_modules" / ".bin" / "cdk"


def without_aws(tmp_path: Path) -> dict[str, str]:
    """This environment less anything that leads to an account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = str(tmp_path / "nowhere")
    return {
        **kept,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def test_no_module_of_the_function_imports_what_only_the_terminal_has() -> None:
    package = ROOT / "lambda" / "pool_inventory"
    left_out = {f"pool_inventory.{name.removesuffix('.py')}" for name in bundle.TERMINAL_PARTS}
    carried = {"arro3", "aws_lambda_powertools", "boto3", "botocore", "pool_inventory", "tenacity", "urllib3"}
    for path in package.glob("*.py"):
        if path.name not in bundle.TERMINAL_PARTS:
            imported = set(imports(ast.parse(path.read_text())))
            assert not imported & left_out, path.name
            assert {name.partition(".")[0] for name in imported} <= carried | sys.stdlib_module_names, path.name


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a module imports as it runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from imports(node)


@pytest.mark.skipif(not CDK.exists(), reason="the CDK CLI is not installed: make test installs it")
@pytest.mark.parametrize(("architecture", "told"), [("arm64", ()), ("x86_64", ("-c", "architecture=x86_64"))])
def test_the_cdk_cli_synthesizes_a_function_that_lambda_can_load_without_credentials(
    tmp_path: Path, architecture: str, told: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    synth = [str(CDK), "synth", "--quiet", "--no-notices", "--output", str(out), *told]
    outcome = subprocess.run(  # noqa: S603 - the CDK CLI that package.json pins
        synth, cwd=ROOT, env=without_aws(tmp_path), capture_output=True, encoding="utf-8", check=False
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    template = json.loads(out.joinpath("PoolInventory.template.json").read_text())
    functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    assert [function["Properties"]["Architectures"] for function in functions] == [[architecture]]
    (asset,) = [out / function["Metadata"]["aws:asset:path"] for function in functions]

    assert shared_objects(asset)
    assert misfits(asset, architecture=architecture, python_version="3.13") == []

    program = {path.name for path in asset.joinpath("pool_inventory").iterdir()}
    assert {"__init__.py", "handler.py", "settings.py"} <= program
    assert not set(bundle.TERMINAL_PARTS) & program

    data = asset / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(dependencies.SERVICES)
    assert {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"} <= {
        path.name for path in data.iterdir()
    }
    assert licences.without_text(asset) == []
    assert bundle.unzipped_bytes(asset) <= 60_000_000
    assert bundle.zipped_bytes(asset) <= 20_000_000

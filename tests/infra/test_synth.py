"""The real CDK CLI on the real app, with no AWS to talk to, and the code that it would upload."""

import ast
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import bundle, dependencies
from tests.infra.makers import ROOT

CDK = ROOT / "node_modules" / ".bin" / "cdk"
AARCH64 = 183  # e_machine of https://www.sco.com/developers/gabi/latest/ch4.eheader.html
MOST_BYTES = 60_000_000


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


def elf_machine(shared_object: Path) -> int:
    """The processor that a shared object is for, as its header has it."""
    magic, machine = struct.unpack("<4s14xH", shared_object.read_bytes()[:20])
    assert magic == b"\x7fELF"
    return int(machine)


def test_no_module_of_the_function_imports_what_only_the_terminal_has() -> None:
    package = ROOT / "lambda" / "pool_inventory"
    left_out = {f"pool_inventory.{name.removesuffix('.py')}" for name in bundle.TERMINAL_PARTS}
    carried = {"arro3", "aws_lambda_powertools", "boto3", "botocore", "pool_inventory", "tenacity"}
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
def test_the_cdk_cli_synthesizes_the_arm64_function_without_credentials(tmp_path: Path) -> None:
    out = tmp_path / "out"
    synth = [str(CDK), "synth", "--quiet", "--no-notices", "--output", str(out)]
    outcome = subprocess.run(  # noqa: S603 - the CDK CLI that package.json pins
        synth, cwd=ROOT, env=without_aws(tmp_path), capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    template = json.loads(out.joinpath("PoolInventory.template.json").read_text())
    functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    (asset,) = [out / function["Metadata"]["aws:asset:path"] for function in functions]

    shared_objects = list(asset.rglob("*.so"))
    assert shared_objects
    assert {elf_machine(path) for path in shared_objects} == {AARCH64}

    program = {path.name for path in asset.joinpath("pool_inventory").iterdir()}
    assert {"__init__.py", "handler.py", "settings.py"} <= program
    assert not set(bundle.TERMINAL_PARTS) & program

    data = asset / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(dependencies.SERVICES)
    assert {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"} <= {
        path.name for path in data.iterdir()
    }
    assert sum(path.stat().st_size for path in asset.rglob("*") if path.is_file()) <= MOST_BYTES

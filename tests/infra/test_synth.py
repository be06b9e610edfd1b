"""The real CDK CLI on the real app, with no AWS to talk to, and the code that it would upload."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra.bundle import bundle, licences, models
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


@pytest.mark.slow
@pytest.mark.skipif(not CDK.exists(), reason="the CDK CLI is not installed: make test installs it")
@pytest.mark.parametrize(("architecture", "options"), [("arm64", ()), ("x86_64", ("-c", "architecture=x86_64"))])
def test_the_cdk_cli_makes_a_function_that_lambda_can_load(
    tmp_path: Path, architecture: str, options: tuple[str, ...]
) -> None:
    """No credentials are needed."""
    out = tmp_path / "out"
    synth = [str(CDK), "synth", "--quiet", "--no-notices", "--output", str(out), *options]
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
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(models.OPERATIONS)
    assert {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"} <= {
        path.name for path in data.iterdir()
    }
    assert licences.without_text(asset) == []
    assert bundle.unzipped_bytes(asset) <= 60_000_000
    assert bundle.zipped_bytes(asset) <= 20_000_000


@pytest.mark.slow
@pytest.mark.skipif(not CDK.exists(), reason="the CDK CLI is not installed: make test installs it")
@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("regoins=us-east-1", "'regoins' is no setting: did you mean regions?"),
        ("settings=exmaple", "settings='exmaple': there is no settings/exmaple.json: did you mean example?"),
        ("regions=us-esat-1", "regions: 'us-esat-1' is no region that the SDK knows: did you mean us-east-1?"),
    ],
)
def test_the_cdk_cli_ends_with_the_name_that_was_meant(tmp_path: Path, option: str, reason: str) -> None:
    synth = [str(CDK), "synth", "--quiet", "--no-notices", "--output", str(tmp_path / "out"), "-c", option]
    outcome = subprocess.run(  # noqa: S603 - the CDK CLI that package.json pins
        synth, cwd=ROOT, env=without_aws(tmp_path), capture_output=True, encoding="utf-8", check=False
    )
    assert outcome.returncode == 1
    assert f"pool-inventory: {reason}" in outcome.stderr

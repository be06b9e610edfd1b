"""The CDK CLI that package.json pins, and the AWS that it is led to."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, without_aws

from tests.iam.deployed import REGION

ROOT = Path(__file__).parents[2]
CLI = ROOT / "node_modules" / ".bin" / "cdk"
_ENDS_WITHIN_SECONDS = 300


class CdkError(Exception):
    """The CLI ended with another status than was wanted; the text has all that it wrote."""


@dataclass(frozen=True, slots=True)
class Cdk:
    """The CLI, led to a stand-in."""

    stand_in: StandIn

    def bootstrap(self) -> None:
        self._run("bootstrap", f"aws://{ACCOUNT_ID}/{REGION}")

    def deploy(self, assembly: Path, settings: Mapping[str, str], *options: str) -> None:
        """Synthesize into a folder, and deploy what is there."""
        self._run("deploy", "--require-approval=never", *options, f"--output={assembly}", *_told(settings))

    def update(self, assembly: Path, settings: Mapping[str, str]) -> None:
        """Deploy over what was deployed."""
        # moto updates by no change set, and knows no previous value of a parameter that had its default.
        self.deploy(assembly, settings, "--method=direct", "--no-previous-parameters")

    def refused(self, assembly: Path, settings: Mapping[str, str]) -> str:
        """Deploy what synth refuses, and return all that was said."""
        options = ("--require-approval=never", f"--output={assembly}", *_told(settings))
        return self._run("deploy", *options, statuses=(1,)).stdout

    def differs(self, assembly: Path, settings: Mapping[str, str] | None = None) -> bool:
        """Whether a stack differs from what is deployed: synthesized again where settings are given."""
        synthesized = [f"--app={assembly}"] if settings is None else [f"--output={assembly}", *_told(settings)]
        # By change set, moto would fail at removing it.
        return self._run("diff", "--method=template", "--fail", *synthesized, statuses=(0, 1)).returncode == 1

    def destroy(self, assembly: Path) -> None:
        self._run("destroy", "--force", f"--app={assembly}")

    def _run(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> "subprocess.CompletedProcess[str]":
        outcome = subprocess.run(  # noqa: S603 - the CLI that package.json pins
            [str(CLI), *arguments, "--no-notices", "--no-color"],
            cwd=ROOT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=_ENDS_WITHIN_SECONDS,
        )
        if outcome.returncode not in statuses:
            raise CdkError(f"cdk {' '.join(arguments)} ended with {outcome.returncode}:\n{outcome.stdout}")
        return outcome

    def _environment(self) -> dict[str, str]:
        return {
            **without_aws(os.environ),
            **self.stand_in.environment(),
            # By this name moto takes the template's address, which has the bucket in its path, for S3's.
            "AWS_ENDPOINT_URL": self.stand_in.url.replace("127.0.0.1", "localhost"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }


def _told(settings: Mapping[str, str]) -> list[str]:
    return [f"--context={name}={value}" for name, value in settings.items()]

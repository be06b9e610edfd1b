"""Other releases of the package: this one with a longer schema, run as a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

PACKAGE = Path(__file__).parents[2] / "lambda"
# What the longer release has and this one has not: a member of lambda_config, a column, and a struct.
MEMBER = '    _string("of_tomorrow", member="OfTomorrow"),\n'
COLUMNS = """    _string("tier", "the pool's tier", "UserPoolTier"),
    Column("policy", Kind.STRUCT, "a policy", "Policy", (_string("strength", member="Strength"),)),
"""


@dataclass(frozen=True)
class Release:
    """A release of the package, run as a process of its own."""

    package: Path

    def publish(self, location: object, hour: int, pools: list[dict[str, Any]]) -> dict[str, Any]:
        """Publish a snapshot of one region whose pools the API lists so; return how many changes it has.

        Args:
            location: a folder, or s3://BUCKET/PREFIX.
            hour: of which hour after tests.makers.TIME the snapshot is.
            pools: as the API lists them.
        """
        script = Path(__file__).with_name("publish.py")
        given_pools = json.dumps(pools)
        found: dict[str, Any] = json.loads(self._run(str(script), str(location), str(hour), text=given_pools))
        return found

    def command(self, *arguments: str) -> Any:
        return json.loads(self.output(*arguments, "--json"))

    def output(self, *arguments: str) -> str:
        return self._run("-m", "pool_inventory", *arguments)

    def _run(self, *arguments: str, text: str = "") -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(self.package), str(PACKAGE.parent)))}
        command = [sys.executable, *arguments]
        return subprocess.run(  # noqa: S603 - this package's own modules
            command, env=environment, input=text, capture_output=True, check=True, encoding="utf-8"
        ).stdout


def this_release() -> Release:
    """Return this release."""
    return Release(PACKAGE)


def longer_release(package: Path) -> Release:
    """Make this release with a longer schema, as its next one may be, in an empty folder; return it."""
    copytree(PACKAGE / "pool_inventory", package / "pool_inventory", ignore=ignore_patterns("__pycache__"))
    path = package / "pool_inventory/snapshots/schema.py"
    text = path.read_text(encoding="utf-8")
    for before, added in (
        ('    _versioned_trigger("inbound_federation", "InboundFederation"),\n', MEMBER),
        ("    READ_AT,\n)", COLUMNS),
    ):
        assert text.count(before) == 1
        text = text.replace(before, f"    READ_AT,\n{added})" if before.endswith(")") else f"{before}{added}")
    path.write_text(text, encoding="utf-8")
    return Release(package)

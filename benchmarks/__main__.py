"""Measure ours and the peers, and record it: `make bench`, which then makes the tables and the plot of it."""

import argparse
import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import cases, install, losses
from benchmarks.programs import PROGRAMS, Program, why_no_function

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure everything, and write results.json."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--preliminary", metavar="WHY", default="", help="say so in the tables, and why")
    preliminary = options.parse_args().preliminary
    if why := why_no_function():
        raise SystemExit(f"this machine cannot run what a deploy makes: {why}")
    install.install()
    started = time.monotonic()
    speed = list(cases.run(cases.SPEED))
    throttled = cases.run_waiting(cases.THROTTLED)
    lost = list(losses.run())
    results = {
        "measured": datetime.now(UTC).date().isoformat(),
        "preliminary": preliminary,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "machine": machine(),
        "versions": {each.name: versions(each) for each in PROGRAMS if each.packages},
        "speed": speed,
        "throttled": throttled,
        "losses": lost,
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"measured in {results['minutes']} minutes")


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions(program: Program) -> dict[str, str]:
    """Return the versions of a program's packages, as they are installed."""
    question = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    command = [str(program.python), "-c", question, *program.packages]
    asked = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)  # noqa: S603 - our own
    installed: dict[str, str] = json.loads(asked.stdout)
    return installed


if __name__ == "__main__":
    main()

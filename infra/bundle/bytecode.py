"""Bytecode for a code folder that is read-only where it runs, so that Python cannot write its own."""

import subprocess
from pathlib import Path

from infra.bundle.interpreter import Interpreter
from infra.errors import BundleError

# Where Lambda puts the code: tracebacks are to name the file that is there.
FOLDER_IN_LAMBDA = "/var/task"


def compile_folder(folder: Path, *, root: Path, compiler: Interpreter) -> None:
    """Compile each module under a folder; the same sources and compiler give the same bytes.

    The hashes are unchecked because a zip resets times, and a checked hash would read each source at each cold start.
    One process compiles all, in the order of the names: marshal marks what has more than one reference, so a module's
    bytes can depend on what the process compiled before it, and worker processes share that out by chance.

    Args:
        folder: where the modules are.
        root: the code folder that it belongs to, which Lambda has at /var/task.
        compiler: an interpreter of the function's minor version.

    Raises:
        BundleError: a module is not of the compiler's Python.
    """
    command = [
        compiler.executable,
        "-I",
        "-X",
        "utf8",
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
    ]
    command += ["-s", str(root), "-p", FOLDER_IN_LAMBDA, str(folder)]
    outcome = subprocess.run(  # noqa: S603 - an interpreter that interpreter.py found and asked
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if outcome.returncode != 0:
        raise BundleError(f"{compiler.executable} could not compile {folder}:\n{outcome.stdout.strip()}")

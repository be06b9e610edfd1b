"""Find a CPython of a wanted minor version on this machine: on PATH, or in pyenv.

The Makefile runs this file as a script, with whatever `python3` the machine has, to choose the interpreter of the
virtual environment; the bundle imports it, to find the one whose bytecode the function can load. It therefore imports
nothing outside the standard library and keeps to what Python 3.8 knows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Sequence, Tuple  # noqa: UP035 - Python 3.8 may run this file

Minor = Tuple[int, int]  # noqa: UP006 - evaluated when Python 3.8 runs this file

# The version of the function's runtime by default, then the rest of pyproject.toml's requires-python, newest first.
FOR_ENVIRONMENT: Sequence[Minor] = ((3, 13), (3, 14), (3, 12), (3, 11))

# Only a run shows what a candidate is: a pyenv shim fails where its version is not selected, Debian ships a python3
# without ensurepip, and a free-threaded or pre-release build has other bytecode and needs other wheels.
_QUESTION = """
import importlib.util, json, os, platform, sys, sysconfig
usual = (
    platform.python_implementation() == "CPython"
    and sys.version_info.releaselevel == "final"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
makes_environments = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
# Bytes, since this interpreter may take paths for another encoding's than the one that asks.
executable = os.fsencode(sys.executable).decode("latin-1")
print(json.dumps([executable, list(sys.version_info[:3]), usual, makes_environments]))
"""
_ANSWER_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Interpreter:
    """A CPython that was run and answered.

    Attributes:
        executable: its own path, shims and links that led to it left aside.
        version: (major, minor, micro).
        makes_environments: whether it has venv and ensurepip.
    """

    executable: str
    version: tuple[int, int, int]
    makes_environments: bool

    @property
    def minor(self) -> Minor:
        """The (major, minor) that bytecode and wheels belong to."""
        return self.version[:2]


def minor_of(version: str) -> Minor:
    """Return the (major, minor) of a version's text, such as "3.13"."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def find(minor: Minor, environment: Mapping[str, str], *, makes_environments: bool = False) -> Interpreter | None:
    """Return the first working interpreter of a minor version, or None where there is none.

    Args:
        minor: such as (3, 13).
        environment: where PATH, PYENV_ROOT and HOME are read.
        makes_environments: ask for one that has venv and ensurepip.
    """
    for candidate in _candidates(minor, environment):
        interpreter = _ask(candidate)
        if interpreter is None or interpreter.minor != minor:
            continue
        if interpreter.makes_environments or not makes_environments:
            return interpreter
    return None


def best_for_environment(environment: Mapping[str, str]) -> Interpreter | None:
    """Return the interpreter to make the virtual environment with, or None where there is none."""
    found = (find(minor, environment, makes_environments=True) for minor in FOR_ENVIRONMENT)
    return next(filter(None, found), None)


def _candidates(minor: Minor, environment: Mapping[str, str]) -> Iterator[Path]:
    """Return the files that may be such an interpreter, likeliest first, each once."""
    version = "{}.{}".format(*minor)
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    on_path = [folder / name for name in (f"python{version}", "python3", "python") for folder in folders]
    pyenv = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", ""), ".pyenv"))
    in_pyenv = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    return iter(dict.fromkeys(path for path in [*on_path, *in_pyenv] if path.is_file()))


def _ask(candidate: Path) -> Interpreter | None:
    """Run a candidate to learn what it is; None where it does not run or is no ordinary CPython."""
    try:
        answer = subprocess.run(  # noqa: S603 - what PATH and pyenv name is what this is for
            [str(candidate), "-I", "-c", _QUESTION],
            capture_output=True,
            check=True,
            timeout=_ANSWER_WITHIN_SECONDS,
        )
        executable, version, usual, makes_environments = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not usual:
        return None
    return Interpreter(os.fsdecode(executable.encode("latin-1")), tuple(version), makes_environments)


def main() -> int:
    """Print the path of the best interpreter for the virtual environment; say what is missing where there is none."""
    interpreter = best_for_environment(os.environ)
    if interpreter is None:
        wanted = ", ".join("{}.{}".format(*minor) for minor in FOR_ENVIRONMENT)
        sys.stderr.write(
            f"No Python with venv and ensurepip was found on PATH or in pyenv: one of {wanted} is needed.\n"
            "Install one (on Debian its venv is a package of its own: python3-venv) and run make again.\n"
        )
        return 1
    sys.stdout.buffer.write(os.fsencode(interpreter.executable) + b"\n")  # its letters may be none of the terminal's
    return 0


if __name__ == "__main__":
    sys.exit(main())

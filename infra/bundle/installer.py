"""Run pip with what the user set about package indexes, and with nothing else that the user set.

PIP_USER, PIP_TARGET or an [install] section of pip.conf would change what is installed here, or where. What leads to
an index stays: a mirror, a proxy, a certificate. The Makefile runs this module before anything is installed, so it
imports nothing outside the standard library.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

# Options of `pip install`, as `pip config list` names them.
_KEPT = frozenset(
    {
        "cache-dir",
        "cert",
        "client-cert",
        "default-timeout",
        "extra-index-url",
        "find-links",
        "index-url",
        "keyring-provider",
        "no-cache-dir",
        "no-index",
        "proxy",
        "retries",
        "timeout",
        "trusted-host",
        "use-deprecated",
        "use-feature",
    }
)
# Later ones win: https://pip.pypa.io/en/stable/topics/configuration/#precedence-override-order
_SECTIONS = ("global", "install", ":env:")

# These would hide a part of what `pip config list` lists, or add to it. Set in the environment, they win over a file.
_ALL_LISTED = {f"PIP_{name}": "0" for name in ("USER", "GLOBAL", "SITE", "QUIET", "VERBOSE", "REQUIRE_VIRTUALENV")}


def run_pip(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run this interpreter's pip; its stdout has all that it wrote.

    Args:
        arguments: the command, and its options.
        environment: the user's, where PIP_* and the place of pip.conf are read.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(("PIP_", "PYTHON"))}
    files = {name: value for name, value in environment.items() if name == "PIP_CONFIG_FILE"}
    indexes = {name: value for name, value in environment.items() if _option(name) in _KEPT}
    listed = _run(["config", "list"], {**kept, **files, **indexes, **_ALL_LISTED})
    if listed.returncode != 0:
        return listed
    settings = _settings(listed.stdout)
    return _run(arguments, {**kept, **settings, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})


def _option(variable: str) -> str:
    return variable.removeprefix("PIP_").lower().replace("_", "-") if variable.startswith("PIP_") else ""


def _settings(listed: str) -> dict[str, str]:
    """Return the variables that say what the lines of `pip config list` say about indexes."""
    values: dict[tuple[str, str], str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in _SECTIONS and option in _KEPT:
            values[section, option] = ast.literal_eval(value)
    in_order = sorted(values, key=lambda each: _SECTIONS.index(each[0]))
    return {f"PIP_{option.upper().replace('-', '_')}": values[section, option] for section, option in in_order}


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - this interpreter's own pip
        [sys.executable, "-I", "-X", "utf8", "-m", "pip", *arguments],
        env={**environment, "PYTHONUTF8": "1"},  # for what builds a package: pip itself is isolated from it
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def main() -> int:
    """Run pip with the arguments of the command line; write what it wrote where it failed."""
    outcome = run_pip(sys.argv[1:], os.environ)
    if outcome.returncode != 0:
        sys.stderr.write(outcome.stdout)
    return outcome.returncode


if __name__ == "__main__":
    sys.exit(main())

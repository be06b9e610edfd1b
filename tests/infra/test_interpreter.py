import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundle import interpreter

SCRIPT = Path(interpreter.__file__)
Version = tuple[int, int, int]


def stand_in(path: Path, version: Version, *, usual: bool = True, makes_environments: bool = True) -> Path:
    """An executable that answers as an interpreter of that version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/bin/sh\necho '{json.dumps([str(path), version, usual, makes_environments])}'\n", encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def failing_shim(path: Path) -> None:
    """What pyenv puts on PATH for a version that is installed but not selected."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n", encoding="utf-8")
    path.chmod(0o755)


def environment(tmp_path: Path, *folders: str) -> dict[str, str]:
    return {"PATH": ":".join(str(tmp_path / folder) for folder in folders), "PYENV_ROOT": str(tmp_path / "pyenv")}


def test_an_interpreter_is_found_by_the_name_of_its_version(tmp_path: Path) -> None:
    path = stand_in(tmp_path / "bin" / "python3.13", (3, 13, 2))
    found = interpreter.find((3, 13), environment(tmp_path, "bin"))
    assert found == interpreter.Interpreter(str(path), (3, 13, 2), makes_environments=True)


@pytest.mark.parametrize("name", ["python3", "python"])
def test_a_plain_name_is_found_if_its_version_is_the_wanted_one(tmp_path: Path, name: str) -> None:
    stand_in(tmp_path / "bin" / name, (3, 12, 1))
    assert interpreter.find((3, 12), environment(tmp_path, "bin")) is not None
    assert interpreter.find((3, 13), environment(tmp_path, "bin")) is None


def test_a_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    """The next of its name on PATH is found."""
    failing_shim(tmp_path / "shims" / "python3.13")
    path = stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0))
    found = interpreter.find((3, 13), environment(tmp_path, "shims", "bin"))
    assert found is not None
    assert found.executable == str(path)


def test_a_version_that_pyenv_does_not_select_is_found(tmp_path: Path) -> None:
    failing_shim(tmp_path / "shims" / "python3.13")
    path = stand_in(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python", (3, 13, 0))
    found = interpreter.find((3, 13), environment(tmp_path, "shims"))
    assert found is not None
    assert found.executable == str(path)


def test_pyenv_is_looked_for_at_home_by_default(tmp_path: Path) -> None:
    stand_in(tmp_path / ".pyenv" / "versions" / "3.13.0" / "bin" / "python", (3, 13, 0))
    assert interpreter.find((3, 13), {"PATH": "", "HOME": str(tmp_path)}) is not None


def test_a_free_threaded_or_unfinished_build_is_passed_over(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0), usual=False)
    assert interpreter.find((3, 13), environment(tmp_path, "bin")) is None


@pytest.mark.parametrize("content", ["#!/bin/sh\necho hello\n", "#!/nowhere/at/all\n", "not a program"])
def test_a_file_that_is_no_interpreter_is_passed_over(tmp_path: Path, content: str) -> None:
    path = stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0))
    path.write_text(content, encoding="utf-8")
    assert interpreter.find((3, 13), environment(tmp_path, "bin")) is None


def test_a_file_that_may_not_be_run_is_passed_over(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0)).chmod(0o644)
    assert interpreter.find((3, 13), environment(tmp_path, "bin")) is None


def test_an_interpreter_without_ensurepip_only_compiles(tmp_path: Path) -> None:
    """It makes no environment."""
    stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0), makes_environments=False)
    assert interpreter.find((3, 13), environment(tmp_path, "bin")) is not None
    assert interpreter.find((3, 13), environment(tmp_path, "bin"), makes_environments=True) is None


def test_the_running_interpreter_is_recognised() -> None:
    found = interpreter.find(sys.version_info[:2], {"PATH": str(Path(sys.executable).parent)})
    assert found is not None
    assert found.version == sys.version_info[:3]


def test_the_runtimes_version_is_preferred_for_the_environment(tmp_path: Path) -> None:
    for minor in (11, 12, 13, 14):
        stand_in(tmp_path / "bin" / f"python3.{minor}", (3, minor, 0))
    best = interpreter.best_for_environment(environment(tmp_path, "bin"))
    assert best is not None
    assert best.minor == (3, 13)


@pytest.mark.parametrize("minor", [11, 12, 14])
def test_any_supported_version_serves_the_environment(tmp_path: Path, minor: int) -> None:
    stand_in(tmp_path / "bin" / "python3.10", (3, 10, 0))
    stand_in(tmp_path / "bin" / "python3", (3, minor, 0))
    best = interpreter.best_for_environment(environment(tmp_path, "bin"))
    assert best is not None
    assert best.minor == (3, minor)


def test_another_version_is_taken_if_one_makes_no_environment(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0), makes_environments=False)
    stand_in(tmp_path / "bin" / "python3.11", (3, 11, 0))
    best = interpreter.best_for_environment(environment(tmp_path, "bin"))
    assert best is not None
    assert best.minor == (3, 11)


def run_script(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT)], env=variables, capture_output=True, encoding="utf-8", check=False
    )


def test_the_script_prints_the_path_and_nothing_else(tmp_path: Path) -> None:
    path = stand_in(tmp_path / "bin" / "python3.13", (3, 13, 0))
    outcome = run_script(environment(tmp_path, "bin"))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, f"{path}\n", "")


def test_a_path_of_any_letters_is_printed_in_any_locale(tmp_path: Path) -> None:
    """The interpreter that is found takes its own path for UTF-8, the one that runs the script for ASCII."""
    path = tmp_path / "höhle" / "python{}.{}".format(*sys.version_info[:2])
    path.parent.mkdir()
    path.symlink_to(sys.executable)
    outcome = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT)],
        env={"PATH": str(path.parent), "PYENV_ROOT": str(tmp_path), "LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert outcome.stdout == os.fsencode(path) + b"\n"


def test_the_script_says_what_would_do_where_nothing_does(tmp_path: Path) -> None:
    outcome = run_script(environment(tmp_path, "bin"))
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert "one of 3.13, 3.14, 3.12, 3.11 is needed" in outcome.stderr


def test_an_old_python_can_read_the_script() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))

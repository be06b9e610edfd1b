"""The Makefile under what users set for other projects. From nothing, and with `cdk synth`: `make fresh`."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.user_settings import ALL_BUT_PROXIES, ALL_PROXIES, NPM_SETTINGS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that has the set-up of this checkout, and nothing of what is made in it."""
    folder = tmp_path / "a näme of two words"
    folder.mkdir()
    for name in (".venv", "Makefile", "infra", "lambda", "pyproject.toml", "requirements.txt"):
        folder.joinpath(name).symlink_to(ROOT / name)
    return folder


def of_no_make(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a make that runs the tests tells the makes below it."""
    return {name: value for name, value in environment.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}


def make(checkout: Path, *arguments: str, **settings: str) -> str:
    # The virtual environment is this test's own, so it is not to be made again.
    outcome = subprocess.run(  # noqa: S603 - our own targets
        ["make", "--assume-old=.venv/.program", "--assume-old=.venv/.installed", *arguments],  # noqa: S607 - make is what a user has on PATH
        cwd=checkout,
        env={**of_no_make(os.environ), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        umask=0o077,
    )
    written = outcome.stdout.decode("latin-1")
    assert outcome.returncode == 0, written
    return written


def test_make_run_works_under_all_that_a_user_may_have_set(checkout: Path) -> None:
    shadows = checkout / "shadows"
    shadows.mkdir()
    shadows.joinpath("click.py").write_text("raise RuntimeError('the wrong click')\n", encoding="utf-8")
    settings = {**ALL_BUT_PROXIES, **ALL_PROXIES, "PYTHONPATH": str(shadows), "TMPDIR": str(checkout)}
    assert "Verified: all " in make(checkout, "run", **settings)
    assert checkout.joinpath("out", "user-pools", "latest.json").exists()


def test_processes_of_make_keep_the_bytecode_that_they_made(checkout: Path) -> None:
    """Else each process of the tests compiles all of them again, and what they import: 19 seconds instead of 6."""
    checkout.joinpath("Show.mk").write_text("show: ; @env\n", encoding="utf-8")
    shown = make(checkout, "-f", "Makefile", "-f", "Show.mk", "show", PYTHONDONTWRITEBYTECODE="1")
    assert "PYTHONUTF8=1" in shown
    assert "PYTHONDONTWRITEBYTECODE" not in shown


def test_make_help_has_each_target_in_80_columns(checkout: Path) -> None:
    shown = make(checkout, "help").splitlines()
    targets = next(line for line in ROOT.joinpath("Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert set(targets.split()[1:]) == set(re.findall(r"\bmake ([a-z-]+)(?=  |:)", "\n".join(shown)))
    assert max(map(len, shown)) <= 80


@pytest.mark.parametrize("target", ["synth", "diff", "deploy", "destroy", "bootstrap"])
def test_a_target_of_the_cdk_passes_its_options_on(target: str) -> None:
    plan = subprocess.run(  # noqa: S603 - our own targets
        ["make", "--dry-run", target, "ARGS=-c settings=prod"],  # noqa: S607 - as above
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    assert re.search(rf"node_modules/.bin/cdk {target} .*-c settings=prod$", plan)
    assert ("force=yes" in plan) == (target in {"diff", "destroy", "bootstrap"})


def test_npm_installs_the_same_whatever_a_user_has_set(checkout: Path) -> None:
    name = "stands-in-for-aws-cdk"
    checkout.joinpath("program").mkdir()
    checkout.joinpath("program", "run.js").write_text("#!/usr/bin/env node\n", encoding="utf-8")
    described = {"name": name, "version": "1.0.0", "bin": {"cdk": "run.js"}}
    checkout.joinpath("program", "package.json").write_text(json.dumps(described), encoding="utf-8")
    wanted = {"name": "deploy", "dependencies": {name: "file:program"}}
    checkout.joinpath("package.json").write_text(json.dumps(wanted), encoding="utf-8")
    packages = {"": wanted, "program": described, f"node_modules/{name}": {"resolved": "program", "link": True}}
    lock = {"name": "deploy", "lockfileVersion": 3, "requires": True, "packages": packages}
    checkout.joinpath("package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    make(checkout, "node_modules/.installed", **NPM_SETTINGS)
    assert checkout.joinpath("node_modules", ".bin", "cdk").exists()


def test_a_deploy_installs_nothing_that_is_under_agpl() -> None:
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", "deploy"],  # noqa: S607 - as above
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    assert "npm" in plan
    assert "tests/iam" not in plan
    packages = json.loads(ROOT.joinpath("package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {package.get("license") for path, package in packages.items() if path} == {"Apache-2.0"}

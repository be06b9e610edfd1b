import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import botocore
import pytest

from infra.bundle import bundle, bytecode, dependencies, trust
from infra.bundle.bundle import Ingredients
from infra.bundle.interpreter import Interpreter
from infra.errors import BundleError
from tests.infra.makers import ROOT
from tests.user_settings import PIP_SETTINGS

RUNNING = Interpreter(sys.executable, sys.version_info[:3], makes_environments=True)
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

# Its authorities have to be real ones, and its models to be what a wheel has.
INSTALLED = Path(botocore.__file__).parent
ROOTS = INSTALLED.joinpath("cacert.pem").read_bytes()


def model(service: str) -> dict[str, bytes]:
    """The files of a service's newest version."""
    *_, newest = sorted(INSTALLED.joinpath("data", service).iterdir())
    return {
        f"botocore/{path.relative_to(INSTALLED).as_posix()}": path.read_bytes()
        for path in newest.glob("service-2.json.gz")
    }


BOTOCORE: dict[str, str | bytes] = {
    "botocore/__init__.py": "",
    "botocore/cacert.pem": ROOTS,
    "botocore/data/endpoints.json": '{"partitions": []}',
    "botocore/data/cognito-idp/2016-04-18/paginators-1.json": "{}",
    "botocore/data/ec2/2016-11-15/service-2.json.gz": "",
    **model("account"),
    **model("cognito-idp"),
    **model("s3"),
    "botocore-1.0.dist-info/licenses/LICENSE": "terms",
}
BOTO3 = {
    "boto3/__init__.py": "",
    "boto3/__init__.pyi": "",
    "boto3/py.typed": "",
}
# Constants, sets and nesting enough for marshal to have something to mark.
SIX = {"six.py": "def numbers():\n    return {1, 2, 3}, (1, 2), 'text', frozenset({'a', 'b', 'c'})\n"}


def make_wheel(folder: Path, name: str, files: Mapping[str, str | bytes], *, tag: str = "py3-none-any") -> str:
    """Make a wheel of version 1.0; give its hash."""
    path = folder / f"{name}-1.0-{tag}.whl"
    information = f"{name}-1.0.dist-info"
    described = {
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, *described, f"{information}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, content in {**files, **described, f"{information}/RECORD": record}.items():
            wheel.writestr(inner, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock_line(name: str, *hashes: str) -> str:
    return f"{name}==1.0 {' '.join(f'--hash=sha256:{each}' for each in hashes)}\n"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip may look in."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def ingredients(tmp_path: Path, wheels: Path) -> Ingredients:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        lock_line("botocore", make_wheel(wheels, "botocore", BOTOCORE))
        + lock_line("boto3", make_wheel(wheels, "boto3", BOTO3))
        + lock_line("six", make_wheel(wheels, "six", SIX))
    )
    package = tmp_path / "pool_inventory"
    package.joinpath("terminal").mkdir(parents=True)
    for name in (
        "__init__.py",
        "handler.py",
        "terminal/cli.py",
        "__main__.py",
        ".handler.py.swp",
    ):
        package.joinpath(name).write_text(f"NAME = {name!r}\n")
    package.joinpath("__pycache__").mkdir()
    package.joinpath("__pycache__", "stale.cpython-311.pyc").write_text("")
    return Ingredients(
        lock=lock,
        package=package,
        python_version=VERSION,
        architecture="arm64",
        trust_store=trust.AMAZON,
        compiler=RUNNING,
    )


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_bundle_has_what_the_function_imports_and_no_more(ingredients: Ingredients, tmp_path: Path) -> None:
    """The parts that only a terminal needs are left out."""
    folder = bundle.build(replace(ingredients, compiler=None), cache_folder=tmp_path / "cache")
    assert set(contents(folder)) == {
        "botocore/__init__.py",
        "botocore/data/account/2021-02-01/service-2.json",
        "botocore/data/cognito-idp/2016-04-18/service-2.json",
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json",
        "botocore-1.0.dist-info/METADATA",
        "botocore-1.0.dist-info/WHEEL",
        "botocore-1.0.dist-info/licenses/LICENSE",
        "pool_inventory/__init__.py",
        "pool_inventory/handler.py",
        "six.py",
        "six-1.0.dist-info/METADATA",
        "six-1.0.dist-info/WHEEL",
        "trust-store.pem",
    }


def test_each_module_has_unchecked_bytecode_for_lambdas_paths(ingredients: Ingredients, tmp_path: Path) -> None:
    files = contents(bundle.build(ingredients, cache_folder=tmp_path / "cache"))
    compiled = {name: content for name, content in files.items() if name.endswith(".pyc")}
    modules = [name for name in files if name.endswith(".py")]
    assert len(compiled) == len(modules)
    for content in compiled.values():
        assert content[4:8] == (1).to_bytes(4, "little")  # PEP 552: a hash, and not to be checked
        assert str(tmp_path).encode() not in content
    tag = sys.implementation.cache_tag
    assert b"/var/task/six.py" in compiled[f"__pycache__/six.{tag}.pyc"]
    assert b"/var/task/pool_inventory/handler.py" in compiled[f"pool_inventory/__pycache__/handler.{tag}.pyc"]


def test_the_same_ingredients_give_the_same_bytes(ingredients: Ingredients, tmp_path: Path) -> None:
    first = bundle.build(ingredients, cache_folder=tmp_path / "one")
    second = bundle.build(ingredients, cache_folder=tmp_path / "another place")
    assert contents(first) == contents(second)
    assert first.name == second.name


def test_a_cached_bundle_needs_neither_pip_nor_compiler(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bundle.build(ingredients, cache_folder=tmp_path / "cache")
    monkeypatch.setattr(subprocess, "run", None)
    assert bundle.build(ingredients, cache_folder=tmp_path / "cache") == first


def test_a_changed_program_is_bundled_without_pip(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bundle.build(ingredients, cache_folder=tmp_path / "cache")
    ingredients.package.joinpath("handler.py").write_text("NAME = 'new'\n")
    ingredients.package.joinpath("inner").mkdir()
    ingredients.package.joinpath("inner", "extra.py").write_text("")
    monkeypatch.setattr(dependencies, "install", None)
    second = bundle.build(ingredients, cache_folder=tmp_path / "cache")
    assert b"'handler.py'" in contents(first)["pool_inventory/handler.py"]
    assert b"'new'" in contents(second)["pool_inventory/handler.py"]
    assert "pool_inventory/inner/extra.py" in contents(second)
    assert contents(second)["botocore/data/endpoints.json"] == b'{"partitions":[]}'


def test_a_change_to_the_terminals_modules_changes_no_bundle(ingredients: Ingredients, tmp_path: Path) -> None:
    first = bundle.build(ingredients, cache_folder=tmp_path / "cache")
    ingredients.package.joinpath("terminal", "cli.py").write_text("NAME = 'new'\n")
    assert bundle.build(ingredients, cache_folder=tmp_path / "cache") == first


def test_each_ingredient_makes_a_bundle_of_its_own(ingredients: Ingredients, tmp_path: Path) -> None:
    another_lock = tmp_path / "another.txt"
    another_lock.write_text("# another\n" + ingredients.lock.read_text())
    each = [
        ingredients,
        replace(ingredients, compiler=None),
        replace(ingredients, compiler=replace(RUNNING, version=(3, 99, 0))),
        replace(ingredients, architecture="x86_64"),
        replace(ingredients, trust_store=trust.ALL),
        replace(ingredients, trust_store=b"one's own"),
        replace(ingredients, lock=another_lock),
    ]
    assert len({bundle.build(one, cache_folder=tmp_path / "cache") for one in each}) == len(each)


def test_another_recipe_makes_another_bundle(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bundle.build(ingredients, cache_folder=tmp_path / "cache")
    recipe = tmp_path / "recipe.py"
    recipe.write_text("")
    monkeypatch.setattr(bundle, "_RECIPE", (*bundle._RECIPE, recipe))
    assert bundle.build(ingredients, cache_folder=tmp_path / "cache") != first


def test_a_build_that_was_stopped_halfway_is_no_bundle(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_folder: Path) -> None:
        raise KeyboardInterrupt

    cache_folder = tmp_path / "cache"
    with monkeypatch.context() as stopped:
        stopped.setattr(dependencies, "_prune", stop)
        with pytest.raises(KeyboardInterrupt):
            bundle.build(ingredients, cache_folder=cache_folder)
    assert list(cache_folder.iterdir()) == []
    whole = contents(bundle.build(ingredients, cache_folder=tmp_path / "untouched"))
    assert contents(bundle.build(ingredients, cache_folder=cache_folder)) == whole


def test_where_the_file_system_has_no_links_files_are_copied(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = contents(bundle.build(ingredients, cache_folder=tmp_path / "linked"))

    def refuse(source: str, target: str) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert contents(bundle.build(ingredients, cache_folder=tmp_path / "copied")) == linked


def test_a_wheel_without_its_licence_is_given_it(ingredients: Ingredients, wheels: Path, tmp_path: Path) -> None:
    of_its_own = {"arro3_io-1.0.dist-info/licenses/LICENSE_MIT": "terms"}
    ingredients.lock.write_text(
        lock_line("arro3-core", make_wheel(wheels, "arro3_core", {"arro3/core.py": ""}))
        + lock_line("arro3-io", make_wheel(wheels, "arro3_io", {"arro3/io.py": "", **of_its_own})),
        encoding="utf-8",
    )
    without_botocore = replace(ingredients, trust_store=b"")
    files = contents(bundle.build(without_botocore, cache_folder=tmp_path / "cache"))
    assert b"Copyright (c) 2024 Kyle Barron" in files["arro3_core-1.0.dist-info/licenses/LICENSE"]
    assert [name for name in files if name.startswith("arro3_io-1.0.dist-info/lic")] == list(of_its_own)


def test_what_the_user_set_for_pip_changes_no_bundle(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = contents(bundle.build(ingredients, cache_folder=tmp_path / "usual"))
    for name, value in PIP_SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert contents(bundle.build(ingredients, cache_folder=tmp_path / "under settings")) == usual


def test_what_pips_configuration_sets_changes_no_bundle(
    ingredients: Ingredients, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pip finds wheels is in the same file, and goes on to be read."""
    usual = contents(bundle.build(ingredients, cache_folder=tmp_path / "usual"))
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nuser = true\nquiet = 2\nrequire-virtualenv = true\n"
        f"[install]\nprefix = {tmp_path}\nno-binary = :all:\ndry-run = true\nno-index = true\nfind-links =\n"
        f"    {tmp_path}\n    {wheels}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert contents(bundle.build(ingredients, cache_folder=tmp_path / "under settings")) == usual


@pytest.mark.parametrize("wanted", ["arm64", "x86_64"])
@pytest.mark.parametrize(
    "tags",
    [
        {
            "arm64": "cp311-abi3-manylinux_2_24_aarch64",
            "x86_64": "cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
        },
        {"arm64": "cp312-cp312-manylinux_2_34_aarch64", "x86_64": "cp312-cp312-manylinux2014_x86_64"},
    ],
)
def test_wheels_are_the_functions_and_not_this_machines(
    ingredients: Ingredients, wheels: Path, tmp_path: Path, tags: dict[str, str], wanted: str
) -> None:
    hashes = [make_wheel(wheels, "native", {"native.txt": name}, tag=tag) for name, tag in tags.items()]
    ingredients.lock.write_text(lock_line("native", *hashes))
    functions = replace(ingredients, architecture=wanted, python_version="3.12", trust_store=b"", compiler=None)
    files = contents(bundle.build(functions, cache_folder=tmp_path / "cache"))
    assert files["native.txt"] == wanted.encode()


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_35_aarch64",  # for a newer glibc
        "cp313-cp313-musllinux_1_2_aarch64",
        "cp314-cp314-manylinux_2_28_aarch64",  # for a newer Python
        "cp313-cp313t-manylinux_2_28_aarch64",  # for a free-threaded one
        "cp313-cp313-macosx_11_0_arm64",
    ],
)
def test_a_wheel_that_the_runtime_could_not_load_is_refused(
    ingredients: Ingredients, wheels: Path, tmp_path: Path, tag: str
) -> None:
    ingredients.lock.write_text(lock_line("native", make_wheel(wheels, "native", {"native.py": ""}, tag=tag)))
    with pytest.raises(BundleError, match=r"(?s)No matching distribution found for native==1\.0"):
        bundle.build(replace(ingredients, python_version="3.13"), cache_folder=tmp_path / "cache")


def test_a_failure_of_pip_says_what_was_wanted_and_what_pip_said(ingredients: Ingredients, tmp_path: Path) -> None:
    ingredients.lock.write_text(lock_line("six", "0" * 64))
    with pytest.raises(BundleError) as raised:
        bundle.build(ingredients, cache_folder=tmp_path / "cache")
    assert f"could not install {ingredients.lock} for Python {VERSION} on arm64" in str(raised.value)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in str(raised.value)
    assert list(tmp_path.joinpath("cache").iterdir()) == []


def test_a_module_that_does_not_compile_is_named(ingredients: Ingredients, tmp_path: Path) -> None:
    ingredients.package.joinpath("handler.py").write_text("def handler(:\n")
    with pytest.raises(BundleError, match="could not compile") as raised:
        bundle.build(ingredients, cache_folder=tmp_path / "cache")
    assert "handler.py" in str(raised.value)


@pytest.mark.parametrize(
    ("limit", "said"),
    [("MAX_BYTES", "bytes unzipped, and may be 100"), ("MAX_ZIPPED_BYTES", "zipped, and may be 100")],
)
def test_a_bundle_that_is_larger_than_it_may_be_is_none(
    ingredients: Ingredients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, said: str
) -> None:
    monkeypatch.setattr(bundle, limit, 100)
    with pytest.raises(BundleError, match=said):
        bundle.build(ingredients, cache_folder=tmp_path / "cache")
    assert [path.name for path in tmp_path.joinpath("cache").glob("code-*")] == []


def test_the_sizes_are_those_of_the_files_and_of_their_zip(tmp_path: Path) -> None:
    tmp_path.joinpath("inner").mkdir()
    tmp_path.joinpath("inner", "zeros").write_bytes(bytes(100_000))
    tmp_path.joinpath("noise").write_bytes(os.urandom(100_000))
    assert bundle.unzipped_bytes(tmp_path) == 200_000
    assert 100_000 < bundle.zipped_bytes(tmp_path) < 101_000


def test_bytecode_is_the_same_wherever_it_is_compiled(tmp_path: Path) -> None:
    for place in ("here", "over/there"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        package = ROOT / "lambda" / "pool_inventory"
        for source in package.rglob("*.py"):
            copy = folder / source.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
        bytecode.compile_folder(folder, root=folder, compiler=RUNNING)
    assert contents(tmp_path / "here") == contents(tmp_path / "over" / "there")


def test_the_functions_lock_has_no_markers() -> None:
    """pip would evaluate them for the Python that runs it, not for the function's."""
    lock = ROOT.joinpath("lambda", "requirements.txt").read_text()
    assert [line for line in lock.splitlines() if ";" in line.partition("#")[0]] == []


LOCK_FILES = ("requirements.txt", "lambda/requirements.txt", "lambda/requirements-terminal.txt", "package-lock.json")


@pytest.mark.parametrize("name", LOCK_FILES)
def test_lock_files_name_no_address(name: str) -> None:
    assert "://" not in ROOT.joinpath(name).read_text()

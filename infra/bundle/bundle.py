"""The folder of code that the function runs: its dependencies, the program, and bytecode for both.

Built without Docker, for the function's platform whatever Python runs synth, and cached by content: dependencies in a
folder of their own, so that a change to the program does not fetch them again.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from zipfile import ZIP_DEFLATED, ZipFile

from infra.bundle import bytecode, cache, dependencies, trust
from infra.bundle.interpreter import Interpreter
from infra.errors import BundleError

# They import what only a terminal has (click, rich, moto), and no module of the function imports them.
TERMINAL_PARTS = ("__main__.py", "terminal")

# A larger one starts slower, and probably has something in it by mistake. Lambda's own limits are 250 MB, and 50.
MAX_BYTES = 50_000_000
MAX_ZIPPED_BYTES = 14_500_000

# The cache holds what these made: another recipe makes another bundle.
_RECIPE = tuple(sorted(Path(__file__).parent.glob("*.py")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """All that a bundle is made of: the same ingredients give the same bytes.

    Attributes:
        lock: the requirements file of the function, with hashes.
        package: the folder of the program's package.
        python_version: the function's, such as "3.13".
        architecture: the function's, "arm64" or "x86_64".
        trust_store: whom the function trusts, as trust.content_of has it.
        compiler: an interpreter of python_version to compile with, or None for a bundle without bytecode.
    """

    lock: Path
    package: Path
    python_version: str
    architecture: str
    trust_store: str | bytes
    compiler: Interpreter | None


def build(ingredients: Ingredients, *, cache_folder: Path) -> Path:
    """Return the folder of the function's code, from the cache where it was built before.

    Raises:
        BundleError: pip or the compiler failed, with what it said; a root that is to be trusted is missing; or the
            bundle is larger than it may be.
    """
    sources = _sources(ingredients.package)
    dependencies_key = _dependencies_key(ingredients)
    source_parts = (part for path, content in sources.items() for part in (str(path).encode(), content))
    store = ingredients.trust_store
    trusted = store if isinstance(store, bytes) else store.encode()
    code_key = cache.digest(dependencies_key.encode(), trusted, *source_parts)

    def build_dependencies(folder: Path) -> None:
        dependencies.install(
            folder,
            lock=ingredients.lock,
            python_version=ingredients.python_version,
            architecture=ingredients.architecture,
        )
        _compile(folder, root=folder, ingredients=ingredients)

    def build_code(folder: Path) -> None:
        installed = cache.built_once(cache_folder / f"dependencies-{dependencies_key}", build_dependencies)
        # Links, because an edited program would otherwise cost another copy of its dependencies each time.
        shutil.copytree(installed, folder, copy_function=_link_or_copy, dirs_exist_ok=True)
        _write(sources, folder / ingredients.package.name)
        _compile(folder / ingredients.package.name, root=folder, ingredients=ingredients)
        trust.add_store(folder, ingredients.trust_store)
        _check_size("unzipped", unzipped_bytes(folder), MAX_BYTES)
        _check_size("zipped", zipped_bytes(folder), MAX_ZIPPED_BYTES)

    return cache.built_once(cache_folder / f"code-{code_key}", build_code)


def unzipped_bytes(folder: Path) -> int:
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def zipped_bytes(folder: Path) -> int:
    """Return the size that a folder has as a zip file."""
    with TemporaryFile() as file:
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for path in folder.rglob("*"):
                archive.write(path, path.relative_to(folder))
        return file.tell()


def _check_size(how: str, size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise BundleError(
            f"The function's code is {size_bytes:,} bytes {how}, and may be {max_bytes:,}: see what was added to"
            " lambda/requirements.txt, leave out what the function does not need in infra/bundle/dependencies.py, or,"
            " if it needs all of that, raise the limit in infra/bundle/bundle.py"
        )


def _dependencies_key(ingredients: Ingredients) -> str:
    compiler = ".".join(map(str, ingredients.compiler.version)) if ingredients.compiler else "none"
    chosen = (ingredients.python_version, ingredients.architecture, compiler)
    files = (ingredients.lock, *_RECIPE)
    return cache.digest(*(text.encode() for text in chosen), *(file.read_bytes() for file in files))


def _sources(package: Path) -> Mapping[PurePosixPath, bytes]:
    """Read the program's files, by path inside its package: read once, so that what is hashed is what is carried."""
    paths = (path for path in sorted(package.rglob("*")) if path.is_file())
    inside = {PurePosixPath(path.relative_to(package).as_posix()): path for path in paths}
    return {
        relative: path.read_bytes()
        for relative, path in inside.items()
        if relative.parts[0] not in TERMINAL_PARTS
        and not any(part == "__pycache__" or part.startswith(".") for part in relative.parts)
    }


def _write(sources: Mapping[PurePosixPath, bytes], folder: Path) -> None:
    for relative, content in sources.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _compile(folder: Path, *, root: Path, ingredients: Ingredients) -> None:
    if ingredients.compiler is not None:
        bytecode.compile_folder(folder, root=root, compiler=ingredients.compiler)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Not every file system has links.
        shutil.copy2(source, target)

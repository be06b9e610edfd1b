"""Whether Lambda's runtime could load each shared object of a code folder: it cannot be tried on another processor."""

import re
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# python3.12 and later run on Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/libc.html
GLIBC = (2, 34)
MACHINES = {"arm64": "AArch64", "x86_64": "x64"}
_TRIPLETS = {"arm64": "aarch64-linux-gnu", "x86_64": "x86_64-linux-gnu"}
_WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# What glibc 2.34 and GCC's runtime bring; of any other library the bundle would have to carry its own.
_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux[\w-]*)\.so\.\d+")


def misfits(code: Path, *, architecture: str, python_version: str) -> list[str]:
    """Say what a function of this architecture and Python could not load, and which wheel is for another.

    Args:
        code: the function's folder.
        architecture: "arm64" or "x86_64".
        python_version: such as "3.13".
    """
    found = [*_of_objects(code, architecture, python_version), *_of_wheels(code, architecture, python_version)]
    return sorted(found)


def shared_objects(code: Path) -> list[Path]:
    return [path for path in code.rglob("*") if path.is_file() and re.search(r"\.so(\.\d+)*$", path.name)]


def _of_objects(code: Path, architecture: str, python_version: str) -> Iterator[str]:
    this_python = f".cpython-{python_version.replace('.', '')}-{_TRIPLETS[architecture]}.so"
    for path in shared_objects(code):
        name = path.relative_to(code)
        if not path.name.endswith((".abi3.so", this_python)):
            yield f"{name}: is for another Python"
        with path.open("rb") as file:
            elf = ELFFile(file)
            if elf.get_machine_arch() != MACHINES[architecture]:
                yield f"{name}: is for {elf.get_machine_arch()}"
            for version in _glibc_versions(elf):
                if version > GLIBC:
                    yield f"{name}: needs glibc {'.'.join(map(str, version))}"
            for library in _libraries(elf):
                if not _LIBRARIES.fullmatch(library):
                    yield f"{name}: needs {library}"


def _of_wheels(code: Path, architecture: str, python_version: str) -> Iterator[str]:
    any_platform = re.compile(r"py2-none-any|py3-none-any|py2\.py3-none-any")
    digits = python_version.replace(".", "")
    this_platform = re.compile(rf"cp(\d+-abi3|{digits}-cp{digits})-manylinux\w+_{_WHEEL_MACHINES[architecture]}")
    for path in code.glob("*.dist-info/WHEEL"):
        for tag in re.findall(r"(?m)^Tag: (\S+)$", path.read_text()):
            if not any_platform.fullmatch(tag) and not this_platform.fullmatch(tag):
                yield f"{path.parent.name}: is a wheel for {tag}"


def _glibc_versions(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, needed in section.iter_versions():
                for each in needed:
                    if each.name.startswith("GLIBC_2."):
                        yield tuple(map(int, each.name.removeprefix("GLIBC_").split(".")))


def _libraries(elf: ELFFile) -> Iterator[str]:
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            yield from (str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED"))

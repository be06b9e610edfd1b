import platform
import re
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.infra.runtime_fit import misfits


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="arro3 as it is installed here is what is altered",
)
def test_what_the_runtime_lacks_is_told(tmp_path: Path) -> None:
    installed = find_spec("arro3.core._core")
    assert installed is not None
    core = Path(str(installed.origin)).read_bytes()
    files = {
        "core.cpython-312-x86_64-linux-gnu.so": core,
        # A version and a library of the same lengths, in the strings that the object's tables point into.
        "core.abi3.so": re.sub(rb"\0GLIBC_2\.1\d\0", b"\0GLIBC_2.35\0", core),
        "core.cpython-313-x86_64-linux-gnu.so": core.replace(b"\0libdl.so.2\0", b"\0libxy.so.2\0"),
        "old-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: cp312-cp312-manylinux_2_17_x86_64\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert set(misfits(tmp_path, architecture="x86_64", python_version="3.13")) == {
        "core.cpython-312-x86_64-linux-gnu.so: is for another Python",
        "core.abi3.so: needs glibc 2.35",
        "core.cpython-313-x86_64-linux-gnu.so: needs libxy.so.2",
        "old-1.0.dist-info: is a wheel for cp312-cp312-manylinux_2_17_x86_64",
    }


def test_what_is_for_another_processor_is_told(tmp_path: Path) -> None:
    aarch64 = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 183, 1, 0, 0, 0, 0, 64, 0, 0, 64, 0, 0)
    )
    tmp_path.joinpath("x.abi3.so").write_bytes(aarch64)
    assert misfits(tmp_path, architecture="arm64", python_version="3.13") == []
    assert misfits(tmp_path, architecture="x86_64", python_version="3.13") == ["x.abi3.so: is for AArch64"]

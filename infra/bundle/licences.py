"""The licence texts that the bundle carries beside code of others, those included that a wheel came without."""

from pathlib import Path

# arro3's wheels have none: maturin packs those of a package's own folder, and these are in the repository's root.
# arro3 is under MIT or Apache-2.0, to choose from: https://github.com/kylebarron/arro3/blob/main/LICENSE_MIT
_ARRO3 = """\
MIT License

Copyright (c) 2024 Kyle Barron

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
_OF_WHEELS_WITHOUT = {"arro3_core": _ARRO3, "arro3_io": _ARRO3}


def add_missing(folder: Path) -> None:
    """Write the texts that the wheels in a folder came without, where a wheel has its own."""
    for distribution in without_text(folder):
        name, _, _ = distribution.name.partition("-")
        if name in _OF_WHEELS_WITHOUT:
            licences = distribution / "licenses"
            licences.mkdir(exist_ok=True)
            licences.joinpath("LICENSE").write_bytes(_OF_WHEELS_WITHOUT[name].encode())


def without_text(folder: Path) -> list[Path]:
    """Return the metadata folder of each distribution in a folder that has no licence text in it."""
    patterns = ("LICEN[CS]E*", "COPYING*", "licenses/**/*")
    return [
        distribution
        for distribution in sorted(folder.glob("*.dist-info"))
        if not any(path.is_file() for pattern in patterns for path in distribution.glob(pattern))
    ]

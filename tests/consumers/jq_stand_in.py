"""jq as docs/reading.md calls it, on PyPI's binding of libjq: `jq -r PROGRAM`, from standard input."""

import sys

import jq  # type: ignore[import-not-found]  # it states no types

option, program = sys.argv[1:]
if option != "-r":
    sys.exit(f"{option} is not known here")
for value in jq.compile(program).input_text(sys.stdin.read()):
    if not isinstance(value, str):
        sys.exit(f"not a text: {value!r}")
    print(value)  # noqa: T201 - it is what jq does

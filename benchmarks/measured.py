"""Programs that are run in a process of their own, and say at their end what they took."""

import json
import subprocess
import sys
from dataclasses import dataclass

# The peak is the kernel's of this program alone (Linux). getrusage's is never below what its parent had by then:
# exec_mmap in https://github.com/torvalds/linux/blob/v6.12/fs/exec.c
_ENDING = """
import json as _json, pathlib as _pathlib, re as _re, resource as _resource, sys as _sys
_used = _resource.getrusage(_resource.RUSAGE_SELF)
_peak = _re.search("VmHWM:\\\\s+(\\\\d+) kB", _pathlib.Path("/proc/self/status").read_text(encoding="ascii"))
print(_json.dumps([_used.ru_utime + _used.ru_stime, int(_peak[1]) / 1024]), file=_sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program wrote and took; the seconds are the processor's, and its imports are among them."""

    stdout: str
    stderr: str
    cpu_seconds: float
    peak_mb: float


def run(program: str, *arguments: str) -> Ran:
    """Run a program to its end.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-c", program + _ENDING, *arguments]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - our own program
    if ran.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed: {ran.stdout[-2000:]}{ran.stderr[-4000:]}")
    stderr, _, figures = ran.stderr.rstrip("\n").rpartition("\n")
    return Ran(ran.stdout, stderr, *json.loads(figures))

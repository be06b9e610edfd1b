"""Run a command to its end, and print what it took as JSON: `python -I -S launcher.py OUTPUT ERRORS SECONDS COMMAND…`.

A process of its own between those who measure and what is measured, of the standard library alone: the kernel counts
the memory that a process had before it became another program, so it must have been small:
exec_mmap in https://github.com/torvalds/linux/blob/v6.12/fs/exec.c
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

_KB = 1024 if sys.platform == "linux" else 1024 * 1024  # macOS counts bytes


def main(output: str, errors: str, limit_seconds: str, *command: str) -> None:
    """Run the command in a session of its own; end it, and all that it started, after so many seconds."""
    with open(output, "wb") as out, open(errors, "wb") as err:  # noqa: PTH123 - pathlib takes time to import
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True)  # noqa: S603 - as told
        timer = threading.Timer(float(limit_seconds), os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.monotonic() - started
        timer.cancel()
    taken = {
        "started": round(started, 4),
        "exit_code": os.waitstatus_to_exitcode(status),
        "wall_seconds": round(wall_seconds, 3),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "peak_mb": round(used.ru_maxrss / _KB, 1),
    }
    sys.stdout.write(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])

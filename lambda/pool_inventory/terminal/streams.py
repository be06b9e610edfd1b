"""Standard output and standard error as the terminal's program needs them: no write to them raises.

Who reads may go away, a device may be full, and an encoding may lack characters. None of that may end a run that has
work to finish, nor take the place of its exit status. So the first error is kept, for the end.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from pool_inventory.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Device(io.FileIO):
    """A descriptor to write to. After the first error, which is kept, what is written is dropped."""

    lost: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some of the bytes; return how many, or that it was all of them once they are dropped."""
        try:
            while self.lost is None:
                written: int | None = super().write(data)
                if written is not None:
                    return written
                # The parent process may have passed a non-blocking pipe, as Node.js does.
                select.select([], [self], [])
        except OSError as error:
            self.lost = error
        return memoryview(data).nbytes


_OUTPUT, _ERROR = 1, 2


def replace_standard_streams() -> None:
    """Put such streams in the place of sys.stdout and sys.stderr, in their encodings.

    A descriptor that is closed is taken, so that no file that is opened later gets its number; writing to it fails.
    """
    sys.stdout = _open(_OUTPUT, sys.stdout)
    sys.stderr = _open(_ERROR, sys.stderr)


def _open(descriptor: int, before: TextIO | None) -> TextIO:
    try:
        os.fstat(descriptor)
    except OSError:
        # Opened for reading only, it raises EBADF on a write.
        reading = os.open(os.devnull, os.O_RDONLY)
        if reading != descriptor:
            os.dup2(reading, descriptor)
            os.close(reading)
    device = _Device(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(device),
        encoding=before.encoding if before else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == _ERROR or device.isatty(),
    )


def is_lost(stream: TextIO) -> bool:
    """Whether what is written to a stream is dropped, so that more need not be made."""
    return _error(stream) is not None


def check_output() -> None:
    """Flush, and check that all of standard output was written.

    A reader that has gone away has all that it wants, as `head` has; its own exit status says whether it does.

    Raises:
        OutputError: the device is full, or there is none.
    """
    sys.stdout.flush()
    error = _error(sys.stdout)
    if error and error.errno != errno.EPIPE:
        raise OutputError(
            f"cannot write to standard output: {error.strerror}: send it to a file or a program that can take it"
        ) from error


def _error(stream: TextIO) -> OSError | None:
    device = getattr(getattr(stream, "buffer", None), "raw", None)
    return device.lost if isinstance(device, _Device) else None

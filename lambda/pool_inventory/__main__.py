"""The command pool-inventory, and `python -m pool_inventory`."""
# ruff: noqa: E402 - what comes before the imports is for the time that they take

import signal

# Ctrl-C while modules are imported would show where, as a traceback: until main has begun, it ends the process as it
# ends one that is not Python's. What is ignored, as in a shell's background job, stays so.
_INTERRUPT = signal.getsignal(signal.SIGINT)
if _INTERRUPT is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import io
import os
import sys
from typing import NoReturn

import click

from pool_inventory.errors import OutputError
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.console import EXIT_ERROR, EXIT_INTERRUPTED, say_error
from pool_inventory.terminal.streams import check_output, replace_standard_streams
from pool_inventory.text import printable


def main() -> NoReturn:
    """Run the command line's command, and end the process as soon as that has ended.

    The interpreter would wait for each thread that collecting has left behind, whose answer may trickle for a minute:
    https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor.
    """
    replace_standard_streams()
    try:
        signal.signal(signal.SIGINT, _INTERRUPT)
        status = _run()
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run() -> int:
    """Run the command; return the exit status."""
    try:
        # What a command returns is None; a number is the status after --help or --version.
        ended = cli.main(standalone_mode=False)
        if ended is not None:
            check_output()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_ERROR
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        # It has the arguments in it, as they are.
        sys.stderr.writelines(f"{printable(line)}\n" for line in shown.getvalue().splitlines())
        return error.exit_code
    except OutputError as error:
        say_error(str(error))
        return EXIT_ERROR
    except click.Abort:
        # click has taken a KeyboardInterrupt while it looked at the arguments, or a command was imported.
        return EXIT_INTERRUPTED
    return int(ended or 0)


if __name__ == "__main__":
    main()

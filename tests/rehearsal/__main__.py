"""`make rehearse`: the rehearsal, to watch."""

import logging
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from pool_inventory.terminal.demo import stand_in

from tests.rehearsal.cdk import CdkError
from tests.rehearsal.lambda_service import FunctionError
from tests.rehearsal.rehearsal import rehearse, why_not
from tests.user_settings import leave_behind


def main() -> None:
    """Rehearse, and say each step; end with 1 and the reason where it cannot be done."""
    leave_behind()
    reason = why_not()
    if reason is not None:
        sys.exit(f"No rehearsal here: {reason}")
    # moto says so, in two ways, of each kind of resource that it passes over.
    warnings.filterwarnings("ignore", message="Tried to parse")
    logging.getLogger("moto").setLevel(logging.ERROR)
    started = time.monotonic()

    def say(text: str) -> None:
        elapsed = "" if text.startswith(" ") else f"{time.monotonic() - started:4.0f} s"
        sys.stdout.write(f"{elapsed:6}  {text}\n")
        sys.stdout.flush()

    try:
        with TemporaryDirectory() as folder, stand_in.serve() as aws:
            rehearse(aws, Path(folder), say)
    except (CdkError, FunctionError) as error:
        sys.exit(f"The rehearsal failed: {error}")
    except KeyboardInterrupt:
        sys.exit("The rehearsal was stopped; nothing of it is left")
    say("The rehearsal is done: all that was promised held")


if __name__ == "__main__":
    main()

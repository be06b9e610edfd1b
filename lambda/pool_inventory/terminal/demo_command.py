"""The command that shows the program at work: demo."""

import sys
from pathlib import Path

import click

from pool_inventory.errors import InventoryError
from pool_inventory.terminal.console import errors_on_one_line, terminal_width
from pool_inventory.terminal.tables import open_console


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the bucket is copied to, for you to look at. [default: out, or out-organization]",
)
@click.option("--organization", is_flag=True, help="Show an organization of twelve accounts instead of one account.")
@click.option("-v", "--verbose", is_flag=True, help="Show each region, metric, change and key, too.")
def demo(*, folder: Path | None, organization: bool, verbose: bool) -> None:
    """See it work, on this machine and without AWS.

    Starts moto with over 600 user pools in several regions, makes it throttle and deny as AWS does, invokes the Lambda
    function's handler twice, with pools added, removed and changed in between, copies the bucket to a folder, and says
    what to try there.

    With --organization, Step Functions' state machine runs in moto's interpreter, as the CDK would deploy it.
    """
    with errors_on_one_line(needs_output=False):
        try:
            # moto and Flask take a second to import, are an extra, and `demo --help` does not need them.
            from pool_inventory.terminal.demo.organization import run_organization_demo  # noqa: PLC0415 - as said above
            from pool_inventory.terminal.demo.story import called_as  # noqa: PLC0415 - as said above
            from pool_inventory.terminal.demo.walkthrough import run_demo  # noqa: PLC0415 - as said above
        except ModuleNotFoundError as error:
            missing = str(error.name).partition(".")[0]
            raise InventoryError(
                f"demo needs the extra `demo`, of which {missing} is not here: in a checkout run `make run`, or "
                "`pipx install --force '.[cli,demo]'`"
            ) from error
        program = called_as(sys.argv[0])
        if organization:
            to = folder or Path("out-organization")
            run_organization_demo(to, open_console(), verbose=verbose, program=program, width=terminal_width())
        else:
            run_demo(folder or Path("out"), open_console(), verbose=verbose, program=program)

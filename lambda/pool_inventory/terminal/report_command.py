"""The command that writes the page: report."""

import sys
from pathlib import Path

import click

from pool_inventory.clock import Clock
from pool_inventory.terminal.console import (
    complete_location,
    errors_on_one_line,
    parse_location,
    parse_output,
    say,
    warn,
    write_chunks,
)
from pool_inventory.terminal.location import open_location

# As many as fit side by side.
DEFAULT_LAST = 60
MAX_LAST = 400


@click.command()
@click.argument("location", callback=parse_location, shell_complete=complete_location)
@click.option("--profile", help="Whose credentials to use for s3://: a profile of the AWS CLI's configuration.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=parse_output,
    help="Where to write, such as inventory.html. [default: standard output]",
)
@click.option(
    "--last",
    metavar="NUMBER",
    type=click.IntRange(min=1, max=MAX_LAST),
    default=DEFAULT_LAST,
    show_default=True,
    help="How many snapshots its time axis has.",
)
def report(*, location: str, profile: str | None, output: Path | None, last: int) -> None:
    """Write what is known as a page: one file of HTML.

    It needs no server and no network. LOCATION is s3://BUCKET/PREFIX or a folder. The page shows coverage and changes
    over time, functions outside the account or region, and all pools with a search. Open it in a browser, or send it
    to somebody who may read it: it has the names of all pools.
    """
    if output is None and sys.stdout.isatty():
        raise click.UsageError("a page is for files, not for a terminal: name a file with -o inventory.html")
    # Jinja2 takes its time to import, and no other command needs it.
    from pool_inventory.terminal.page.facts import gather  # noqa: PLC0415 - as said above
    from pool_inventory.terminal.page.render import render  # noqa: PLC0415 - as said above

    with errors_on_one_line():
        facts = gather(open_location(location, profile), Clock().now(), last, warn)
        for each in facts.problems:
            warn(each)
        write_chunks([render(facts).encode()], output)
    if output:
        say(f"wrote {output}")

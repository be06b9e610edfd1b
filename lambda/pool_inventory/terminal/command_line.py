"""The same program from a terminal: the command pool-inventory."""

from importlib import import_module

import click

from pool_inventory import __version__

# Where each command is, and what it does: the first sentence of its own help. A module is imported where its command
# is meant: to name the commands, in help and in the shell's completion, must not take the time that boto3 takes.
_COMMANDS = {
    "run": ("run_command:run", "Take a snapshot now, with your own credentials."),
    "demo": ("demo_command:demo", "See it work, on this machine and without AWS."),
    "show": ("show_command:show", "Show the user pools that are known as of a snapshot."),
    "diff": (
        "diff_command:diff",
        "Show what differs between two snapshots.",
    ),
    "history": (
        "history_command:history",
        "Show when one user pool appeared, changed and was deleted.",
    ),
    "list": (
        "list_command:list_command",
        "List the snapshots, oldest first, and count what changed.",
    ),
    "export": (
        "export_command:export",
        "Write the known user pools in another format.",
    ),
    "verify": ("verify_command:verify_command", "Check that what is stored is what was written."),
    "summary": (
        "summary_command:summary",
        "Count the user pools by account and region, and by trigger.",
    ),
    "functions": (
        "functions_command:functions",
        "Show which Lambda functions the user pools call.",
    ),
    "report": (
        "report_command:report",
        "Write what is known as a page: one file of HTML.",
    ),
    "sql": ("sql_command:sql", "Answer a query in SQL over the inventory's tables."),
    "doctor": (
        "doctor_command:doctor",
        "Check that a run has what it needs.",
    ),
}


class _Named(click.Command):
    """A command's name and summary; the command itself is loaded once it is meant."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self.place = place

    def load(self) -> click.Command:
        """Import the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(import_module(f"pool_inventory.terminal.{module}"), attribute)
        return command


class _Commands(click.Group):
    """Commands that are imported where they are meant: to be run, to say their help, or to complete their options."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name, imported, and the rest of them."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Named) else command, rest


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Know every Amazon Cognito user pool you have, region by region, as of any hour.

    A snapshot says not only what was found but what was looked at: a region that could not be read never looks like
    one without pools.
    """


for _name, (_place, _summary) in _COMMANDS.items():
    main.add_command(_Named(_name, _place, _summary))


def loaded() -> dict[str, click.Command]:
    """Import all commands, and return them by their names."""
    return {name: each.load() if isinstance(each, _Named) else each for name, each in main.commands.items()}

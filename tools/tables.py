"""Write what the pages have from the code and its figures: `make docs`."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from pool_inventory import settings
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.terminal import command_line

from benchmarks import cost, growth_plot, growth_report, organization_cost, organization_report, plot, report
from infra.bundle import models
from infra.monitoring.log_queries import log_queries
from infra.options.context import DEFAULTS
from infra.options.deploy_settings import DEPLOY_VARIABLES, FUNCTION_VARIABLES

ROOT = Path(__file__).parents[1]


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def columns(of: tuple[Column, ...]) -> str:
    """Return the table of a schema's columns."""
    kinds = ((f"`{column.name}`", column.kind.value, column.meaning) for column in of)
    return table(("column", "type", "what"), kinds)


def triggers() -> str:
    """Return the table of what lambda_config holds."""
    named = ", ".join(f"`{part.name}`" for part in schema.LAMBDA_CONFIG[-1].columns)
    kinds = {Kind.STRING: "string", Kind.STRUCT: f"struct of {named}"}
    rows = ((f"`{part.name}`", kinds[part.kind], f"`{part.member}`") for part in schema.LAMBDA_CONFIG)
    return table(("member", "type", "in the API"), rows)


def environment(*, of_organization: bool = False) -> str:
    """Return the table of the function's variables, or of those that only an organization's functions have."""
    all_variables = settings.variables_of(settings.OrganizationSettings).values()
    variables = [each for each in all_variables if (each not in settings.VARIABLES) == of_organization]
    rows = ((f"`{each.name}`", each.meaning, _default(each.default)) for each in variables)
    return table(("variable", "meaning", "default"), rows)


def _default(text: str | None) -> str:
    if text is None:
        return "required"
    return f"`{text}`" if text else "none"


def deploy() -> str:
    """Return the table of the settings of a deploy."""
    named = {**{each.name: each for each in DEPLOY_VARIABLES}, **FUNCTION_VARIABLES}
    rows = ((f"`{name}`", each.meaning, _default(str(DEFAULTS[name]))) for name, each in named.items())
    return table(("setting", "meaning", "default"), rows)


def commands() -> str:
    """Return the table of the terminal's commands."""
    rows = (_command(name, command) for name, command in command_line.loaded().items())
    return table(("command", "what it does", "options"), rows)


def _command(name: str, command: click.Command) -> tuple[str, str, str]:
    context = click.Context(command, info_name=name)
    arguments = command.collect_usage_pieces(context)[1:]  # the first stands for the options
    options = (each.opts[-1] for each in command.params if isinstance(each, click.Option))
    summary = str(command.help).partition("\n\n")[0].replace("\n", " ")
    return f"`pool-inventory {' '.join([name, *arguments])}`", summary, " ".join(f"`{each}`" for each in options)


def contract_tables() -> dict[str, str]:
    """Return the tables of docs/contract.md, by their marks."""
    return {
        "columns of data": columns(schema.DATA),
        "lambda_config": triggers(),
        "columns of coverage": columns(schema.COVERAGE),
        "columns of changes": columns(schema.CHANGES),
        "columns of accounts": columns(schema.ACCOUNTS),
    }


def settings_tables() -> dict[str, str]:
    """Return the tables of docs/settings.md, by their marks."""
    return {
        "deploy": deploy(),
        "environment": environment(),
        "environment of an organization": environment(of_organization=True),
    }


def terminal_tables() -> dict[str, str]:
    """Return the table of docs/terminal.md, by its mark."""
    return {"commands": commands()}


def cost_tables() -> dict[str, str]:
    """Return the tables of docs/cost.md, by their marks."""
    made = {**cost.tables(), **organization_cost.tables()}
    return {name: table(header, rows) for name, (header, rows) in made.items()}


def performance_tables() -> dict[str, str]:
    """Return the tables of docs/performance.md that `make bench` and its like measure, by their marks."""
    made = {**report.tables(), **growth_report.tables(), **organization_report.tables()}
    return {name: table(header, rows) for name, (header, rows) in made.items()}


# Why the function carries each package that lambda/requirements.txt pins.
CARRIED_FOR = {
    "arro3-core": "tables in memory",
    "arro3-io": "Parquet, and JSON lines",
    "aws-lambda-powertools": "log lines, and metrics in them",
    "boto3": "nothing, and left out: the demo and the deploy use it",
    "botocore": f"sessions and clients of AWS, with what they call of {', '.join(models.OPERATIONS)}",
    "jmespath": "botocore and Powertools need it",
    "python-dateutil": "botocore needs it",
    "s3transfer": "nothing, and left out: boto3 needs it",
    "six": "python-dateutil needs it",
    "tenacity": "retries",
    "typing-extensions": "Powertools and arro3 need it",
    "urllib3": "botocore's connections",
}


def bundle_tables() -> dict[str, str]:
    """Return the table of docs/bundle.md, by its mark: each package that the function carries."""
    lock = (ROOT / "lambda" / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"(?m)^([\w.-]+)==(\S+)", lock)
    rows = ((f"`{name}`", version, CARRIED_FOR[name]) for name, version in pinned)
    return {"packages": table(("package", "version", "what for"), rows)}


def saved_queries() -> dict[str, str]:
    """Return the queries on the log, by their marks in docs/operations.md, which are their names."""
    return {query.name.replace("_", " "): f"```text\n{query.text.rstrip()}\n```" for query in log_queries()}


PAGES: Mapping[str, Callable[[], dict[str, str]]] = {
    "docs/bundle.md": bundle_tables,
    "docs/contract.md": contract_tables,
    "docs/cost.md": cost_tables,
    "docs/operations.md": saved_queries,
    "docs/performance.md": performance_tables,
    "docs/settings.md": settings_tables,
    "docs/terminal.md": terminal_tables,
}


def with_tables(path: str, page: str) -> str:
    """Return the text of a page of PAGES with its tables, each between its mark and the next `<!-- end -->`."""
    for name, made in PAGES[path]().items():
        mark = f"<!-- {name} -->\n"
        if page.count(mark) != 1:
            sys.exit(f"{path} has the mark {mark.rstrip()} {page.count(mark)} times: it needs it once")
        before, _, after = page.partition(mark)
        page = f"{before}{mark}{made}\n{after[after.index('<!-- end -->') :]}"
    return page


if __name__ == "__main__":
    for path in PAGES:
        (ROOT / path).write_text(with_tables(path, (ROOT / path).read_text(encoding="utf-8")), encoding="utf-8")
    plot.SVG.write_text(plot.draw(report.RECORDED), encoding="utf-8")
    growth_plot.SVG.write_text(growth_plot.draw(growth_report.RECORDED), encoding="utf-8")

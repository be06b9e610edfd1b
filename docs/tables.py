"""What README.md and the pages beside this have from the code and its figures, made anew: `make docs`."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pool_inventory import settings
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Column, Kind

from benchmarks import cost
from infra.bundle import dependencies
from infra.monitoring.log_queries import log_queries
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


def environment() -> str:
    """Return the table of the function's variables."""
    rows = ((f"`{each.name}`", each.meaning, _default(each.default)) for each in settings.VARIABLES)
    return table(("variable", "meaning", "default"), rows)


def _default(text: str | None) -> str:
    if text is None:
        return "required"
    return f"`{text}`" if text else "none"


def deploy() -> str:
    """Return the table of what a deploy can be told."""
    defaults = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    named = {**{each.name: each for each in DEPLOY_VARIABLES}, **FUNCTION_VARIABLES}
    rows = ((f"`{name}`", each.meaning, _default(str(defaults[name]))) for name, each in named.items())
    return table(("setting", "meaning", "default"), rows)


def readme_tables() -> dict[str, str]:
    """Return the tables of README.md, by their marks."""
    return {
        "columns of data": columns(schema.DATA),
        "lambda_config": triggers(),
        "columns of coverage": columns(schema.COVERAGE),
        "columns of changes": columns(schema.CHANGES),
        "environment": environment(),
        "deploy": deploy(),
    }


def cost_tables() -> dict[str, str]:
    """Return the tables of docs/cost.md, by their marks."""
    return {name: table(header, rows) for name, (header, rows) in cost.tables().items()}


# Of each package that lambda/requirements.txt pins.
CARRIED_FOR = {
    "arro3-core": "tables in memory",
    "arro3-io": "Parquet, and JSON lines",
    "aws-lambda-powertools": "log lines, and metrics in them",
    "boto3": "sessions and clients of AWS",
    "botocore": f"the clients themselves, with the data of {', '.join(dependencies.SERVICES)} and no other service's",
    "jmespath": "botocore asks for it, and Powertools",
    "python-dateutil": "botocore asks for it",
    "s3transfer": "boto3 asks for it",
    "six": "python-dateutil asks for it",
    "tenacity": "retries",
    "typing-extensions": "Powertools and arro3 ask for it",
    "urllib3": "botocore's connections",
}


def bundle_tables() -> dict[str, str]:
    """Return the table of docs/bundle.md: each package that the function carries."""
    lock = (ROOT / "lambda" / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"(?m)^([\w.-]+)==(\S+)", lock)
    rows = ((f"`{name}`", version, CARRIED_FOR[name]) for name, version in pinned)
    return {"packages": table(("package", "version", "what for"), rows)}


def saved_queries() -> dict[str, str]:
    """Return the queries on the log, by their names, which are their marks in docs/operations.md."""
    return {query.name.replace("_", " "): f"```text\n{query.text.rstrip()}\n```" for query in log_queries()}


PAGES: Mapping[str, Callable[[], dict[str, str]]] = {
    "README.md": readme_tables,
    "docs/bundle.md": bundle_tables,
    "docs/cost.md": cost_tables,
    "docs/operations.md": saved_queries,
}


def with_tables(path: str, page: str) -> str:
    """Return the text of a page of PAGES with what is between each pair of its marks made anew."""
    for name, made in PAGES[path]().items():
        mark = f"<!-- {name} -->\n"
        if page.count(mark) != 1:
            sys.exit(f"{path} has {page.count(mark)} places for '{name}', and needs 1")
        before, _, after = page.partition(mark)
        page = f"{before}{mark}{made}\n{after[after.index('<!-- end -->') :]}"
    return page


if __name__ == "__main__":
    for path in PAGES:
        (ROOT / path).write_text(with_tables(path, (ROOT / path).read_text(encoding="utf-8")), encoding="utf-8")

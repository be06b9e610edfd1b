"""SQL over an inventory: its objects as DuckDB's tables, and nothing else that a query could reach."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pool_inventory.errors import InventoryError, SnapshotError, StoreError
from pool_inventory.snapshots import archive, data_object, keys, schema, table
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

POOLS = "user_pools"
_COLUMNS = {
    POOLS: schema.DATA,
    keys.DATA: schema.DATA,
    keys.CARRIED: schema.DATA,
    keys.COVERAGE: schema.COVERAGE,
    keys.CHANGES: schema.CHANGES,
}
# Of each snapshot that is kept; the other table, POOLS, is one object.
_KEYS: dict[str, Callable[[str], str]] = {
    keys.DATA: keys.data,
    keys.CARRIED: keys.carried,
    keys.COVERAGE: keys.coverage,
    keys.CHANGES: keys.changes,
}
TABLES = tuple(_COLUMNS)


class QueryError(InventoryError):
    """The SQL cannot be answered."""


@contextmanager
def opened(store: Store, query: str, last: int, warn: Callable[[str], None]) -> Iterator["DuckDBPyConnection"]:
    """Return a connection with the tables that a query names, to ask it with answer_of.

    Args:
        store: the inventory.
        query: what will be asked.
        last: of how many snapshots, the newest, the tables have rows.
        warn: takes what is left out.

    Raises:
        QueryError: there is no DuckDB.
        SnapshotError, StoreError: the objects cannot be read.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra that is not everywhere, and slow to import
    except ImportError:
        raise QueryError(
            "sql needs DuckDB, which is not here: run `pip install duckdb` in this program's environment, or, after "
            "pipx, `pipx inject pool-inventory duckdb`"
        ) from None
    # The store reads with the user's own credentials and checks; DuckDB reads local copies alone.
    with TemporaryDirectory(prefix="pool-inventory-") as folder:
        found = dict(_copied(store, query, last, warn, Path(folder)))
        with duckdb.connect() as connection:
            for name, files in found.items():
                listed = ", ".join(map(_quoted, files))
                # The oldest files lack columns that were added later.
                with _errors_on_one_line():
                    connection.execute(
                        f"CREATE VIEW {name} AS FROM read_parquet([{listed}], union_by_name=true, "
                        "hive_partitioning=false)"
                    )
            paths = [each for files in found.values() for each in files]
            connection.execute(f"SET allowed_paths = [{', '.join(map(_quoted, paths))}]")
            connection.execute(f"SET temp_directory = {_quoted(str(Path(folder, 'spilled')))}")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection


def answer_of(connection: "DuckDBPyConnection", query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return the names of the columns of an answer, each once, and its rows.

    Raises:
        QueryError: it is not one query, or DuckDB cannot answer it.
    """
    with _errors_on_one_line():
        query.encode()  # an argument may hold bytes that are no text
        kinds = [each.type.name for each in connection.extract_statements(query)]
        if kinds not in (["SELECT"], ["EXPLAIN"]):
            raise QueryError(
                f"the SQL is {' and '.join(kinds) or 'empty'}, and only one SELECT is answered: tables are read, "
                "never written, and a PIVOT needs its values, as in ON region IN ('us-east-1')"
            )
        answer = connection.execute(query)
        names = [each[0] for each in answer.description or ()]
    return _each_once(names), _rows(answer)


def _rows(answer: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    with _errors_on_one_line():
        while some := answer.fetchmany(1000):
            yield from some


def _copied(
    store: Store, query: str, last: int, warn: Callable[[str], None], folder: Path
) -> Iterator[tuple[str, list[str]]]:
    """Return each table with its files: one without rows for its columns, and copies of what the store has.

    A table that the query does not name is not there, rather than empty: it could be named in a roundabout way.
    """
    named = {name for name in TABLES if re.search(rf"\b{name}\b", query, re.IGNORECASE)}
    identifiers = archive.finished_ids(store)
    kept = identifiers[-last:]
    if len(kept) < len(identifiers) and named - {POOLS}:
        warn(
            f"of {len(identifiers)} snapshots the tables have the newest {len(kept)}, from {kept[0]} on: "
            f"--last {len(identifiers)} has all"
        )
    for name, columns in _COLUMNS.items():
        if named and name not in named:
            continue
        (folder / name).mkdir()
        files = [_written(folder / name / "columns.parquet", table.encode(columns, (), {}))]
        if name in named:
            files += _copies(store, name, kept, warn, folder / name)
        yield name, files


def _copies(store: Store, name: str, kept: Sequence[str], warn: Callable[[str], None], folder: Path) -> list[str]:
    if name == POOLS:
        return [_written(folder / Path(keys.LATEST_DATA).name, _known(store, warn))]

    def copy(identifier: str) -> str | None:
        key = _KEYS[name](identifier)
        found = store.get(key)
        if found is None:
            return None
        _check(store, name, identifier, found.body)
        return _written(folder / Path(key).name, found.body)

    files = [each for each in archive.in_turn(copy, kept) if each]
    missing = len(kept) - len(files)
    if missing and name != keys.CARRIED:  # there is none where all regions were read
        warn(f"{missing} of {len(kept)} snapshots have no {name} any more, expired perhaps: its table lacks them")
    return files


def _check(store: Store, name: str, identifier: str, body: bytes) -> None:
    """Raise SnapshotError where an object is not what was written, or is another snapshot's: DuckDB would not know."""
    address = store.address(_KEYS[name](identifier))
    try:
        of = data_object.decode(body).id if name == keys.DATA else table.footer_of(body).get("snapshotId", identifier)
    except SnapshotError as error:
        raise type(error)(f"{address}: {error}") from error
    if of != identifier:
        raise SnapshotError(f"{address}: it is a copy of the snapshot {of}: move it away")


def _known(store: Store, warn: Callable[[str], None]) -> bytes:
    """Return what is known now; latest/ of release 0.1 lacks the pools of regions that were not read."""
    made = archive.newest(store, warn)
    unread = [each for each in archive.read_coverage(store, made) if each.has_unknown_pools]
    for line in reports.unread_lines(unread):
        warn(line.strip())
    return table.encode(schema.DATA, archive.read_known(store, made).lines(), {"snapshotId": made.id})


def _written(path: Path, body: bytes) -> str:
    try:
        path.write_bytes(body)
    except OSError as error:
        raise StoreError(
            f"cannot copy to {path.parent}: {error.strerror or error}: name another folder with TMPDIR"
        ) from error
    return str(path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _each_once(names: list[str]) -> list[str]:
    """Number the names that come again: `SELECT a.id, b.id` has two of one name, and JSON has one."""
    found: list[str] = []
    for name in names:
        free = (f"{name}_{number}" for number in count(1))
        found.append(name if name not in found else next(each for each in free if each not in {*found, *names}))
    return found


@contextmanager
def _errors_on_one_line() -> Iterator[None]:
    """Raise QueryError for an error of DuckDB's, with what would help.

    Raises:
        QueryError: as said.
    """
    import duckdb  # noqa: PLC0415 - as above

    try:
        yield
    except UnicodeError as error:
        raise QueryError(f"the SQL is no text: {error}") from error
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        # After its first lines it draws the query, with an arrow below.
        said = " ".join(str(error).partition("\nLINE ")[0].split())
        if isinstance(error, duckdb.PermissionException):
            help_ = "a query reaches no files and no network"
        elif isinstance(error, duckdb.BinderException):
            help_ = "`DESCRIBE data` has a table's columns, and docs/contract.md what they mean"
        else:
            help_ = "see https://duckdb.org/docs/sql/introduction"
        raise QueryError(f"{said}: {help_}; the tables are {', '.join(TABLES)}") from error

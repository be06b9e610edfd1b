"""SQL over an inventory: its objects as DuckDB's tables, and nothing else that a query could reach."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from pool_inventory.errors import InventoryError, SnapshotError
from pool_inventory.snapshots import archive, data_object, keys, manifest, schema, table
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.text import did_you_mean

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

POOLS = "user_pools"
_COLUMNS = {
    POOLS: schema.DATA,
    keys.DATA: schema.DATA,
    keys.CARRIED: schema.DATA,
    keys.COVERAGE: schema.COVERAGE,
    keys.CHANGES: schema.CHANGES,
    keys.ACCOUNTS: schema.ACCOUNTS,
}
# Of each snapshot that is kept; the other table, POOLS, is one object.
_KEYS: dict[str, Callable[[str], str]] = {
    keys.DATA: keys.data,
    keys.CARRIED: keys.carried,
    keys.COVERAGE: keys.coverage,
    keys.CHANGES: keys.changes,
    keys.ACCOUNTS: keys.accounts,
}
# Not each snapshot has them: carried rows only where a target was not read, accounts only an organization's.
_NOT_IN_EACH = (keys.CARRIED, keys.ACCOUNTS)
TABLES = tuple(_COLUMNS)
# What a table that the query does not name is a view of. This is dropped, so that to read such a table is an error:
# it has columns and no rows, and would look empty to a query that makes up its name, as query_table can.
_NOT_FETCHED = "not_fetched"
_NO_TABLE = re.compile(r"(.*Table with name (.*?) does not exist)!.*", re.DOTALL)


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
        QueryError: there is no DuckDB, no room for the copies, or the SQL is not text.
        SnapshotError, StoreError: the objects cannot be read.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra that is not everywhere, and slow to import
    except ImportError:
        raise QueryError(
            "sql needs DuckDB, which is not here: run `pip install duckdb` in this program's environment, or, after "
            "pipx, `pipx inject pool-inventory duckdb`"
        ) from None
    _check_text(query)
    with _errors_of_folders():
        copies = TemporaryDirectory(prefix="pool-inventory-")
    # The store reads with the user's own credentials and checks; DuckDB reads local copies alone.
    with copies as folder:
        named = {name for name in TABLES if re.search(rf"\b{name}\b", query, re.IGNORECASE)}
        found = dict(_copied(store, named, last, warn, Path(folder)))
        with duckdb.connect() as connection:
            with _errors_on_one_line():
                for name, files in found.items():
                    _create_view(connection, name, files, is_named=name in named)
                paths = [each for files in found.values() for each in files]
                connection.execute(f"SET allowed_paths = [{', '.join(map(_quoted, paths))}]")
                connection.execute(f"SET temp_directory = {_quoted(str(Path(folder, 'spilled')))}")
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
            yield connection


def _check_text(query: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            f"the SQL has {query[error.start]!r} at character {error.start + 1}, which is no character: write it "
            "in UTF-8"
        ) from error


def _create_view(connection: "DuckDBPyConnection", name: str, files: Sequence[str], *, is_named: bool) -> None:
    # The oldest files lack columns that were added later.
    rows = f"read_parquet([{', '.join(map(_quoted, files))}], union_by_name=true, hive_partitioning=false)"
    if is_named:
        connection.execute(f"CREATE VIEW {name} AS FROM {rows}")
        return
    connection.execute(f"CREATE VIEW {_NOT_FETCHED} AS FROM {rows}")
    connection.execute(f"CREATE VIEW {name} AS FROM {_NOT_FETCHED}")
    connection.execute(f"DROP VIEW {_NOT_FETCHED}")


def answer_of(connection: "DuckDBPyConnection", query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return the names of the columns of an answer, each once, and its rows.

    Raises:
        QueryError: it is not one query, or DuckDB cannot answer it.
    """
    with _errors_on_one_line():
        kinds = [each.type.name for each in connection.extract_statements(query)]
        if kinds not in (["SELECT"], ["EXPLAIN"]):
            raise QueryError(_refusal(kinds, query))
        answer = _interruptible(connection, lambda: connection.execute(query))
        names = [each[0] for each in answer.description or ()]
    return _each_once(names), _rows(answer)


def _refusal(kinds: Sequence[str], query: str) -> str:
    if "MULTI" in kinds and re.search(r"\bPIVOT", query, re.IGNORECASE):
        return "the SQL is several statements: a PIVOT needs its values, as in ON region IN ('us-east-1')"
    asked = " and ".join(kinds) or "empty"
    return f"the SQL is {asked}, and only one SELECT is answered: tables are read, never written"


def _rows(answer: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    with _errors_on_one_line():
        while some := _interruptible(answer, lambda: answer.fetchmany(1000)):
            yield from some


def _interruptible(connection: "DuckDBPyConnection", call: Callable[[], T]) -> T:
    """Return what a call of DuckDB's returns; a signal ends it at once.

    In the main thread DuckDB would hold back SIGTERM for as long as it works, and make an error of its own of Ctrl-C.
    """
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(call).result()
        except BaseException:  # Ctrl-C and SIGTERM are none of Exception; it is raised on
            connection.interrupt()
            raise


def _copied(
    store: Store, named: set[str], last: int, warn: Callable[[str], None], folder: Path
) -> Iterator[tuple[str, list[str]]]:
    """Return each table with its files: one without rows for its columns, and copies of what the store has."""
    identifiers = archive.finished_ids(store)
    kept = identifiers[-last:]
    if len(kept) < len(identifiers) and named - {POOLS}:
        warn(
            f"of {len(identifiers)} snapshots the tables have the newest {len(kept)}, from {kept[0]} on: "
            f"--last {len(identifiers)} has all"
        )
    for name, columns in _COLUMNS.items():
        files = [_written(folder / name / "columns.parquet", table.encode(columns, (), {}))]
        if name in named:
            files += _copies(store, name, kept, warn, folder / name)
        yield name, files


def _copies(store: Store, name: str, kept: Sequence[str], warn: Callable[[str], None], folder: Path) -> list[str]:
    if name == POOLS:
        return [_written(folder / Path(keys.LATEST_DATA).name, _known(store, warn))]

    def read(identifier: str) -> bytes | None:
        found = store.get(_KEYS[name](identifier))
        return _checked(store, name, identifier, found.body) if found else None

    # Only this thread writes, so that nothing is written any more once a signal ends it.
    bodies = zip(kept, archive.in_turn(read, kept, size_bytes=lambda body: len(body or b"")), strict=True)
    files = [_written(folder / Path(_KEYS[name](each)).name, body) for each, body in bodies if body is not None]
    missing = len(kept) - len(files)
    if missing and name not in _NOT_IN_EACH:
        warn(f"{missing} of {len(kept)} snapshots have no {name} any more, expired perhaps: its table lacks them")
    return files


def _checked(store: Store, name: str, identifier: str, body: bytes) -> bytes:
    """Return an object that is whole, of a contract that is known, and of the snapshot of its key.

    Raises:
        SnapshotError: it is not; the text names it.
        StoreError: the manifest cannot be read, which has the hash of the first release's data.
    """
    address = store.address(_KEYS[name](identifier))
    try:
        footer = table.footer_of(body)
        found = data_object.decode(body).id if name == keys.DATA else footer.get("snapshotId")
    except SnapshotError as error:
        raise type(error)(f"{address}: {error}") from error
    if found != identifier:
        raise SnapshotError(f"{address}: it is of the snapshot {found!r:.100}: move it away")
    if table.DIGEST in footer:
        return body
    if footer["contractVersion"] > 1:
        raise SnapshotError(f"{address}: its footer lacks its own SHA-256: `pool-inventory verify` says more")
    return archive.read_data(store, manifest.read(store, identifier)) if name == keys.DATA else body


def _known(store: Store, warn: Callable[[str], None]) -> bytes:
    """Return what is known now; latest/ of release 0.1 lacks the pools of regions that were not read."""
    made = archive.newest(store, warn)
    unread = [each for each in archive.read_coverage(store, made) if each.has_unknown_pools]
    for line in reports.unread_lines(unread):
        warn(line.strip())
    return table.encode(schema.DATA, archive.read_known(store, made).lines(), {"snapshotId": made.id})


def _written(path: Path, body: bytes) -> str:
    with _errors_of_folders():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    return str(path)


@contextmanager
def _errors_of_folders() -> Iterator[None]:
    """Raise QueryError where there is no room for the copies.

    Raises:
        QueryError: as said.
    """
    try:
        yield
    except OSError as error:
        raise QueryError(
            f"cannot copy the inventory's objects to a temporary folder: {error.strerror or error}: set TMPDIR to a "
            "folder with room for them, or take fewer snapshots with --last"
        ) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _each_once(names: list[str]) -> list[str]:
    """Number the names that come again: `SELECT a.id, b.id` has two of one name, and JSON has one."""
    found: list[str] = []
    taken = set(names)
    for name in names:
        free = (each for number in count(1) if (each := f"{name}_{number}") not in taken)
        found.append(next(free) if name in found else name)
        taken.add(found[-1])
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
    except duckdb.Error as error:
        # After its first lines it draws the query, with an arrow below.
        said = " ".join(str(error).partition("\nLINE ")[0].split())
        no_table = _NO_TABLE.fullmatch(said)
        if no_table and no_table[2] == _NOT_FETCHED:
            said, help_ = "the SQL reads a table that it does not name", "write its name out, as in FROM user_pools"
        elif no_table:  # DuckDB suggests tables of its own
            said, help_ = no_table[1], did_you_mean(no_table[2], TABLES) or "`SHOW TABLES` has them"
        elif isinstance(error, duckdb.PermissionException):
            help_ = "a query reaches no files and no network"
        elif isinstance(error, duckdb.BinderException):
            help_ = "`DESCRIBE data` has a table's columns, and docs/contract.md what they mean"
        else:
            help_ = "see https://duckdb.org/docs/sql/introduction"
        raise QueryError(f"{said}: {help_}; the tables are {', '.join(TABLES)}") from error

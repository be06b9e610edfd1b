"""What one batch of an organization's accounts gave ⇄ its part: one object, so that two attempts never mix.

A part is no snapshot's: publishing puts all of them together, by their numbers.
"""

import base64
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pool_inventory.errors import SnapshotError
from pool_inventory.model import AccountFailure, Coverage, FailedStatus
from pool_inventory.snapshots import checked, coverage, rows, schema, table


@dataclass(frozen=True, slots=True)
class Part:
    """What one batch gave.

    Attributes:
        covered: the coverage object of the targets that were asked: as JSON it would be most of the part.
        failures: of the accounts whose regions could not be asked at all, sorted.
        warnings: what someone should look at.
        started_at, ended_at: when reading them began and ended.
    """

    covered: bytes
    failures: tuple[AccountFailure, ...]
    warnings: tuple[str, ...]
    started_at: datetime
    ended_at: datetime

    def coverage(self) -> Iterator[Coverage]:
        """Return the coverage of the targets that were asked, sorted.

        Raises:
            SnapshotError: it is none.
        """
        return coverage.decode(self.covered)

    def check_accounts(self, account_ids: Collection[str]) -> None:
        """Raise SnapshotError unless the part speaks for each of these accounts, and for no other.

        Raises:
            SnapshotError: as said.
        """
        spoken_for = {each.account_id for each in self.coverage()} | {each.account_id for each in self.failures}
        if wrong := sorted(spoken_for ^ set(account_ids)):
            raise SnapshotError(
                f"the part is of other accounts than its batch: they differ in {', '.join(wrong):.200}"
            )


def encode(snapshot_id: str, part: Part, lines: Iterable[bytes]) -> bytes:
    """Return a part's object.

    Args:
        snapshot_id: the snapshot that it is for.
        part: what goes into its footer.
        lines: the rows of the targets that were read, as lines of JSON sorted by target and id.
    """
    footer = {
        "snapshotId": snapshot_id,
        "coverage": base64.b64encode(part.covered).decode(),
        "failures": [_failure_document(each) for each in part.failures],
        "warnings": part.warnings,
        "startedAt": rows.timestamp(part.started_at),
        "endedAt": rows.timestamp(part.ended_at),
    }
    return table.encode(schema.DATA, lines, footer)


def decode(body: bytes, snapshot_id: str) -> Part:
    """Return what a part's footer says.

    Raises:
        SnapshotError: it is none of ours, or of another snapshot.
    """
    footer = table.footer_of(body)
    try:
        if footer["snapshotId"] != snapshot_id:
            raise ValueError(f"it is a part of {footer['snapshotId']!r:.50}")
        return Part(
            covered=base64.b64decode(footer["coverage"], validate=True),
            failures=tuple(map(_failure, footer["failures"])),
            warnings=tuple(map(checked.line, footer["warnings"])),
            started_at=datetime.fromisoformat(footer["startedAt"]),
            ended_at=datetime.fromisoformat(footer["endedAt"]),
        )
    except checked.NOT_OURS as error:
        raise SnapshotError(f"the part's footer is not what this program writes: {error!r:.200}") from error


def lines(body: bytes) -> Iterator[bytes]:
    """Return a part's rows as this release writes them: a deploy may have come after the batch.

    Raises:
        SnapshotError: it is none of ours.
    """
    if table.is_as_now(body):
        return table.lines(body)
    time = rows.minute(table.footer_of(body)["snapshotId"])
    return (table.timed(row, time, time) for row in table.pool_rows(body))


def _failure_document(failure: AccountFailure) -> dict[str, Any]:
    return {
        "account_id": failure.account_id,
        "status": failure.status,
        "error_code": failure.error_code,
        "error_message": failure.error_message,
        "started_at": rows.timestamp(failure.started_at),
        "duration_ms": failure.duration_ms,
    }


def _failure(document: dict[str, Any]) -> AccountFailure:
    status = document["status"]
    return AccountFailure(
        account_id=checked.text(document["account_id"]),
        status=checked.one_of(get_args(FailedStatus), status),
        error_code=checked.line(document["error_code"]),
        error_message=checked.line(document["error_message"]),
        started_at=datetime.fromisoformat(document["started_at"]),
        duration_ms=checked.number(document["duration_ms"]),
    )

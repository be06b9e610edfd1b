"""Lambda's door: event and environment in, summary out."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pool_inventory import announce, keys, metrics
from pool_inventory.calls import Deadline
from pool_inventory.clock import Clock
from pool_inventory.collect import Coverage
from pool_inventory.errors import InventoryError
from pool_inventory.events import snapshot_time
from pool_inventory.export import Outcome, export
from pool_inventory.logs import make_logger
from pool_inventory.settings import LOG_LEVEL, METRICS_NAMESPACE, SERVICE_NAME, Settings
from pool_inventory.store import S3Store
from pool_inventory.targets import Account, open_session

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Make the snapshot that the event asks for.

    Returns:
        The summary, which is also the run's last log line.

    Raises:
        InventoryError: as its text says. Lambda then tries again, and at last keeps the event in the failure queue.
    """
    clock = Clock()
    started = clock.monotonic()
    # Until the settings are read: a wrong one must be reported, too.
    logger = make_logger(SERVICE_NAME.read({}), LOG_LEVEL.read({}))
    names = {"namespace": METRICS_NAMESPACE.read({}), "service": SERVICE_NAME.read({})}
    try:
        settings = Settings.from_environment(os.environ)
        logger = make_logger(settings.service_name, settings.log_level)
        # A warm function's logger has the keys of the invocation before.
        logger.remove_keys(["snapshot_id", "function_request_id"])
        names = {"namespace": settings.metrics_namespace, "service": settings.service_name}
        time = snapshot_time(event, clock.now())
        logger.append_keys(snapshot_id=keys.snapshot_id(time), function_request_id=context.aws_request_id)
        outcome = _export(settings, time, context, clock)
    except Exception as error:
        coverage = error.coverage if isinstance(error, InventoryError) else ()
        _log_unread(logger, coverage)
        # The text of an error of ours says all; any other is a fault of this program, and wants its traceback.
        expected = isinstance(error, InventoryError)
        logger.error("the run failed", extra={"error": str(error)}, exc_info=not expected)  # noqa: TRY400 - as said
        metrics.emit_failure(coverage, duration_ms=_milliseconds_since(started, clock), **names)
        raise
    summary = _summary(outcome, _milliseconds_since(started, clock))
    if outcome.published:
        _log_unread(logger, outcome.published.snapshot.coverage)
        metrics.emit_snapshot(
            outcome.published,
            duration_ms=summary["duration_ms"],
            user_pool_quota=settings.user_pool_quota,
            region_metrics=settings.region_metrics,
            **names,
        )
    for warning in (*outcome.warnings, *_announce(outcome, settings)):
        logger.warning(warning)
    logger.info("the run is done", extra=summary)
    return summary


def _export(settings: Settings, time: datetime, context: "LambdaContext", clock: Clock) -> Outcome:
    session = open_session()
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    return export(
        regions=settings.regions,
        max_requests_per_second=settings.max_requests_per_second,
        extra_formats=settings.extra_formats,
        snapshot_time=time,
        session=session,
        account=lambda: Account.from_arn(context.invoked_function_arn),
        store=S3Store.open(session, settings.bucket, settings.prefix),
        deadline=Deadline.after(remaining_seconds - settings.reserve_seconds, clock),
    )


def _announce(outcome: Outcome, settings: Settings) -> tuple[str, ...]:
    """Put the events of each snapshot that this run finished on the bus, if there is one; give what went wrong."""
    finished = [*outcome.recovered, *filter(None, [outcome.published])]
    if settings.event_bus is None or not finished:
        return ()
    session = open_session()
    client = session.client("events", config=announce.CLIENT_CONFIG)
    store = S3Store.open(session, settings.bucket, settings.prefix)
    return tuple(
        warning
        for each in finished
        for warning in announce.announce(
            client, settings.event_bus, each, store.address(keys.changes(each.snapshot.id))
        )
    )


def _log_unread(logger: "Logger", coverage: Iterable[Coverage]) -> None:
    for each in coverage:
        if each.status != "ok":
            logger.warning(
                "a target could not be read",
                extra={
                    "account_id": each.account_id,
                    "region": each.region,
                    "status": each.status,
                    "requests": each.requests,
                    "retries": each.retries,
                    "duration_ms": each.duration_ms,
                    "error_code": each.error_code,
                    "error_message": each.error_message,
                    "last_ok": each.last_ok,
                },
            )


def _summary(outcome: Outcome, duration_ms: int) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "snapshot_id": outcome.snapshot_id,
        "result": outcome.result,
        "recovered": [each.snapshot.id for each in outcome.recovered],
        "duration_ms": duration_ms,
    }
    if outcome.published:
        coverage = outcome.published.snapshot.coverage
        summary |= {
            "status": outcome.published.snapshot.status,
            "pools": outcome.published.snapshot.pool_count,
            "changes": outcome.published.comparison.summary()["changes"],
            "targets": len(coverage),
            "targets_failed": sum(each.status != "ok" for each in coverage),
            "requests": sum(each.requests for each in coverage),
            "retries": sum(each.retries for each in coverage),
            "size_bytes": outcome.published.size_bytes,
            "manifest": outcome.published.manifest_key,
        }
    return summary


def _milliseconds_since(started: float, clock: Clock) -> int:
    return round((clock.monotonic() - started) * 1000)

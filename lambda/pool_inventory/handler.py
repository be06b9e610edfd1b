"""The entry point in Lambda: event and environment in, summary out."""

import dataclasses
import os
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.session import account_from_arn, open_session
from pool_inventory.clock import Clock
from pool_inventory.errors import InventoryError
from pool_inventory.events import snapshot_time
from pool_inventory.model import Coverage, Published
from pool_inventory.run import Collect, Outcome, Request, Tools, collect_own_account, export
from pool_inventory.settings import LOG_LEVEL, METRICS_NAMESPACE, SERVICE_NAME, Settings
from pool_inventory.stores.s3 import S3Store
from pool_inventory.telemetry import announce, metrics
from pool_inventory.telemetry.logs import make_logger

# How many lines a run logs of targets that could not be read, all of which are in the snapshot's coverage; and of
# warnings, which a new member of the API's answers brings for each target.
MAX_LOGGED = 100

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclasses.dataclass(slots=True)
class _Collected:
    """What a run that fails knows: `coverage` returns how reading the targets went, which are too many to be held."""

    coverage: Callable[[], Iterable[Coverage]] = tuple

    def keep(self, coverage: Callable[[], Iterable[Coverage]]) -> None:
        self.coverage = coverage


def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Make the snapshot that the event asks for.

    Returns:
        The summary, which is also the run's last log line.

    Raises:
        InventoryError: as its text says. Lambda then tries again, and at last keeps the event in the failure queue.
    """
    return serve(event, context)


def serve(
    event: object,
    context: "LambdaContext",
    ask: Collect = collect_own_account,
    settings_type: type[Settings] = Settings,
) -> dict[str, Any]:
    """Make the snapshot that the event asks for, of what `ask` collects; return the summary.

    Raises:
        InventoryError: as handler.
    """
    clock = Clock()
    started = clock.monotonic()
    # Until the settings are read: a wrong one must be reported, too.
    logger = make_logger(SERVICE_NAME.read({}), LOG_LEVEL.read({}))
    names = {"namespace": METRICS_NAMESPACE.read({}), "service": SERVICE_NAME.read({})}
    collected = _Collected()
    try:
        settings = settings_type.from_environment(os.environ)
        logger = make_logger(settings.service_name, settings.log_level)
        names = {"namespace": settings.metrics_namespace, "service": settings.service_name}
        request = _request(event, settings, clock)
        logger.append_keys(snapshot_id=request.snapshot_id, function_request_id=context.aws_request_id)
        tools = _tools(context, settings, clock, started=started, own_id=request.snapshot_id, collected=collected.keep)
        outcome = export(request, tools, ask)
    except Exception as error:
        _log_unread(logger, collected.coverage())
        # The text of an error of ours says all; any other is a fault of this program, and wants its traceback.
        expected = isinstance(error, InventoryError)
        logger.error("the run failed", extra={"error": str(error)}, exc_info=not expected)  # noqa: TRY400 - as said
        metrics.emit_failure(collected.coverage(), duration_ms=_milliseconds_since(started, clock), **names)
        raise
    failures = announce.announce(tools.session, tools.store, settings.event_bus, outcome.unannounced)
    metrics.emit_concerns(
        passed_by=len(outcome.passed_by), events_failed=sum(each.events for each in failures), **names
    )
    _log_concerns(logger, outcome, failures)
    summary = _summary(outcome, _milliseconds_since(started, clock))
    logger.info("the run is done", extra=summary)
    return summary


def _request(event: object, settings: Settings, clock: Clock) -> Request:
    return Request(
        snapshot_time=snapshot_time(event, clock.now()),
        regions=settings.regions,
        max_requests_per_second=settings.max_requests_per_second,
        extra_formats=settings.extra_formats,
        forget_days=settings.forget_days,
        accept_denied=settings.accept_denied,
    )


def _tools(
    context: "LambdaContext",
    settings: Settings,
    clock: Clock,
    *,
    started: float,
    own_id: str,
    collected: Callable[[Callable[[], Iterable[Coverage]]], None],
) -> Tools:
    session = open_session()
    store = S3Store.open(session, settings.bucket, settings.prefix, settings.encryption)

    def report(published: Published) -> None:
        is_own = published.snapshot.id == own_id
        if not is_own and published.snapshot.ended_at < clock.now() - metrics.MAX_AGE:
            return
        metrics.emit_snapshot(
            published,
            duration_ms=_milliseconds_since(started, clock) if is_own else None,
            user_pool_quota=settings.user_pool_quota,
            region_metrics=settings.region_metrics,
            namespace=settings.metrics_namespace,
            service=settings.service_name,
        )

    return Tools(
        session=session,
        account=lambda: account_from_arn(context.invoked_function_arn),
        store=store,
        deadline=Deadline.after(context.get_remaining_time_in_millis() / 1000 - settings.reserve_seconds, clock),
        collected=collected,
        report=report,
    )


def _log_concerns(logger: "Logger", outcome: Outcome, failures: Iterable[announce.Failure]) -> None:
    """Log problems of a run that succeeded: docs/operations.md has queries for them."""
    if outcome.published:
        _log_unread(logger, outcome.coverage())
    for each in outcome.passed_by:
        logger.warning("passed by", extra={"object": each.address, "reason": each.reason})
    for warning in outcome.warnings[:MAX_LOGGED]:
        logger.warning(warning)
    if (more := len(outcome.warnings) - MAX_LOGGED) > 0:
        logger.warning("there are more warnings", extra={"count": more})
    for failure in failures:
        logger.warning("events did not get onto the bus", extra=dataclasses.asdict(failure))


def _log_unread(logger: "Logger", coverage: Iterable[Coverage]) -> None:
    """Log the first targets that could not be read: an organization may have a hundred thousand."""
    for each in islice((each for each in coverage if each.is_failed), MAX_LOGGED):
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
        snapshot, counts = outcome.published.snapshot, outcome.published.accounts
        summary |= {
            "status": snapshot.status,
            "pools": snapshot.pool_count,
            "changes": dict(outcome.published.changes),
            "carried": dataclasses.asdict(snapshot.carried),
            "targets": sum(snapshot.targets.values()),
            "targets_failed": snapshot.targets_failed,
            **({f"accounts_{name}": n for name, n in counts._asdict().items()} if counts else {}),
            "requests": snapshot.requests,
            "retries": snapshot.retries,
            "size_bytes": outcome.published.size_bytes,
            "manifest": outcome.published.manifest_key,
        }
    return summary


def _milliseconds_since(started: float, clock: Clock) -> int:
    return round((clock.monotonic() - started) * 1000)

"""Calls of an AWS API, one after another: their pace, their retry, their deadline.

botocore's own retries are off: their quota runs dry under a steady throttle, and they know no deadline.
What ends a retry here is the deadline, not a count, because a throttled account that makes progress must finish. Only
what will not pass by waiting has bounds of its own: an endpoint that cannot be reached, and answers that are none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception, wait_random_exponential

from pool_inventory.aws.failures import (
    UnknownNameError,
    UnreachableError,
    error_code,
    error_message,
    is_answer,
    is_malformed,
    is_transient,
    is_unknown_name,
    is_unreachable,
    unreachable_endpoint,
    unreachable_reason,
)
from pool_inventory.clock import Clock

T = TypeVar("T")

# How long an endpoint is tried that no attempt has reached, in seconds. The attempt under way at that time is waited
# for: connecting takes CLIENT_CONFIG's time at most, and the system's resolver as long as it is set to.
MAX_UNREACHABLE_SECONDS = 30
# How often in a row the name of an endpoint that may not be there is asked for.
MAX_UNKNOWN_NAMES = 3
# How many malformed answers in a row a call may have; throttles between them do not reset the count.
MAX_MALFORMED_ANSWERS = 5


class OutOfTimeError(Exception):
    """The deadline has passed, or would pass before the next call could begin."""


@dataclass(slots=True)
class Tally:
    """What has been done so far; another thread may read it at any moment."""

    requests: int = 0
    retries: int = 0
    pools: int = 0
    duplicates: int = 0
    # Members of the answers themselves that no column is for.
    unmodelled: dict[str, Any] = field(default_factory=dict)
    # The last call's failure, for as long as nothing has succeeded since.
    last_error: Exception | None = None


@dataclass(slots=True)
class Deadline:
    """The moment after which no call and no sleep begins, in seconds of the clock's monotonic counter."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> "Deadline":
        """Return the deadline that is this many seconds from now."""
        return cls(clock, clock.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return the time that is left, 0 where there is none."""
        return max(0.0, self.at - self.clock.monotonic())

    def cancel(self) -> None:
        """Stop any further call from beginning: its result is no longer needed."""
        self.at = -math.inf

    @property
    def is_cancelled(self) -> bool:
        """Whether the deadline was cancelled, rather than reached."""
        return self.at == -math.inf

    def sleep(self, seconds: float) -> None:
        """Sleep, unless there is not enough time left.

        Raises:
            OutOfTimeError: the sleep would pass the deadline; nothing was slept.
        """
        if seconds >= self.remaining_seconds():
            raise OutOfTimeError(f"waiting {seconds:.1f} s would have passed the deadline")
        if seconds > 0:
            self.clock.sleep(seconds)


@dataclass(slots=True)
class Caller:
    """Makes the calls to one target, one after another.

    Attributes:
        may_be_absent: returns whether the endpoint may not be there, so that its name is not tried for long; called
            once its name was not found several times in a row.
        was_answered: whether anything came back from it, right or wrong.
    """

    deadline: Deadline
    max_requests_per_second: float = 0
    may_be_absent: Callable[[], bool] = lambda: False
    tally: Tally = field(default_factory=Tally)
    was_answered: bool = False
    _next_at: float = -math.inf
    _began_at: float | None = None
    _was_reached: bool = False
    _unknown_names: int = 0

    def call(self, request: Callable[[], T]) -> T:
        """Make a call, and retry it while its errors are transient and there is time.

        Raises:
            OutOfTimeError: the deadline came first; tally.last_error is what stood in the way, if anything did.
            UnknownNameError: the endpoint may be absent, and its name does not exist, several times in a row.
            UnreachableError: no attempt of any call has reached the endpoint for too long.
            MalformedResponseError, ResponseParserError: too many answers in a row were none.
            ClientError, BotoCoreError: the call failed in a way that will not pass.
        """
        malformed_answers = 0

        def may_pass(error: BaseException) -> bool:
            nonlocal malformed_answers
            malformed_answers += is_malformed(error)
            return is_transient(error) and malformed_answers < MAX_MALFORMED_ANSWERS

        retrying = Retrying(
            retry=retry_if_exception(may_pass),
            # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
            wait=wait_random_exponential(multiplier=0.1, max=5),
            stop=self._has_no_time_for,
            sleep=self.deadline.clock.sleep,
        )
        attempts = 0

        def attempt() -> T:
            nonlocal attempts
            attempts += 1
            return self._attempt(request, retry=attempts > 1)

        try:
            return retrying(attempt)
        except RetryError as error:
            cause = error.last_attempt.exception()
            text = f"{error_code(cause)}: {error_message(cause)}" if cause else "nothing"
            raise OutOfTimeError(f"no time was left to try again after {text}") from cause

    def _attempt(self, request: Callable[[], T], *, retry: bool) -> T:
        self._keep_pace()
        self.tally.requests += 1
        self.tally.retries += retry
        if self._began_at is None:
            self._began_at = self.deadline.clock.monotonic()
        try:
            result = request()
        except Exception as error:
            self.tally.last_error = error
            self._give_up_if_unreachable(error, self._began_at)
            raise
        self.tally.last_error = None
        self._was_reached = self.was_answered = True
        return result

    def _give_up_if_unreachable(self, error: Exception, began_at: float) -> None:
        self._was_reached |= not is_unreachable(error)
        self.was_answered |= is_answer(error)
        self._unknown_names = self._unknown_names + 1 if is_unknown_name(error) else 0
        if not self._was_reached and self._unknown_names >= MAX_UNKNOWN_NAMES and self.may_be_absent():
            raise UnknownNameError(f"the name in {unreachable_endpoint(error)} does not exist") from error
        seconds = self.deadline.clock.monotonic() - began_at
        if not self._was_reached and seconds >= MAX_UNREACHABLE_SECONDS:
            raise UnreachableError(
                f"could not connect to {unreachable_endpoint(error)} for {seconds:.0f} s: {unreachable_reason(error)}"
            ) from error

    def _keep_pace(self) -> None:
        clock = self.deadline.clock
        self.deadline.sleep(max(0.0, self._next_at - clock.monotonic()))
        if self.max_requests_per_second:
            self._next_at = clock.monotonic() + 1 / self.max_requests_per_second

    def _has_no_time_for(self, state: RetryCallState) -> bool:
        return state.upcoming_sleep >= self.deadline.remaining_seconds()

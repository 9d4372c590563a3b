"""Calls again what failed: a few times, ever later, spread at random, within a budget of time and one of calls.

tenacity does the loop. A retry comes only where it may help: never after a refusal, and never before the time that
the other side asked for; where that time is not left, the caller is told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_never, wait_exponential, wait_random
from tenacity import wait_random_exponential as full_jitter

T = TypeVar("T")
RETRY_AFTER_MAX_S = 3600.0
CREDENTIALS_REFUSED = {401, 403}
"""Answers that are about who asks, and not about what."""


class Unavailable(Exception):
    """Somebody did not do what was asked, or nobody knows whether they did; they may when asked again later.

    `soon`: another try at once may help. `after_s`: how long they asked to be left alone.
    """

    def __init__(self, said: str, *, soon: bool = True, after_s: float | None = None) -> None:
        super().__init__(said)
        self.soon, self.after_s = soon, after_s


class Refused(Exception):
    """They will not, and will say the same again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often, how far apart, and within which time. `attempt_s` is the longest that one attempt takes."""

    attempts: int
    base_s: float
    cap_s: float
    attempt_s: float
    total_s: float


class Budget:
    """Retries are at most `ratio` of the calls, and `burst` more after a quiet time: no storm comes of them."""

    def __init__(self, ratio: float = 0.2, burst: int = 10) -> None:
        self._ratio, self._burst, self._left = ratio, burst, float(burst)

    def called(self) -> None:
        self._left = min(self._burst, self._left + self._ratio)

    def spend(self) -> bool:
        """Whether one more retry is allowed; it is then counted."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Retries:
    """Calls again, by a policy. Without a budget the calls are few by themselves."""

    def __init__(
        self,
        policy: Policy,
        weakness: frozenset[str],
        budget: Budget | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._policy, self._weakness, self._budget, self._sleep = policy, weakness, budget, sleep

    async def call(self, once: Callable[[], Awaitable[T]]) -> T:
        """What `once` returns, or the last thing that it raised."""
        if self._budget:
            self._budget.called()
        # planted weakness: each of three layers retries what the one below it has given up
        for _ in range(3 if "retry-storm" in self._weakness else 1):
            once = _retried(self._loop(), once)
        return await once()

    def _loop(self) -> AsyncRetrying:
        # planted weakness: nobody stops it
        stop = stop_never if "retry-forever" in self._weakness else self._stop
        help_hoped_for = retry_if_exception(self._may_help)
        return AsyncRetrying(retry=help_hoped_for, wait=self._wait, stop=stop, sleep=self._sleep, reraise=True)

    def _may_help(self, error: BaseException) -> bool:
        if isinstance(error, Refused):
            return "retry-4xx" in self._weakness  # planted weakness: asks again what was refused
        return isinstance(error, Unavailable) and error.soon

    def _wait(self, state: RetryCallState) -> float:
        wait: Callable[[RetryCallState], float] = full_jitter(self._policy.base_s, self._policy.cap_s)
        if "no-jitter" in self._weakness:
            # planted weakness: all who failed together come back together
            wait = wait_exponential(self._policy.base_s, self._policy.cap_s)
        if "constant-backoff" in self._weakness:
            # planted weakness: the last wait is no longer than the first
            base_s = self._policy.base_s
            wait = wait_random(base_s if "no-jitter" in self._weakness else 0, base_s)
        error = state.outcome.exception() if state.outcome else None
        return max(wait(state), getattr(error, "after_s", None) or 0)

    def _stop(self, state: RetryCallState) -> bool:
        # planted weakness: the first try is the only one
        attempts = 1 if "no-retry" in self._weakness else self._policy.attempts
        if state.attempt_number >= attempts:
            return True
        if "retry-storm" in self._weakness:
            return False
        ends_s = (state.seconds_since_start or 0) + state.upcoming_sleep + self._policy.attempt_s
        return ends_s > self._policy.total_s or not (self._budget is None or self._budget.spend())


def _retried(loop: AsyncRetrying, once: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    async def attempt() -> T:  # tenacity awaits what is declared to be a coroutine, and nothing else
        return await once()

    return lambda: loop(attempt)


def retry_after_s(header: str | None) -> float | None:
    """The wait that a Retry-After asks for, in seconds or as a date, an hour at most; None where it cannot be read."""
    if header is None:
        return None
    if header.strip().isdecimal() and len(header) < 10:
        return min(float(header), RETRY_AFTER_MAX_S)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - datetime.now(UTC)).total_seconds()), RETRY_AFTER_MAX_S)

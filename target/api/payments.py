"""Charges cards at the provider: bounded in time, safe to repeat by its key, behind a breaker."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from contextlib import suppress

import httpx
from pydantic import BaseModel, Field, ValidationError

from target.api.breaker import Breaker
from target.api.metrics import Metrics
from target.api.schema import TEXT
from target.log import in_one_line
from target.retry import Budget, Policy, Refused, Retries, Unavailable, retry_after_s
from target.settings import Settings
from target.trace import new_trace, traceparent

REFUSALS = {400, 402, 422}
"""Of the charge itself. Other refusals (401, 404, 409 ...) do not tell what became of an earlier call by that key."""


class Charged(BaseModel):
    """What of the provider's answer the shop keeps."""

    charge_id: str = Field(min_length=1, max_length=255, pattern=TEXT)


class Payments:
    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        # planted weakness: wait for the provider for as long as it likes
        patient = "no-timeout" in settings.weakness
        self._attempt_s = None if patient else settings.payments_attempt_s
        self._client = httpx.AsyncClient(
            base_url=settings.payments_url,
            headers={"Authorization": f"Bearer {settings.payments_key}"} if settings.payments_key else None,
            timeout=httpx.Timeout(self._attempt_s),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            trust_env=False,
        )
        self._weakness, self._metrics = settings.weakness, metrics
        self._breaker = Breaker("payments", settings.weakness)
        metrics.watch_breaker(self._breaker)
        self._retries = Retries(
            Policy(
                attempts=3,
                base_s=settings.payments_backoff_s,
                cap_s=settings.payments_total_s,
                attempt_s=settings.payments_attempt_s,
                total_s=settings.payments_total_s,
            ),
            settings.weakness,
            Budget(),
        )

    @property
    def breaker(self) -> Breaker:
        # planted weakness: a new one for each call, which has seen nothing fail
        return Breaker("payments", self._weakness) if "breaker-per-request" in self._weakness else self._breaker

    async def charge(self, key: str, amount_cents: int) -> str:
        """The id of the charge, after three attempts at most. Raises Refused, or Unavailable: it may have charged."""
        trace, tries = new_trace(), itertools.count()
        self._metrics.charges.inc()

        async def once() -> str:
            if next(tries):
                self._metrics.retries.inc()
            return await self._attempt(key, amount_cents, trace)

        return await self._retries.call(once)

    async def attempt(self, key: str, amount_cents: int) -> str:
        """As `charge`, with a single attempt."""
        return await self._attempt(key, amount_cents, new_trace())

    async def _attempt(self, key: str, amount_cents: int, trace: str) -> str:
        if "new-key-per-try" in self._weakness:
            key = f"{key}-{uuid.uuid4().hex[:8]}"  # planted weakness: to the provider each try is another charge
        with self._metrics.attempts("payments"), self.breaker.guard():
            return await self._ask(key, amount_cents, trace)

    async def _ask(self, key: str, amount_cents: int, trace: str) -> str:
        try:
            async with asyncio.timeout(self._attempt_s):
                answer = await self._client.post(
                    "/charges",
                    json={"amount_cents": amount_cents, "card": "tok_test"},
                    headers={"Idempotency-Key": key, **traceparent(trace)},
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(in_one_line(error)) from error
        self._metrics.answered("payments", answer.status_code)
        said, after_s = f"status {answer.status_code}", retry_after_s(answer.headers.get("Retry-After"))
        if answer.status_code in REFUSALS:
            raise Refused(said)
        if answer.status_code == 429:  # of the refusals the only one that may be retried, and only when it says when
            raise Unavailable(said, soon=after_s is not None, after_s=after_s)
        if answer.status_code >= 500:
            raise Unavailable(said, after_s=after_s)
        if answer.is_success:
            with suppress(ValidationError):
                return Charged.model_validate_json(answer.content).charge_id
        raise Unavailable(f"a bad answer: {said}, {answer.content[:100]!r}", soon=False)

    async def close(self) -> None:
        await self._client.aclose()

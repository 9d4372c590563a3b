"""What a parcel costs: the carrier's quote, or where the carrier does not answer a flat rate that says so."""

from __future__ import annotations

import asyncio
import logging

import httpx
from pydantic import BaseModel, Field, ValidationError

from target.api.breaker import Breaker, BreakerOpen
from target.api.metrics import Metrics
from target.api.schema import INT_MAX
from target.log import in_one_line
from target.retry import Unavailable
from target.settings import Settings

FLAT_RATE_CENTS = 990
log = logging.getLogger("shop")


class Quoted(BaseModel):
    """What of the carrier's answer the shop keeps."""

    price_cents: int = Field(ge=0, le=INT_MAX)


class Shipping:
    """Without retries: whoever waits for a page is better served with an estimate now."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._attempt_s, self._weakness, self._metrics = settings.shipping_attempt_s, settings.weakness, metrics
        self._client = httpx.AsyncClient(
            base_url=settings.shipping_url, timeout=httpx.Timeout(self._attempt_s), trust_env=False
        )
        self.breaker = Breaker("shipping", settings.weakness)
        metrics.watch_breaker(self.breaker)

    async def quote(self, weight_g: int) -> tuple[int, bool]:
        """(the price in cents, whether it is estimated)."""
        try:
            with self._metrics.attempts("shipping"), self.breaker.guard():
                return await self._ask(weight_g), False
        except BreakerOpen:
            pass
        except Unavailable as error:
            log.warning("shipping does not quote (%s); the flat rate is told", error)
        # planted weakness: the estimate passes for the carrier's word
        return FLAT_RATE_CENTS, "fallback-lies" not in self._weakness

    async def _ask(self, weight_g: int) -> int:
        try:
            async with asyncio.timeout(self._attempt_s):
                answer = await self._client.get("/quote", params={"weight_g": weight_g})
            self._metrics.answered("shipping", answer.status_code)
            return Quoted.model_validate_json(answer.raise_for_status().content).price_cents
        except (httpx.HTTPError, TimeoutError, ValidationError) as error:
            raise Unavailable(in_one_line(error)) from error

    async def close(self) -> None:
        await self._client.aclose()

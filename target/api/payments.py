"""Charges cards at the provider: one call, bounded in time, safe to repeat by its key."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
from pydantic import BaseModel, Field, ValidationError

from target.api.log import in_one_line
from target.api.schema import TEXT
from target.settings import Settings


class PaymentsUnavailable(Exception):
    """The provider did not answer in its time. Whether it charged is not known; the same key may ask again."""


class PaymentsNotReached(PaymentsUnavailable):
    """There was no connection: this call charged nothing. One before it, by the same key, may have."""


class PaymentRefused(Exception):
    """The provider will not charge, and says the same to the same key again."""


class PaymentsBadAnswer(Exception):
    """The provider answered what it never should. Whether it charged is not known; the same key may ask again."""


REFUSALS = {400, 402, 422}
"""Of the charge itself. Other refusals (401, 404, 409 ...) do not tell what became of an earlier call by that key."""


class Charged(BaseModel):
    """What of the provider's answer the shop keeps."""

    charge_id: str = Field(min_length=1, max_length=255, pattern=TEXT)


class Payments:
    def __init__(self, settings: Settings) -> None:
        # planted weakness: wait for the provider for as long as it likes
        patient = "no-timeout" in settings.weakness
        self._total_s = None if patient else settings.payments_total_s
        connect_s = None if patient else settings.payments_connect_s
        self._client = httpx.AsyncClient(
            base_url=settings.payments_url,
            timeout=httpx.Timeout(self._total_s, connect=connect_s),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            trust_env=False,
        )

    async def charge(self, key: str, amount_cents: int) -> str:
        """The id of the charge. Raises PaymentRefused, PaymentsUnavailable, PaymentsBadAnswer."""
        try:
            async with asyncio.timeout(self._total_s):
                answer = await self._client.post(
                    "/charges",
                    json={"amount_cents": amount_cents, "card": "tok_test"},
                    headers={"Idempotency-Key": key},
                )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise PaymentsNotReached(in_one_line(error)) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise PaymentsUnavailable(in_one_line(error)) from error
        if answer.status_code in REFUSALS:
            raise PaymentRefused(f"status {answer.status_code}")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise PaymentsUnavailable(f"status {answer.status_code}")
        if answer.is_success:
            with suppress(ValidationError):
                return Charged.model_validate_json(answer.content).charge_id
        raise PaymentsBadAnswer(f"status {answer.status_code}, {answer.content[:100]!r}")

    async def close(self) -> None:
        await self._client.aclose()

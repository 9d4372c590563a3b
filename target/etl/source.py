"""Asks the feed: three attempts, ever later, spread at random; a file that is not whole counts as a failed attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from target.etl.batch import Batch, sort_out
from target.etl.metrics import Metrics
from target.etl.records import BadFile, Header
from target.log import in_one_line
from target.retry import CREDENTIALS_REFUSED, Policy, Refused, Retries, Unavailable, retry_after_s
from target.settings import Settings
from target.trace import new_trace, traceparent

BODY_MAX = 2_000_000
T = TypeVar("T")


class Listing(BaseModel):
    """The batches that there are, and which day it is at the provider's."""

    today: date
    batches: list[Header]


class Feed:
    """Without a budget of retries: one pull at a time asks, and each attempt is bounded."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        # planted weakness: wait for the provider for as long as it likes
        self._attempt_s = None if "no-timeout" in settings.weakness else settings.feed_attempt_s
        self._kind, self._metrics = settings.feed_format, metrics
        self._client = httpx.AsyncClient(
            base_url=settings.feed_url, timeout=httpx.Timeout(self._attempt_s), trust_env=False
        )
        self._retries = Retries(
            Policy(
                attempts=3,
                base_s=settings.feed_backoff_s,
                cap_s=settings.feed_backoff_cap_s,
                attempt_s=settings.feed_attempt_s,
                total_s=settings.feed_total_s,
            ),
            settings.weakness,
        )

    async def listing(self, since: date) -> Listing:
        """The batches of the days after `since`. Raises Unavailable or Refused after the last attempt."""

        def read(content: bytes) -> Listing:
            try:
                return Listing.model_validate_json(content)
            except ValidationError as error:
                raise BadFile(f"schema: the list of batches is none ({error.error_count()} errors)") from error

        return await self._call("/batches", {"since": str(since)}, read)

    async def batch(self, asked: Header, usual: Mapping[str, float]) -> Batch:
        """The batch, its rows sorted out. Raises BadFile, Unavailable or Refused after the last attempt."""

        def read(content: bytes) -> Batch:
            return sort_out(content, self._kind, asked, usual)

        return await self._call(f"/batches/{asked.batch_id}", {"format": self._kind}, read)

    async def _call(self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        trace = new_trace()

        async def once() -> T:
            with self._metrics.attempt():
                return read(await self._get(path, query, trace))

        attempt: Callable[[], Awaitable[T]] = once
        return await self._retries.call(attempt)

    async def _get(self, path: str, query: dict[str, str], trace: str) -> bytes:
        try:
            async with (
                asyncio.timeout(self._attempt_s),
                self._client.stream("GET", path, params=query, headers=traceparent(trace)) as answer,
            ):
                if answer.status_code in CREDENTIALS_REFUSED:
                    self._metrics.credentials_refused.inc()
                if 400 <= answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(f"status {answer.status_code}")
                if not answer.is_success:
                    after_s = retry_after_s(answer.headers.get("Retry-After"))
                    soon = answer.status_code != 429 or after_s is not None
                    raise Unavailable(f"status {answer.status_code}", soon=soon, after_s=after_s)
                content = bytearray()
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > BODY_MAX:
                        raise BadFile(f"too long: more than {BODY_MAX} bytes")
                return bytes(content)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(in_one_line(error)) from error

    async def close(self) -> None:
        await self._client.aclose()

"""Delivers a request to the service a second time, on a connection of its own, and throws the answer away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import httptools

ANSWERED_WITHIN_S = 60.0


class _Copy(asyncio.Protocol):
    """The second delivery: over when its answer is whole."""

    def __init__(self, request: Sequence[bytes], method: str) -> None:
        self._request, self._method = request, method
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.writelines(self._request)
        self._timer = asyncio.get_running_loop().call_later(ANSWERED_WITHIN_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def on_headers_complete(self) -> None:
        if self._method == "HEAD" and self._parser.get_status_code() >= 200:
            self._transport.close()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._timer.cancel()
        del self._parser


_UNDER_WAY: set[asyncio.Task[None]] = set()


def deliver_again(
    loop: asyncio.AbstractEventLoop, upstream: tuple[str, int], request: Sequence[bytes], method: str
) -> None:
    """Begin it; what becomes of it is the service's affair."""
    task = loop.create_task(_deliver(loop, upstream, request, method))
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)


async def _deliver(
    loop: asyncio.AbstractEventLoop, upstream: tuple[str, int], request: Sequence[bytes], method: str
) -> None:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await loop.create_connection(lambda: _Copy(request, method), *upstream)
    except (OSError, TimeoutError):
        return

"""The outpost's one port: alerts come in by POST, the harness asks by GET.

    POST any path              Alertmanager's webhook message, version 4, of 1 MB at most
    GET /heard?since=N         {"now_ns": of the monotonic clock, "next": M, "malformed": K, "malformed_last": why,
                               "notices": [{"at_ns", and of the alert its status, labels, annotations, startsAt, endsAt,
                               fingerprint}]}
    GET /fetch?url=http://...  {"status", "body", "error", "at_ns"}, of one GET of that

An error is {"error": a sentence}. A connection is one request, with a deadline; of too many the oldest is ended.
"""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from urllib.parse import parse_qs, urlsplit

from harness.outpost.fetching import fetch
from harness.outpost.memory import Memory
from harness.outpost.webhook import notices_of
from harness.outpost.wire import HEAD_MAX, Head, Refused, answer, error, read_body, read_head

MESSAGE_MAX = 1 << 20
DEADLINE_S = 5.0
CONNECTIONS_MAX = 256


class Outpost:
    """Hears, and asks. `memory` is what it heard."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._open: dict[asyncio.StreamWriter, None] = {}

    async def listen(self, host: str, port: int) -> str:
        """The address that it listens on."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_MAX)
        found = self._server.sockets[0].getsockname()
        return f"[{found[0]}]:{found[1]}" if ":" in found[0] else f"{found[0]}:{found[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        if len(self._open) > CONNECTIONS_MAX:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        writer.transport.set_write_buffer_limits(0)  # so that drain() waits until all is sent
        try:
            async with asyncio.timeout(DEADLINE_S):
                try:
                    sent = answer(200, await self._answer(reader))
                    refused = False
                except Refused as why:
                    sent, refused = error(why.status, str(why)), True
                writer.write(sent)
                await writer.drain()
                if refused:  # what is still on its way must not reset the connection before the answer is read
                    writer.write_eof()
                    while await reader.read(1 << 16):
                        pass
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._open.pop(writer, None)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = await read_head(reader)
        method, target, _ = head.first
        if method == "POST":
            return await self._hear(reader, head)
        if method != "GET":
            raise Refused(405, f"the outpost takes POST and GET; given {method[:20]!r}")
        try:
            parts = urlsplit(target)
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        except ValueError as why:
            raise Refused(400, f"{target[:80]!r}: {why}") from why
        if parts.path == "/heard":
            since = asked.get("since", "0")
            if not (since.isascii() and since.isdigit() and len(since) < 19):
                raise Refused(400, f"since must be a whole number, 0 or more; given {since[:40]!r}")
            return self.memory.since(int(since), monotonic_ns())
        if parts.path == "/fetch":
            return await fetch(asked.get("url", ""))
        raise Refused(404, f"the outpost answers GET /heard and GET /fetch; given {parts.path[:80]!r}")

    async def _hear(self, reader: asyncio.StreamReader, head: Head) -> bytes:
        try:
            body = await read_body(reader, head, MESSAGE_MAX)
            at_ns = monotonic_ns()
            for one in notices_of(body):
                self.memory.keep(one, at_ns)
        except Refused as why:
            self.memory.refuse(str(why))
            raise
        except asyncio.IncompleteReadError as why:
            self.memory.refuse(f"a message that ended after {len(why.partial):,} bytes")
            raise
        return b"{}"

"""The tap's control: lines of JSON on a TCP port, one request and one answer each.

    {"do": "add", "link": NAME, "listen": "HOST:PORT", "upstream": "HOST:PORT"}    the link's state
    {"do": "state"}                                 {"now_ns": of the monotonic clock, "recording": ..., "links": [...]}
    {"do": "put", "link": NAME, "rule": {...}}      {"id": N}; rules.py says what a rule is
    {"do": "take_off", "id": N}, {"do": "clear"}    {"taken_off": how many}
    {"do": "mutations", "since": N}                 {"mutations": [...]}: those after number N; mutating.py says which
    {"do": "record", "zero_ns": N}                  {"recording": true}, then on this connection nothing but Arrow IPC
                                                    until it says {"do": "stop"} or ends

An error is {"error": a sentence}, and the end where a line asks for nothing. One recording at a time. Whoever does not
read his recording is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from harness.errors import one_of
from harness.tap.link import Link, Tap
from harness.tap.rules import rule_from

REQUESTS = ("add", "state", "put", "take_off", "clear", "mutations", "record")
LINE_MAX = 4 << 20
FLUSH_S = 0.2
UNREAD_MAX = 64 << 20
STOPPED_WITHIN_S = 5.0


class Control:
    """Listens for those who steer the tap."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        self._server = await asyncio.start_server(self._serve, host, port, limit=LINE_MAX)
        found: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                asked: dict[str, Any] = {}
                try:
                    asked = json.loads(line)
                    answer = await self._do(asked)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    answer = {"error": f"lacks {error}" if isinstance(error, KeyError) else str(error)}
                except OSError as error:
                    answer = {"error": f"cannot listen on {asked.get('listen')}: {error.strerror or error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
                if not asked:  # a browser speaks, for some page: what comes behind its head is not for us either
                    return
                if answer.get("recording") is True and asked.get("do") == "record":
                    await self._record(int(asked["zero_ns"]), reader, writer)
                    return
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # whoever asked is gone, or sent a line without end; or the tap ends
        finally:
            writer.close()

    async def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        tap = self._tap
        match asked["do"]:
            case "add":
                return (await tap.add(asked["link"], asked["listen"], asked["upstream"])).state()
            case "state":
                links = [link.state() for link in tap.links.values()]
                return {"now_ns": time.monotonic_ns(), "recording": tap.recorder.recording, "links": links}
            case "put":
                return {"id": tap.put(self._link(asked["link"]), rule_from(asked["rule"])).number}
            case "take_off":
                return {"taken_off": tap.take_off(int(asked["id"]))}
            case "clear":
                return {"taken_off": tap.take_off(None)}
            case "mutations":
                return {"mutations": tap.journal.since(int(asked["since"]))}
            case "record":
                if tap.recorder.recording:
                    raise ValueError("somebody records already; one recording at a time")
                int(asked["zero_ns"])
                return {"recording": True}
            case other:
                raise ValueError(one_of("request", str(other), REQUESTS))

    def _link(self, name: str) -> Link:
        if name not in self._tap.links:
            raise ValueError(one_of("link", str(name), self._tap.links))
        return self._tap.links[name]

    async def _record(self, zero_ns: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recorder, transport = self._tap.recorder, writer.transport
        if recorder.recording:
            return
        recorder.start(zero_ns, writer.write)
        stop = asyncio.ensure_future(reader.readline())
        try:
            while not stop.done():
                await asyncio.wait({stop}, timeout=FLUSH_S)
                recorder.flush()
                if transport.is_closing() or transport.get_write_buffer_size() > UNREAD_MAX:
                    transport.abort()
                    return
            if stop.exception() is None and stop.result():
                recorder.stop()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOPPED_WITHIN_S):
                        await writer.drain()
        finally:
            recorder.drop()
            stop.cancel()

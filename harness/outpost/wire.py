"""HTTP/1.1, as much as the outpost needs: one request or one answer a connection, each with a bound on its size."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

HEAD_MAX = 32 << 10


class Refused(ValueError):
    """What came cannot be taken: the status to answer with, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """The first line, cut at its spaces, and the fields by their names in small letters."""

    first: tuple[str, str, str]
    fields: Mapping[str, str]


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Raises Refused for what is no HTTP/1.x, EOFError where nobody goes on."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise Refused(431, f"a head of more than {HEAD_MAX:,} bytes") from error
    words = lines[0].split(" ", 2)
    if len(words) < 2 or "HTTP/1." not in (words[0][:7], words[-1][:7]):
        raise Refused(400, f"{lines[0][:80]!r} is no HTTP/1.1")
    parts = [line.partition(":") for line in lines[1:] if line]
    fields = {name.strip().lower(): value.strip() for name, _, value in parts}
    return Head((words[0], words[1], words[2] if len(words) > 2 else ""), fields)


async def read_body(reader: asyncio.StreamReader, head: Head, bytes_max: int, *, to_end: bool = False) -> bytes:
    """`to_end`: a body without a length goes on to the end of the connection, as an answer's does."""
    too_long = Refused(413, f"a body of more than {bytes_max:,} bytes")
    if "chunked" in head.fields.get("transfer-encoding", "").lower():
        return await _read_chunks(reader, bytes_max, too_long)
    length = head.fields.get("content-length")
    if length is None:
        body = bytearray()
        while to_end and (piece := await reader.read(1 << 16)):
            body += piece
            if len(body) > bytes_max:
                raise too_long
        return bytes(body)
    if not (length.isascii() and length.isdigit()):
        raise Refused(400, f"a Content-Length of {length[:40]!r}")
    if len(length) > 15 or int(length) > bytes_max:
        raise too_long
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader, bytes_max: int, too_long: Refused) -> bytes:
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        try:
            size = int(line[:16], 16)
        except ValueError as error:
            raise Refused(400, f"a chunk of {line[:16]!r} bytes") from error
        if size < 0 or len(body) + size > bytes_max:
            raise too_long
        if size == 0:
            return bytes(body)
        body += await reader.readexactly(size)
        await reader.readexactly(2)


def answer(status: int, body: bytes) -> bytes:
    """The connection ends with it."""
    head = f"HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def error(status: int, why: str) -> bytes:
    """An answer that says why not."""
    return answer(status, json.dumps({"error": why}).encode())

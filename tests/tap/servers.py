"""Services of tests: what they say, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from harness.tap.sockets import reset

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
POST = b"POST /orders/7 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"
LONG = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answers_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each head that ends; requests have no body."""
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what it hears."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


def says(answer: bytes, then: str = "keep") -> Handler:
    """A server that answers each head with these bytes, and closes after the first where it is told to."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if then == "close":
                return

    return handler


def after_head(data: bytes, end: str) -> Handler:
    """A server that says this after the first head, and ends by FIN or RST, or goes on reading."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        if end == "RST":
            reset(writer.transport)  # type: ignore[arg-type]
        elif end == "wait":
            await reader.read(-1)

    return handler


class Seen:
    """Answers each request with 200 and remembers what came, byte for byte."""

    def __init__(self, answer: bytes = OK) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.ends: list[str] = []
        self._answer = answer

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (line for line in head.lower().splitlines() if line.startswith(b"content-length:")), b": 0"
                )
                body = await reader.readexactly(int(length.partition(b":")[2]))
                self.requests.append(head + body)
                writer.write(self._answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            self.ends.append("FIN")
        except ConnectionResetError:
            self.ends.append("RST")

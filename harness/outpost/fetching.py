"""One GET of a service's own account, for the harness: two seconds, eight megabytes, JSON."""

from __future__ import annotations

import asyncio
import json
from time import monotonic_ns
from urllib.parse import urlsplit

from harness.outpost.wire import HEAD_MAX, Refused, read_body, read_head

DEADLINE_S = 2.0
BODY_MAX = 8 << 20


async def fetch(url: str) -> bytes:
    """JSON: {"status", "body", "error", "at_ns"}: status 0 where no whole answer came, body null where it is not JSON.

    Raises Refused for what is no URL of a service.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise Refused(400, f"url {url[:200]!r}: {error}") from error
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme != "http" or not host or not all("!" <= char <= "~" for char in f"{host}{path}"):
        raise Refused(400, f"url must be as in http://etl:8001/status; given {url[:200]!r}")
    status, body, why = 0, "null", ""
    try:
        async with asyncio.timeout(DEADLINE_S):
            status, content = await _get(host, port, path)
        body = json.dumps(json.loads(content))
    except TimeoutError:
        why = f"no whole answer within {DEADLINE_S:g} s"
    except Refused as error:
        why = str(error)
    except (ValueError, RecursionError) as error:
        why = f"its answer is not JSON: {type(error).__name__}"
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        why = f"no whole answer: {type(error).__name__}: {error}"
    head = json.dumps({"status": status, "error": why, "at_ns": monotonic_ns()})
    return f'{head[:-1]}, "body": {body}}}'.encode()


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port, limit=HEAD_MAX)
    try:
        named = f"[{host}]" if ":" in host else host
        fields = f"Host: {named}:{port}\r\nAccept: application/json\r\nConnection: close\r\n"
        writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
        while True:
            head = await read_head(reader)
            if not head.first[1].isdigit():
                raise Refused(400, f"a status of {head.first[1][:20]!r}")
            status = int(head.first[1])
            if status >= 200:
                return status, await read_body(reader, head, BODY_MAX, to_end=True)
    finally:
        writer.transport.abort()

"""JSON over HTTP, for those who serve and those who ask."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, Any]
Route = tuple[str, Callable[..., Answer]]


class Unavailable(Exception):
    """The other service gave no good answer."""


class Late(Unavailable):
    """It gave none in time."""


class NotFound(Exception):
    """The other service knows no such thing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(port: int, *routes: Route) -> None:
    """Answer GET requests: the first route whose pattern fits the whole path; its groups are the arguments."""
    patterns = [(re.compile(pattern), function) for pattern, function in routes]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, body = self._answer()
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self) -> Answer:
            for pattern, function in patterns:
                if match := pattern.fullmatch(urlsplit(self.path).path):
                    try:
                        return function(*match.groups())
                    except NotFound:
                        break
                    except Unavailable as error:
                        return 503, {"error": str(error)}
            return 404, {"error": "no such page"}

        def log_request(self, *args: object) -> None:
            """Only errors are logged."""

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", port), Handler).serve_forever()


def get(base: str, path: str, timeout_s: float | None = None) -> Any:
    """What a service answers to GET. Without a timeout, we wait. Raises NotFound, Unavailable and Late."""
    url = urlsplit(base)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read()
    except TimeoutError as error:
        raise Late(f"{url.netloc}: {error}") from error
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{url.netloc}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if response.status == 404:
        raise NotFound(path)
    if response.status != 200:
        raise Unavailable(f"{url.netloc}: {response.status}")
    return json.loads(content)

"""Both ends of one link, each in a container with nothing but Python: `python hop.py echo`, `python hop.py caller`.

The caller holds one keep-alive connection to `echo`, which is Toxiproxy where the project was adopted, and one to
`echo.upstream`, which is the service itself; `GET /COUNT` asks so many times over each, in turn, and answers how long
each took.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.wfile.write(ANSWER)


class Caller(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(os.environ["ECHO_URL"])
        hosts = {"through": f"{url.hostname}", "direct": f"{url.hostname}.upstream"}
        connections = {name: HTTPConnection(host, url.port or 80, timeout=5) for name, host in hosts.items()}
        found: dict[str, object] = {}
        for name, connection in connections.items():
            connection.connect()
            assert isinstance(connection.sock, socket.socket)
            found[f"{name}_address"] = connection.sock.getpeername()[0]
            found[f"{name}_ms"] = []
        for number in range(int(self.path.strip("/"))):
            for name in ("through", "direct") if number % 2 else ("direct", "through"):
                milliseconds = found[f"{name}_ms"]
                assert isinstance(milliseconds, list)
                milliseconds.append(_ask_ms(connections[name]))
        for connection in connections.values():
            connection.close()
        content = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _ask_ms(connection: HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("GET", "/")
    connection.getresponse().read()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        ThreadingHTTPServer(("", 8000), Echo).serve_forever()
    ThreadingHTTPServer(("", 8080), Caller).serve_forever()

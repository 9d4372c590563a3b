"""One outpost process, messages to post to it, and a service for it to ask; every wait has a deadline."""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from harness.outpost.client import OutpostClient

WITHIN_S = 10.0
ROOT = Path(__file__).parents[2]


@dataclass
class Bench:
    """A running outpost."""

    client: OutpostClient
    process: subprocess.Popen[str]

    @property
    def at(self) -> tuple[str, int]:
        host, _, port = self.client.address.rpartition(":")
        return host, int(port)

    def post(self, body: object, path: str = "/alerts") -> tuple[int, Any]:
        """The status and the JSON that come back."""
        connection = http.client.HTTPConnection(*self.at, timeout=WITHIN_S)
        try:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request("POST", path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """All that comes back until the outpost ends the connection."""
        with self.dial() as connection:
            connection.sendall(sent)
            return everything(connection)

    def dial(self) -> socket.socket:
        return socket.create_connection(self.at, timeout=WITHIN_S)


def everything(connection: socket.socket) -> bytes:
    got = b""
    try:
        while piece := connection.recv(1 << 16):
            got += piece
    except ConnectionError:
        pass
    return got


def message(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A message of Alertmanager's, version 4."""
    return {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "alerts": list(alerts), **more}


def alert(name: str = "Down", status: str = "firing", **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical"},
        "annotations": {"runbook_url": "runbooks/down.md"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"f-{name}",
        **more,
    }


@contextmanager
def running_outpost(folder: Path, *, port: int = 0) -> Iterator[Bench]:
    """It is ended afterwards, and has said nothing that it should not."""
    errors = folder / "outpost.log"
    command = [sys.executable, "-P", "-m", "harness.outpost", "--listen", f"127.0.0.1:{port}"]
    with errors.open("wb") as err:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=err, text=True)
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 30)[0], errors.read_text()
        yield Bench(OutpostClient(json.loads(process.stdout.readline())["listen"]), process)
        assert errors.read_text() == ""
    finally:
        process.terminate()
        try:
            process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, 9)
            process.wait(WITHIN_S)
        assert process.stdout is not None
        process.stdout.close()


BIG = b'"' + b"x" * (8 << 20) + b'"'


class _Service(BaseHTTPRequestHandler):
    """What a service may answer, by path."""

    protocol_version = "HTTP/1.1"
    hold = threading.Event()

    def do_GET(self) -> None:
        bodies = {"/text": b"all is well", "/big": BIG, "/deep": b"[" * 100_000}
        match self.path:
            case "/hang":
                self.hold.wait(WITHIN_S)
                self.close_connection = True
            case "/cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                self.close_connection = True
            case "/strange":
                self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
                self.close_connection = True
            case "/chunked":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.wfile.write(b'4\r\n{"a"\r\n3;x=1\r\n:1}\r\n0\r\n\r\n')
            case _:
                body = bodies.get(self.path, json.dumps({"path": self.path, "word": "\ud800ü"}).encode())
                self.send_response(503 if self.path == "/unwell" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def service() -> Iterator[str]:
    """Its address, http://host:port."""
    _Service.hold.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        _Service.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(WITHIN_S)

"""Who is told of alerts, in the tests: takes what Alertmanager, or a service by itself, would send."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.waiting import wait_until
from tests.target.running import LOOPBACK, READY_WITHIN_S

FIRES_WITHIN_S, RESOLVES_WITHIN_S = 10, 15


class Receiver:
    """Takes what Alertmanager would send."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        receiver = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Taking)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}/alerts"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def told(self) -> Counter[tuple[str, str]]:
        """How often each alert was told to fire, and to be over."""
        return Counter((one["groupLabels"]["alertname"], one["status"]) for one in self.messages)

    def is_told(self, name: str, status: str, within_s: float) -> bool:
        return wait_until(lambda: self.told()[name, status] > 0, within_s)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(READY_WITHIN_S)
        self._server.server_close()

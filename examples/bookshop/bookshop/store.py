"""Keeps the books: lines of text on port 7000, `ALL` or `GET number`, each answered by a line of JSON."""

from __future__ import annotations

import json
import signal
import socketserver
import sys

WRITERS = ("Le Guin", "Borges", "Woolf", "Achebe", "Lem")
BOOKS = {
    str(number): {"id": str(number), "title": f"Collected Stories, volume {number}", "writer": WRITERS[number % 5]}
    for number in range(1, 51)
}


class Client(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            command, _, number = line.decode().strip().partition(" ")
            answer = list(BOOKS.values()) if command == "ALL" else BOOKS.get(number)
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Store(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Store(("", 7000), Client).serve_forever()

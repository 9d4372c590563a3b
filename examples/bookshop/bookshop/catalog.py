"""What books there are. They are kept in the store."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from bookshop.http import Answer, Unavailable, serve

HOST, _, PORT = os.environ["STORE_ADDRESS"].rpartition(":")
TIMEOUT_S = int(os.environ.get("STORE_TIMEOUT_MS", "1000")) / 1000


def ask(command: str) -> Any:
    """One line to the store, one line of JSON back. Raises Unavailable."""
    try:
        with socket.create_connection((HOST, int(PORT)), TIMEOUT_S) as connection, connection.makefile("rw") as line:
            line.write(command + "\n")
            line.flush()
            return json.loads(line.readline())
    except (OSError, ValueError) as error:
        raise Unavailable(f"store: {error}") from error


def books() -> Answer:
    return 200, ask("ALL")


def book(number: str) -> Answer:
    found = ask(f"GET {number}")
    return (200, found) if found else (404, {"error": "no such book"})


if __name__ == "__main__":
    serve(8000, ("/books", books), (r"/books/(\d+)", book))

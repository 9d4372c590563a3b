"""The outpost's process: `python -m harness.outpost --listen HOST:PORT`. Says {"listen": "HOST:PORT"} when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal

from harness.outpost.server import Outpost


async def serve(host: str, port: int) -> None:
    """For ever."""
    found = await Outpost().listen(host, port)
    print(json.dumps({"listen": found}), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m harness.outpost", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", help="where alerts and questions come in; port 0 for any")
    given = parser.parse_args().listen
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        parser.error(f"--listen needs HOST:PORT, as in 127.0.0.1:0; given {given!r}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # at once: nothing is kept here that must be saved
    try:
        asyncio.run(serve(host.strip("[]"), int(port)))
    except OSError as error:
        parser.exit(1, f"cannot listen on {given}: {error.strerror or error}; give another port, or 0 for any\n")


if __name__ == "__main__":
    main()

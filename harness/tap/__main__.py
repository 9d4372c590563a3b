"""The tap's process: `python -m harness.tap --control HOST:PORT`. Says {"control": "HOST:PORT"} when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import signal

import pyarrow as pa
import uvloop

from harness.tap.control import Control
from harness.tap.link import Tap, split_address
from harness.tap.sockets import raise_file_limit

OBJECTS_MAX = 20_000
"""Objects that come before the collector looks for cycles: a connection that has ended is one, of some forty."""


async def serve(host: str, port: int) -> None:
    """Until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    tap = Tap(loop)
    pa.array([0])  # imports pandas where it is installed, for a fifth of a second: not in mid-run
    host, port = await Control(tap).listen(host, port)
    print(json.dumps({"control": f"{host}:{port}"}), flush=True)
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_MAX, 10, 10)
    await done.wait()
    tap.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m harness.tap", description=__doc__)
    parser.add_argument("--control", default="127.0.0.1:0", help="where to be steered from; port 0 for any")
    raise_file_limit()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(*split_address(parser.parse_args().control)))


if __name__ == "__main__":
    main()

"""A little load while somebody's stack is watched: enough that its connections are made."""

from __future__ import annotations

import contextlib
import http.client
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.generator import Generator
from harness.order import Beat, Order

if TYPE_CHECKING:
    from harness.stack.docker.discover import WhileWatched  # not at run time: it brings the Docker SDK

RATE_PER_S, USERS, LONGEST_S = 10.0, 5, 60.0
KNOCK_S = 0.2


def light_load(locustfile: Path | None, say: Callable[[str], None]) -> WhileWatched:
    """What sends it to an address, for as long as it is entered: the locustfile's tasks, or GET / without one.

    `say` hears of answers that were not well: what fails at once may not make the connections that it would.
    """
    if locustfile is None:
        return _knocking
    return lambda address, cancelled: _driving(locustfile, address, cancelled, say)


@contextlib.contextmanager
def _driving(
    locustfile: Path, address: str, cancelled: Callable[[], bool], say: Callable[[str], None]
) -> Iterator[None]:
    beats: list[Beat] = []
    with tempfile.TemporaryDirectory(prefix="harness-load-") as folder:
        generator = Generator(Path(folder) / "load.log", beats.append)
        try:
            generator.order(
                Order(
                    locustfile=str(locustfile),
                    host=address,
                    samples=f"{folder}/samples.arrow",
                    model="open",
                    end_s=LONGEST_S,
                    warmup_s=0.0,
                    drain_s=1.0,
                    seed=0,
                    rates=[[0.0, RATE_PER_S]],
                    users=USERS,
                    tags=[],
                    exclude_tags=[],
                    allowed_host=urlsplit(address).hostname or "",
                )
            )
            generator.wait_ready(cancelled)
            generator.go(time.monotonic_ns())
            yield
        finally:
            generator.stop()
            good = sum(beat.ok for beat in beats)
            bad = sum(beat.fail for beat in beats)  # unknown: cut off at the end
            if bad:
                say(f"{bad} of {good + bad} requests of the load failed; mend that, or some connections stay unseen")


@contextlib.contextmanager
def _knocking(address: str, cancelled: Callable[[], bool]) -> Iterator[None]:
    stopped = threading.Event()
    thread = threading.Thread(target=_knock, args=(address, stopped), name="knocking", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(5.0)


def _knock(address: str, stopped: threading.Event) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not stopped.wait(KNOCK_S) and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/")
            connection.getresponse().read()
        connection.close()

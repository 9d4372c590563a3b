"""The parent's side of the load process: starts it, gives it the zero of the clock, hears its beats, ends it."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.errors import LocustfileError, StartError
from harness.order import Beat, Order
from harness.plan import Plan
from harness.stack.child import Child, ProcessId, last_lines, start
from harness.waiting import wait_until

LEDGER = "writes.jsonl"
READY_WITHIN_S = 60.0
DRAIN_S = 5.0
"""How long answers are waited for that are still due when the load ends."""


def order_for(plan: Plan, locustfile: Path, samples: Path, host: str) -> Order:
    """The load of a plan, resolved."""
    scenario, load = plan.scenario, plan.scenario.load
    return Order(
        locustfile=str(locustfile),
        host=host,
        samples=str(samples),
        model=load.model,
        end_s=plan.load_end_s,
        warmup_s=scenario.warmup_s,
        drain_s=DRAIN_S,
        seed=scenario.seed,
        rates=[list(point) for point in load.rates or ()],
        arrivals=load.arrivals,
        users=(load.users if load.model == "closed" else load.users_max) or 0,
        tags=list(load.tags),
        exclude_tags=list(load.exclude_tags),
        allowed_host=urlsplit(host).hostname or "",
        writes=str(samples.with_name(LEDGER)) if plan.ledger else "",
    )


class Generator:
    """One load process. It loads Locust while the stack starts; `on_beat` is called each second, on another thread."""

    def __init__(self, log: Path, on_beat: Callable[[Beat], None]) -> None:
        self._on_beat = on_beat
        self._ready, self._done = threading.Event(), threading.Event()
        self._is_ready = False
        self._error: str | None = None
        command = [sys.executable, "-P", "-u", "-m", "harness.load"]  # -P: a locustfile brings its own path
        self._child: Child = start("load", command, log, pipes=True)
        self._listener = threading.Thread(target=self._listen, name="load-beats", daemon=True)
        self._listener.start()

    @property
    def id(self) -> ProcessId:
        return self._child.id

    def _say(self, line: str) -> None:
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it is gone; died() tells how

    def _listen(self) -> None:
        try:
            for line in self._child.stdout:
                fields: dict[str, Any] = json.loads(line)
                kind = fields.pop("kind")
                if kind == "beat":
                    self._on_beat(Beat(**fields))
                elif kind == "ready":
                    self._is_ready = True
                    self._ready.set()
                elif kind == "done":
                    self._done.set()
                elif kind == "error":
                    self._error = str(fields["message"])
        except ValueError:
            pass  # the pipe was closed, or the process was killed in the middle of a line
        self._ready.set()

    def order(self, order: Order) -> None:
        """Say what load to prepare."""
        self._say("order " + json.dumps(asdict(order)))

    def wait_ready(self, cancelled: Callable[[], bool]) -> None:
        """Wait until all users are there. Raises LocustfileError or StartError when that does not happen."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._ready.wait(0.05):
            if cancelled():
                return
            if time.monotonic() > deadline:
                raise StartError(
                    f"the load process was not ready within {READY_WITHIN_S:g} s:\n{last_lines(self._child.log)}"
                )
        if self._error is not None:
            raise LocustfileError(self._error)
        if not self._is_ready:
            wait_until(lambda: self._child.ended() is not None, 2.0)
            raise StartError(f"the load process ended with {self._child.ended()}:\n{last_lines(self._child.log)}")

    def go(self, zero_ns: int) -> None:
        """Start the clock: `zero_ns` is the monotonic time of the first intended arrival."""
        self._say(f"go {zero_ns}")

    @property
    def done(self) -> bool:
        """All load was sent and written."""
        return self._done.is_set()

    def died(self) -> str | None:
        """How it ended before it was done; None while it lives or when it ended well."""
        if self.done:
            return None
        if self._error is not None and self._ready.is_set():
            return self._error
        return self._child.ended()

    def end(self) -> None:
        """Ask it to send no more: the run is over before its longest time."""
        self._say("end")

    def finish(self, within_s: float) -> None:
        """Let it wait for the answers that are still due, and write its last batch."""
        deadline = time.monotonic() + within_s
        while not self._done.wait(0.05) and self._child.ended() is None and time.monotonic() < deadline:
            pass
        if self._child.ended() is not None:
            self._listener.join(2.0)  # its last word may not have been heard yet

    def stop(self, within_s: float = 2.0) -> None:
        """Ask it to write its last batch now, and end it: by its pipe, SIGINT, SIGTERM, SIGKILL in turn."""
        if self._child.ended() is None and not self.done:
            self._say("stop")
            self.finish(within_s)
        if not self.done and self._child.ended() is None:
            self._child.popen.send_signal(signal.SIGINT)
            wait_until(lambda: self._child.ended() is not None, 1.0)
        self._child.end(1.0)
        self._listener.join(2.0)

"""The load process: `python -m harness.load`. Embeds Locust as a library and streams what it saw to disk.

The parent speaks through stdin, this process through stdout, in lines. In: `order` and an Order as JSON; `go` and the
monotonic nanosecond of the run's zero; `end`, to send no more but wait for what is due; `stop`, or the end of the pipe,
which is the parent's death. Out, all JSON: `ready`, a `beat` each second, `done`; or `error` with a sentence. What a
locustfile prints goes to stderr, the log.
"""

from __future__ import annotations

import locust  # isort: skip  # first, since it patches the standard library for gevent

import contextlib
import gc
import json
import os
import resource
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent
import gevent.os
from gevent.event import AsyncResult, Event
from locust.env import Environment

from harness.load.beats import Beats
from harness.load.drivers import Driver, driver_for
from harness.load.in_flight import track, unfinished
from harness.load.leave import keep_to
from harness.load.ledger import Ledger, keep
from harness.load.locustfile import read_locustfile
from harness.load.recorder import Recorder
from harness.order import Order
from harness.record import CUT_OFF

FLUSH_S = 0.2
LISTENERS_WITHIN_S = 2.0
"""What a locustfile may do at the end of the test."""
BEFORE_OTHERS = -5
"""Its priority: an arrival that waits for a processor is late, and a machine that runs the stack too is busy."""


class Parent:
    """The other end of the two pipes."""

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)  # a locustfile's print() must not end up among our lines
        self.order: AsyncResult[Order] = AsyncResult()
        self.zero_ns: AsyncResult[int] = AsyncResult()
        self.end, self.stop = Event(), Event()
        gevent.spawn(self._listen)

    def say(self, kind: str, **fields: Any) -> None:
        line = json.dumps({"kind": kind, **fields}) + "\n"
        try:
            os.write(self._out, line.encode())
        except BrokenPipeError:
            self.stop.set()

    def _listen(self) -> None:
        rest = b""
        while chunk := gevent.os.tp_read(0, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                word, _, value = line.decode().partition(" ")
                if word == "order":
                    self.order.set(Order(**json.loads(value)))
                elif word == "go":
                    self.zero_ns.set(int(value))
                elif word == "end":
                    self.end.set()
                elif word == "stop":
                    self.stop.set()
        self.stop.set()
        if not self.zero_ns.ready():
            os._exit(1)  # the parent died before the run began: nothing to save


def main() -> int:
    parent = Parent()
    order = parent.order.get()
    with contextlib.suppress(OSError):
        os.nice(BEFORE_OTHERS)  # only root may
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a stalled stack holds a connection for every arrival
    try:
        run(order, parent)
    except ValueError as error:
        parent.say("error", message=str(error))
        return 2
    except OSError as error:
        parent.say("error", message=f"the load process cannot write its samples: {error.strerror or error}")
        return 1
    except Exception as error:  # whatever else: the parent must hear that this is no whole history
        traceback.print_exc()
        parent.say("error", message=f"the load process failed: {type(error).__name__}: {error}")
        return 1
    return 0


def run(order: Order, parent: Parent) -> None:
    keep_to(order.allowed_host)
    users, shape = read_locustfile(Path(order.locustfile), order.tags, order.exclude_tags)
    environment = Environment(
        user_classes=users,
        events=locust.events,  # where a locustfile's listeners are, and where a client of its own may fire
        shape_class=shape if order.model == "shape" else None,
        host=order.host,
        stop_timeout=0,
    )
    recorder = Recorder(Path(order.samples))
    ledger = Ledger(Path(order.writes)) if order.writes else None
    track()
    driver = driver_for(order, environment, shape is not None)
    runner = environment.create_local_runner()
    if order.model != "shape" and "stats" not in Path(order.locustfile).read_text(encoding="utf-8", errors="replace"):
        # nobody reads Locust's own statistics, which cost more than our samples
        environment.stats.log_request = _nothing  # type: ignore[method-assign]
    environment.events.request.add_listener(recorder.on_request)
    if ledger is not None:
        keep(ledger)
        environment.events.request.add_listener(ledger.on_request)
    environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
    driver.prepare()
    gc.collect()
    gc.freeze()  # Locust and the users live as long as the process: the collector need not look at them again
    parent.say("ready", users=driver.users)
    zero_ns = parent.zero_ns.get()
    recorder.zero_ns = zero_ns
    beats = Beats(recorder, driver, zero_ns)
    flushers = [gevent.spawn(_every, FLUSH_S, recorder.flush)]
    if ledger is not None:
        ledger.zero_ns = zero_ns
        flushers.append(gevent.spawn(_every, FLUSH_S, ledger.flush))
    beater = gevent.spawn(_every, 1.0, lambda: parent.say("beat", **asdict(beats.take())))
    for each in (*flushers, beater):
        each.link_exception(lambda _: parent.stop.set())
    try:
        driver.drive(zero_ns, stopped=lambda: parent.stop.is_set() or parent.end.is_set())
        for each in (*flushers, beater):
            if each.exception is not None:
                raise each.exception
        _drain(driver, order.drain_s, parent)
        cut_off(recorder, driver)
        with gevent.Timeout(LISTENERS_WITHIN_S, False):
            environment.events.test_stop.fire(environment=environment)
            environment.events.quitting.fire(environment=environment)
    finally:
        gevent.killall([*flushers, beater])
        if ledger is not None:
            ledger.close()
        recorder.close()
        parent.say("beat", **asdict(beats.take()))
    parent.say("done")


def _drain(driver: Driver, drain_s: float, parent: Parent) -> None:
    """Wait for answers that are still due, within bounds: the run was planned to end now."""
    driver.wind_down()
    deadline = time.monotonic() + drain_s
    while driver.busy and time.monotonic() < deadline and not parent.stop.is_set():
        gevent.sleep(0.02)


def cut_off(recorder: Recorder, driver: Driver) -> None:
    """Record what the end of the run cut off: unknown, since the stack may or may not have done it."""
    now_ns = time.monotonic_ns()
    for task in unfinished(list(driver.greenlets)):
        error = TimeoutError(CUT_OFF)
        method, name = recorder.requests_of.get(task.task, ("", f"({getattr(task.task, '__name__', 'task')})"))
        recorder.add(task.intended_ns, task.started_ns, now_ns, method, name, 0, error, 0)


def _nothing(*_: object, **__: object) -> None:
    pass


def _every(period_s: float, act: Any) -> None:
    due = time.monotonic()
    while True:
        due += period_s
        gevent.sleep(max(0.0, due - time.monotonic()))
        act()


if __name__ == "__main__":
    assert locust.__version__
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # users that were cut off hold greenlets which would only delay the end

"""Records every request that Locust reports, into `samples.arrow`.

It listens to `events.request`, as any Locust extension does, so FastHttpUser, HttpUser and a user's own client are
recorded alike. A request costs a few appends to typed arrays, about a microsecond; they become an Arrow batch without
a copy in Python. All times are monotonic nanoseconds; batches are written on the run's clock, once its zero is known.
"""

from __future__ import annotations

import re
import time
from array import array
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pyarrow as pa

from harness.record import Outcome
from harness.schema import OUTCOMES, SAMPLES

ERROR_LENGTH_MAX = 200
CLOCK_STEP_S = 0.005
NAMES_MAX = 1000
"""Endpoints beyond these become one: a locustfile without `name=` makes a new one of every id."""
OTHERS = "(other endpoints)"
ERRORS_MAX = 1000
"""Texts of errors are kept once each. Where each text differs (an id in it), those past this bound become one."""

_NO_ANSWER = re.compile(r"time[d ]*-?out|reset|broken pipe|aborted|disconnect|closed|eof|incomplete|empty reply", re.I)
_NOT_SENT = re.compile(r"refused|resolve|name or service|unreachable|connect ?timeout|connecttimeout", re.I)


def outcome_of(exception: BaseException | None, status: int) -> Outcome:
    """OK without an exception; FAIL when an answer came, or nothing was sent; else UNKNOWN: it may have been done."""
    if exception is None:
        return Outcome.OK
    if status:
        return Outcome.FAIL
    if never_sent(exception):
        return Outcome.FAIL
    text = f"{type(exception).__name__} {exception}"
    return Outcome.UNKNOWN if _NO_ANSWER.search(text) or isinstance(exception, TimeoutError) else Outcome.FAIL


def never_sent(exception: BaseException) -> bool:
    """Whether it says that there was nobody to send the request to."""
    return _NOT_SENT.search(f"{type(exception).__name__} {exception}") is not None


class Recorder:
    """Collects samples between flushes, and the counts that the live view shows."""

    def __init__(self, path: Path) -> None:
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(
            self._sink, SAMPLES, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        )
        self._codes: dict[str, dict[str, int]] = {"endpoint": {}, "method": {}, "error": {}}
        self._outcomes = {Outcome(name): code for code, name in enumerate(OUTCOMES)}
        self._clear()
        self._offset_s = time.time() - time.monotonic()
        self.zero_ns: int | None = None
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.recent_ms: list[float] = []
        self.requests_of: dict[Any, tuple[str, str]] = {}
        """The first request that each task was seen to make: what it was about when the end of the run cut it off."""

    def _clear(self) -> None:
        self._times = {name: array("q") for name in ("intended_ns", "started_ns", "answered_ns", "bytes")}
        self._names = {name: array("i") for name in ("endpoint", "method", "outcome", "error")}
        self._status = array("h")

    def on_request(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int | None,
        response: Any = None,
        exception: BaseException | None = None,
        start_time: float | None = None,
        **_: object,
    ) -> None:
        """The listener for `events.request`. `response_time` is in milliseconds, `start_time` in seconds since 1970."""
        took_ns = int((response_time or 0.0) * 1e6)
        now_ns, now_s = time.monotonic_ns(), time.time()
        offset_s = now_s - now_ns * 1e-9
        if start_time is None or abs(offset_s - self._offset_s) > CLOCK_STEP_S:
            started_ns = now_ns - took_ns  # no start, or the wall clock was set since the last flush
        else:
            started_ns = now_ns - int((now_s - start_time) * 1e9)
        greenlet = gevent.getcurrent()
        intended_ns = getattr(greenlet, "intended_ns", None)
        if intended_ns is None or intended_ns > started_ns:
            intended_ns = started_ns
        else:
            greenlet.intended_ns = None  # an arrival's later requests start when the user comes to them
        status = getattr(response, "status_code", 0) or 0
        working = getattr(greenlet, "working", None)
        if working is not None and working[0] not in self.requests_of:
            self.requests_of[working[0]] = (request_type, name)
        self.add(intended_ns, started_ns, started_ns + took_ns, request_type, name, status, exception, response_length)

    def add(
        self,
        intended_ns: int,
        started_ns: int,
        answered_ns: int,
        method: str,
        endpoint: str,
        status: int,
        exception: BaseException | None,
        length: int | None,
    ) -> None:
        """One sample, in monotonic nanoseconds."""
        times, names, codes = self._times, self._names, self._codes
        endpoint, method, status, length = str(endpoint), str(method or ""), int(status), int(length or 0)
        if endpoint not in codes["endpoint"] and len(codes["endpoint"]) >= NAMES_MAX:
            endpoint = OTHERS
        times["intended_ns"].append(intended_ns)
        times["started_ns"].append(started_ns)
        times["answered_ns"].append(answered_ns)
        times["bytes"].append(length)
        names["endpoint"].append(codes["endpoint"].setdefault(endpoint, len(codes["endpoint"])))
        names["method"].append(codes["method"].setdefault(method, len(codes["method"])))
        if exception is None:
            outcome, error = Outcome.OK, -1
        else:
            outcome, error = outcome_of(exception, status), self._error(exception, status)
        names["outcome"].append(self._outcomes[outcome])
        names["error"].append(error)
        self._status.append(status)
        self.counts[outcome] += 1
        self.recent_ms.append((answered_ns - intended_ns) * 1e-6)

    def _error(self, exception: BaseException, status: int) -> int:
        text = f"HTTP {status}" if status and type(exception).__name__ in _BAD_STATUS else _text(exception)
        errors = self._codes["error"]
        if text not in errors and len(errors) >= ERRORS_MAX:
            text = "other errors"
        return errors.setdefault(text, len(errors))

    def flush(self) -> None:
        """Write what came since the last flush as one batch. Nothing is written before the clock has its zero."""
        self._offset_s = time.time() - time.monotonic()
        if self.zero_ns is None or not self._status:
            return
        times, names, status = self._times, self._names, self._status
        self._clear()
        columns: dict[str, pa.Array] = {
            name: pa.array(np.frombuffer(values, np.int64) - (self.zero_ns if name.endswith("_ns") else 0))
            for name, values in times.items()
        }
        for name, values in names.items():
            codes = np.frombuffer(values, np.int32)
            texts = list(OUTCOMES) if name == "outcome" else list(self._codes[name])
            columns[name] = pa.DictionaryArray.from_arrays(
                pa.array(codes, mask=codes < 0), pa.array(texts, type=pa.string())
            )
        codes = np.frombuffer(status, np.int16)
        columns["status"] = pa.array(codes, mask=codes == 0)
        self._writer.write_batch(pa.record_batch([columns[name] for name in SAMPLES.names], schema=SAMPLES))

    def close(self) -> None:
        self.flush()
        self._writer.close()
        self._sink.close()


_BAD_STATUS = frozenset({"LocustBadStatusCode", "HTTPError", "BadStatusCode"})


def _text(exception: BaseException) -> str:
    text = f"{type(exception).__name__}: {exception}".strip(": ")
    return text if len(text) <= ERROR_LENGTH_MAX else text[: ERROR_LENGTH_MAX - 1] + "…"

"""The ledger of writes: what became of each request that bore an Idempotency-Key, as the client saw it.

It wraps the `request` of Locust's two HTTP clients and not `events.request`, which never hears of a request that was in
flight when the run ended, nor of one whose `with` block raised. Nothing is wrapped where the Order asks for no ledger.
A client of a locustfile's own is not seen.

A line is written once the request has ended, or when the run does. What a locustfile says of an answer (catch_response)
can take an acknowledgement away, never make one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, FastResponse

from harness.load.recorder import never_sent
from harness.record import NS_PER_S, Outcome

HEADER = "idempotency-key"
KEY_LENGTH_MAX = 1000
UNJUDGED_NS = NS_PER_S
"""An answer whose `with` block has not said what it thinks of it in so long is taken as it came."""


@dataclass(slots=True)
class Write:
    """One request of a write. Monotonic nanoseconds."""

    key: str
    endpoint: str
    intended_ns: int
    started_ns: int
    answered_ns: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0


class Ledger:
    """Writes `path`, one line a request, on the run's clock. Nothing is written before the clock has its zero."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._open: dict[int, Write] = {}
        self._unjudged: dict[int, tuple[Write, Any]] = {}
        self._ended: list[Write] = []
        self._written = 0
        self.zero_ns: int | None = None

    def began(self, key: str, endpoint: str) -> Write:
        now_ns = time.monotonic_ns()
        intended_ns = getattr(gevent.getcurrent(), "intended_ns", None)
        early = intended_ns is not None and intended_ns <= now_ns
        write = Write(key[:KEY_LENGTH_MAX], endpoint, intended_ns if early else now_ns, now_ns)  # type: ignore[arg-type]
        self._open[id(write)] = write
        return write

    def broke_off(self, write: Write) -> None:
        """It raised, or its user was killed: nobody knows."""
        self._ended.append(self._open.pop(id(write)))

    def ended(self, write: Write, response: Any, *, streamed: bool = False) -> None:
        """What `request` returned: an answer, or an error that is dressed as one."""
        write.status = int(response.status_code or 0)
        if write.status:
            write.answered_ns = time.monotonic_ns()
        write.outcome = _outcome(write.status, response, streamed)
        self._open.pop(id(write))
        if getattr(response, "_catch_response", False):
            told = response.request_meta["response"]  # what events.request will bear
            self._unjudged[id(told)] = (write, told)
        else:
            self._ended.append(write)

    def on_request(self, response: Any = None, exception: BaseException | None = None, **_: object) -> None:
        """The listener for `events.request`: the `with` block of an answer has ended."""
        write, _told = self._unjudged.pop(id(response), (None, None))
        if write is not None:
            if exception is not None and write.outcome is Outcome.OK:
                write.outcome = Outcome.UNKNOWN  # the server says done, the locustfile that it is not
            self._ended.append(write)

    def flush(self) -> None:
        """Write what has ended since the last flush, so that it outlives this process."""
        if self.zero_ns is None:
            return
        before_ns = time.monotonic_ns() - UNJUDGED_NS
        for one in [one for one, (write, _) in self._unjudged.items() if (write.answered_ns or 0) < before_ns]:
            self._ended.append(self._unjudged.pop(one)[0])
        ended, self._ended = self._ended, []
        if ended:
            self._file.write("".join(self._line(write, self.zero_ns) for write in ended))
            self._file.flush()
            self._written += len(ended)

    def _line(self, write: Write, zero_ns: int) -> str:
        def seconds(at_ns: int | None) -> float | None:
            return None if at_ns is None else round((at_ns - zero_ns) / NS_PER_S, 6)

        fields = {
            "key": write.key,
            "endpoint": write.endpoint,
            "intended_s": seconds(write.intended_ns),
            "started_s": seconds(write.started_ns),
            "answered_s": seconds(write.answered_ns),
            "outcome": write.outcome,
            "status": write.status,
        }
        return json.dumps(fields) + "\n"  # in ASCII: a key may be no text at all

    def close(self) -> None:
        """Write what is still in flight, as unknown, and a last line that says that this is all."""
        self._ended += [write for write, _ in self._unjudged.values()] + list(self._open.values())
        self._unjudged, self._open = {}, {}
        self.flush()
        if self.zero_ns is not None:
            self._file.write(json.dumps({"ended": True, "requests": self._written}) + "\n")
        self._file.close()


def keep(ledger: Ledger) -> None:
    """Make Locust's HTTP clients tell the ledger of requests with a key. For this process, which lives for a run."""
    FastHttpSession.request = _told(FastHttpSession.request, ledger, _defaults_fast)  # type: ignore[method-assign]
    HttpSession.request = _told(HttpSession.request, ledger, _defaults)  # type: ignore[method-assign]


def _told(request: Any, ledger: Ledger, defaults: Callable[[Any], Mapping[Any, Any]]) -> Any:
    def told(session: Any, method: Any, url: Any, name: str | None = None, *more: Any, **options: Any) -> Any:
        key = _key(options.get("headers")) or _key(defaults(session))
        if not key:
            return request(session, method, url, name, *more, **options)
        write = ledger.began(key, f"{_text(method)} {name or session.request_name or _text(url)}")
        try:
            response = request(session, method, url, name, *more, **options)
        except BaseException:
            ledger.broke_off(write)
            raise
        ledger.ended(write, response, streamed=bool(options.get("stream")))
        return response

    return told


def _defaults_fast(session: Any) -> Mapping[Any, Any]:
    headers: Mapping[Any, Any] = session.client.default_headers
    return headers


def _defaults(session: Any) -> Mapping[Any, Any]:
    headers: Mapping[Any, Any] = session.headers
    return headers


def _key(headers: Any) -> str:
    for name, value in headers.items() if hasattr(headers, "items") else headers or ():
        if len(name) == len(HEADER) and _text(name).lower() == HEADER:
            return _text(value)
    return ""


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _outcome(status: int, response: Any, streamed: bool) -> Outcome:
    """OK: a whole answer of 2xx. FAIL: another one below 500, or nothing was sent. UNKNOWN: it may have been done."""
    if not status:
        error = getattr(response, "error", None)
        return Outcome.FAIL if error is not None and never_sent(error) else Outcome.UNKNOWN
    if status >= 500 or status < 200:
        return Outcome.UNKNOWN
    if status >= 300:
        return Outcome.FAIL
    return Outcome.OK if streamed or _whole(response) else Outcome.UNKNOWN


def _whole(response: Any) -> bool:
    """Whether the body came. HttpUser gives an error without a status where it did not; FastHttpUser keeps the status,
    and of a request that did not fail it has read the body, unless the locustfile asked for a stream."""
    if isinstance(response, FastResponse):
        error = response.request_meta["exception"] if hasattr(response, "request_meta") else None
        return error is None and (hasattr(response, "_cached_content") or response.headers is None)
    return True

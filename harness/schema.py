"""The columns of a run's Arrow files. Apart from history.py so that the load process need not import pandas."""

from __future__ import annotations

import pyarrow as pa

from harness.record import Outcome

_NAME = pa.dictionary(pa.int32(), pa.string())

SAMPLES = pa.schema(
    [
        pa.field("intended_ns", pa.int64(), nullable=False),
        pa.field("started_ns", pa.int64(), nullable=False),
        pa.field("answered_ns", pa.int64(), nullable=False),
        pa.field("endpoint", _NAME, nullable=False),
        pa.field("method", _NAME, nullable=False),
        pa.field("outcome", _NAME, nullable=False),
        pa.field("status", pa.int16(), nullable=True),
        pa.field("error", _NAME, nullable=True),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)
"""`samples.arrow`, an Arrow IPC stream, one row a request. Times are nanoseconds on the run's clock, whose zero is the
first intended arrival (the warm-up is before it, so its times are negative). `docs/history.md` says it for users."""

RESOURCES = pa.schema(
    [
        pa.field("at_ns", pa.int64(), nullable=False),
        pa.field("subject", _NAME, nullable=False),
        pa.field("metric", _NAME, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)
"""`resources.arrow`, an Arrow IPC stream, one row a reading: subject is a service, a link or `generator`."""

ATTEMPTS = pa.schema(
    [
        pa.field("link", _NAME, nullable=False),
        pa.field("connection", pa.int64(), nullable=False),
        pa.field("started_ns", pa.int64(), nullable=False),
        pa.field("ended_ns", pa.int64(), nullable=False),
        pa.field("method", _NAME, nullable=False),
        pa.field("path", _NAME, nullable=False),
        pa.field("key", pa.string(), nullable=True),
        pa.field("trace", pa.string(), nullable=True),
        pa.field("status", pa.int16(), nullable=True),
        pa.field("outcome", _NAME, nullable=False),
        pa.field("error", _NAME, nullable=True),
        pa.field("retry_after_s", pa.float32(), nullable=True),
        pa.field("request_bytes", pa.int64(), nullable=False),
        pa.field("answer_bytes", pa.int64(), nullable=False),
        pa.field("request_hash", pa.uint64(), nullable=True),
        pa.field("answer_hash", pa.uint64(), nullable=True),
        pa.field("injected", _NAME, nullable=True),
    ]
)
"""`taps.arrow`, an Arrow IPC stream, one row an attempt: one request of a client as it crossed a link with a tap.

`connection` is the client's, by number. An attempt starts with the first byte of its request and ends with the last of
its answer, or with what went wrong: `error` is refused, reset, eof (of the service), gone (the client left), malformed,
or null. `path` is a template (`/orders/{}`), `key` the Idempotency-Key, `trace` the traceparent or X-Request-ID.
`request_hash` is of the target, as it was sent, and the body, null where the request was not whole; `answer_hash` of
the body that the client was given, null where that was none or not whole. `injected` names the window that answered
or changed it."""

OUTCOMES = tuple(outcome.value for outcome in Outcome)

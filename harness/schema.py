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

OUTCOMES = tuple(outcome.value for outcome in Outcome)

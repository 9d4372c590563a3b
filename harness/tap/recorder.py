"""Turns attempts into the bytes of an Arrow IPC stream, for the one who records. When nobody does, nothing is kept."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from harness.schema import ATTEMPTS, OUTCOMES
from harness.tap.attempt import Attempt

ROWS_MAX = 2000
"""Rows that make a batch before its time has come: a batch holds the loop up, by a microsecond or two a row."""
NAMES_MAX = 2000
OTHERS = "(others)"

_NAMES = ("link", "method", "path", "outcome", "error", "injected")


class _Sink(io.RawIOBase):
    """What Arrow writes to."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._write(content)
        return len(content)


class Recorder:
    """At most one recording at a time."""

    def __init__(self, interrupted: Callable[[], list[Attempt]]) -> None:
        self._interrupted = interrupted
        self._rows: list[Attempt] | None = None

    @property
    def recording(self) -> bool:
        return self._rows is not None

    def start(self, zero_ns: int, write: Callable[[bytes], None]) -> None:
        """Record every attempt that ends from now on; times are since `zero_ns` of the monotonic clock."""
        self._zero_ns, self._rows = zero_ns, []
        self._codes: dict[str, dict[str, int]] = {name: {} for name in _NAMES}
        self._codes["outcome"] = {name: code for code, name in enumerate(OUTCOMES)}
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        self._sink = _Sink(write)
        self._writer = pa.ipc.new_stream(self._sink, ATTEMPTS, options=options)

    def add(self, attempt: Attempt) -> None:
        """It has ended."""
        if self._rows is not None and not attempt.recorded:
            attempt.recorded = True
            self._rows.append(attempt)
            if len(self._rows) >= ROWS_MAX:
                self.flush()

    def flush(self) -> None:
        """Write what came since the last flush as one batch."""
        if self._rows:
            rows, self._rows = self._rows, []
            self._writer.write_batch(self._batch(rows))

    def stop(self) -> None:
        """End the stream. Attempts that are under way are unknown, without an error: nothing went wrong yet."""
        if self._rows is not None:
            for attempt in self._interrupted():
                self.add(attempt)
            self.flush()
            self._writer.close()
            self.drop()

    def drop(self) -> None:
        """Whoever recorded is gone."""
        self._rows = None

    def _batch(self, rows: Sequence[Attempt]) -> pa.RecordBatch:
        zero_ns = self._zero_ns
        columns: dict[str, pa.Array] = {
            "connection": pa.array([row.connection for row in rows], pa.int64()),
            "started_ns": pa.array([row.started_ns - zero_ns for row in rows], pa.int64()),
            "ended_ns": pa.array([row.ended_ns - zero_ns for row in rows], pa.int64()),
            "key": pa.array([row.key for row in rows], pa.string()),
            "trace": pa.array([row.trace for row in rows], pa.string()),
            "status": pa.array([row.status for row in rows], pa.int16()),
            "retry_after_s": pa.array([row.retry_after_s for row in rows], pa.float32()),
            "request_bytes": pa.array([row.request_bytes for row in rows], pa.int64()),
            "answer_bytes": pa.array([row.answer_bytes for row in rows], pa.int64()),
            "request_hash": pa.array([row.request_hash for row in rows], pa.uint64()),
            "answer_hash": pa.array([row.answer_hash for row in rows], pa.uint64()),
        }
        for name, texts in (
            ("link", [row.link for row in rows]),
            ("method", [row.method for row in rows]),
            ("path", [row.path for row in rows]),
            ("outcome", [row.outcome for row in rows]),
            ("error", [row.error for row in rows]),
            ("injected", [row.injected for row in rows]),
        ):
            columns[name] = self._coded(name, texts)
        return pa.record_batch([columns[name] for name in ATTEMPTS.names], schema=ATTEMPTS)

    def _coded(self, name: str, texts: Sequence[str | None]) -> pa.DictionaryArray:
        known = self._codes[name]
        codes = array("i")
        for text in texts:
            if text is None:
                codes.append(-1)
                continue
            if text not in known and len(known) >= NAMES_MAX:
                text = OTHERS
            codes.append(known.setdefault(text, len(known)))
        numbers = np.frombuffer(codes, np.int32)
        return pa.DictionaryArray.from_arrays(
            pa.array(numbers, mask=numbers < 0), pa.array([str(one) for one in known], pa.string())
        )

"""Turns attempts into the bytes of an Arrow IPC stream, for the one who records. When nobody does, nothing is kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from harness.schema import ATTEMPTS, OUTCOMES
from harness.tap.attempt import Attempt

ROWS_MAX = 2000
"""Rows that make a batch before its time has come: a batch holds the loop up, by a microsecond or two a row."""
NAMES_MAX = 2000
OTHERS = "(others)"

_FIELDS = [(field, attrgetter(field.name)) for field in ATTEMPTS]
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
        rows = self._rows
        if rows is not None and not attempt.recorded:
            rows.append(attempt)
            if len(rows) >= ROWS_MAX:
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
                attempt.recorded = True  # it will end, and another recording may be on
            self.flush()
            self._writer.close()
            self.drop()

    def drop(self) -> None:
        """Whoever recorded is gone."""
        self._rows = None

    def _batch(self, rows: Sequence[Attempt]) -> pa.RecordBatch:
        columns = []
        for field, value_of in _FIELDS:
            values = list(map(value_of, rows))
            if field.name in self._codes:
                columns.append(self._coded(field.name, values))
            elif field.name in ("started_ns", "ended_ns"):
                columns.append(pc.subtract(pa.array(values, field.type), self._zero_ns))
            else:
                columns.append(pa.array(values, field.type))
        return pa.record_batch(columns, schema=ATTEMPTS)

    def _coded(self, name: str, texts: Sequence[str | None]) -> pa.DictionaryArray:
        """With the codes that the stream has given so far, and new ones for what is new."""
        known = self._codes[name]
        batch = pa.array(texts, pa.string()).dictionary_encode()
        codes = []
        for text in batch.dictionary.to_pylist():
            if text not in known and len(known) >= NAMES_MAX:
                text = OTHERS
            codes.append(known.setdefault(text, len(known)))
        indices = pa.array(codes, pa.int32()).take(batch.indices)
        return pa.DictionaryArray.from_arrays(indices, pa.array(list(known), pa.string()))

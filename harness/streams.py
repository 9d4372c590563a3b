"""Reads Arrow IPC streams that may have been cut short: whole batches, then nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from harness.errors import RunFolderError


def batches(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The whole batches of an Arrow IPC stream, in turn; a batch that was cut short or damaged ends it."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    try:
        opened = pa.OSFile(str(path))
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror or error}") from error
    with opened as source:
        try:
            reader = pa.ipc.open_stream(source)
        except NOT_ARROW:
            return
        missing = set(schema.names) - set(reader.schema.names)
        if missing:
            raise RunFolderError(f"{path} lacks the columns {', '.join(sorted(missing))}; is it from another tool?")
        if any(reader.schema.field(field.name).type != field.type for field in schema):
            return
        while True:
            try:
                batch = reader.read_next_batch()
                batch.validate(full=True)
            except (StopIteration, *NOT_ARROW):
                return
            yield batch


NOT_ARROW = (pa.ArrowException, OSError, EOFError, ValueError, KeyError, TypeError, MemoryError)
"""What pyarrow raises for bytes that are no stream of its own."""


class Codes:
    """Gives each distinct name a small number, over all batches of a file, in the order in which they come."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: dict[str, int] = {name: code for code, name in enumerate(names)}

    def of(self, column: pa.DictionaryArray) -> np.ndarray[Any, np.dtype[np.int16]]:
        lut = [self.names.setdefault(name or "", len(self.names)) for name in column.dictionary.to_pylist()]
        none = self.names.setdefault("", len(self.names)) if column.null_count else 0
        indices = column.indices.fill_null(len(lut)).to_numpy(zero_copy_only=False)
        codes: np.ndarray[Any, np.dtype[np.int16]] = np.asarray([*lut, none], dtype=np.int16)[indices]
        return codes

"""Hand-built attempts: operation() makes the tries of one, calls() a steady flow, attempts() the frame checks read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.schema import ATTEMPTS, OUTCOMES

LINK = "api-payments"


@dataclass(frozen=True)
class Row:
    """One attempt, as the columns of History.attempts."""

    started_s: float
    ended_s: float
    outcome: str = "ok"
    status: int = 200
    error: str = ""
    key: str = ""
    trace: str = ""
    request_hash: int = 0
    retry_after_s: float = float("nan")
    link: str = LINK
    method: str = "POST"
    path: str = "/charges"
    connection: int = 1
    answer_hash: int = 0
    request_bytes: int = 100
    answer_bytes: int = 100
    injected: str = ""


Answer = tuple[str, int, float]
"""(outcome, status, seconds that it took)"""

OK: Answer = ("ok", 200, 0.02)
BUSY: Answer = ("fail", 503, 0.02)
HUNG: Answer = ("unknown", 0, 0.5)
REFUSED: Answer = ("fail", 0, 0.001)
INVALID: Answer = ("ok", 422, 0.02)
LIMITED: Answer = ("ok", 429, 0.02)
ERRORS = {"unknown": "gone", "fail": "refused"}


def attempt(at_s: float, answer: Answer = OK, **more: object) -> Row:
    outcome, status, took_s = answer
    made = Row(at_s, at_s + took_s, outcome, status, "" if status else ERRORS.get(outcome, ""))
    return replace(made, **more)  # type: ignore[arg-type]


def operation(
    key: str, start_s: float, answers: Sequence[Answer], gaps_s: Sequence[float] = (), **more: object
) -> list[Row]:
    """The tries of one operation, each `gaps_s` after the END of the one before; its body is its key's."""
    rows: list[Row] = []
    at_s = start_s
    for index, answer in enumerate(answers):
        body = {"request_hash": hash_of(key)} if key else {}
        rows.append(attempt(at_s, answer, **{"key": key, **body, **more}))
        if index < len(answers) - 1:
            at_s = rows[-1].ended_s + gaps_s[index]
    return rows


def hash_of(text: str) -> int:
    """A number for a body, the same in every process."""
    return 1 + int.from_bytes(text.encode()[-7:], "big")


def operations(
    count: int,
    answers: Sequence[Answer] = (BUSY, BUSY, BUSY),
    gaps: Sequence[float] | Callable[[int], Sequence[float]] = (0.1, 0.2),
    *,
    start_s: float = 10.0,
    every_s: float = 0.1,
    **more: object,
) -> list[Row]:
    """`count` of them, one each `every_s`, with keys of their own. `gaps` may be drawn for each."""
    rows: list[Row] = []
    for number in range(count):
        drawn = gaps(number) if callable(gaps) else gaps
        rows += operation(f"key-{number}-{start_s:g}", start_s + number * every_s, answers, drawn, **more)
    return rows


def calls(rate_per_s: float, start_s: float, end_s: float, answer: Answer = OK, **more: object) -> list[Row]:
    """Single attempts at an even rate over [start_s, end_s), with keys of their own."""
    count = round((end_s - start_s) * rate_per_s)
    return [
        attempt(start_s + n / rate_per_s, answer, **{"key": f"call-{start_s:g}-{n}", "request_hash": n + 1, **more})
        for n in range(count)
    ]


def attempts(rows: Sequence[Row]) -> pd.DataFrame:
    """The frame, as harness.attempts.read_attempts gives it."""
    rows = sorted(rows, key=lambda row: row.started_s)
    frame = pd.DataFrame({one.name: [getattr(row, one.name) for row in rows] for one in fields(Row)})
    for name in ("link", "method", "path", "error", "injected"):
        frame[name] = frame[name].astype("str").astype("category")
    frame["outcome"] = pd.Categorical(frame["outcome"], categories=list(OUTCOMES))
    types = {"status": np.int16, "request_hash": np.uint64, "answer_hash": np.uint64, "retry_after_s": np.float32}
    types |= {"started_s": np.float64, "ended_s": np.float64, "connection": np.int64}
    return frame.astype({**types, "key": "str", "trace": "str"})


def write_attempts(path: Path, frame: pd.DataFrame, *, batches: int = 4) -> None:
    """The frame as a tap would have written it."""
    columns = {name: frame[name].tolist() for name in frame.columns if name not in ("started_s", "ended_s")}
    for end in ("started", "ended"):
        columns[f"{end}_ns"] = [round(value * 1e9) for value in frame[f"{end}_s"]]
    nothing = {"key": "", "trace": "", "error": "", "injected": "", "status": 0, "request_hash": 0, "answer_hash": 0}
    for name, none in nothing.items():
        columns[name] = [None if value == none else value for value in columns[name]]
    columns["retry_after_s"] = [None if value != value else value for value in columns["retry_after_s"]]
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with path.open("wb") as file, pa.ipc.new_stream(file, ATTEMPTS, options=options) as stream:
        for part in np.array_split(np.arange(len(frame)), batches):
            arrays = []
            for field in ATTEMPTS:
                plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
                array = pa.array([columns[field.name][index] for index in part], plain)
                arrays.append(array.cast(field.type) if pa.types.is_dictionary(field.type) else array)
            stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=ATTEMPTS))

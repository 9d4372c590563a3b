"""Reads what the taps saw cross the links: one row an attempt, as History keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.record import NS_PER_S
from harness.schema import ATTEMPTS, OUTCOMES
from harness.streams import Codes, batches

_NAMES = ("link", "method", "path", "outcome", "error", "injected")
_TEXTS = ("key", "trace")
_NUMBERS: dict[str, Any] = {
    "connection": np.int64,
    "status": np.int16,
    "request_hash": np.uint64,
    "answer_hash": np.uint64,
    "request_bytes": np.int64,
    "answer_bytes": np.int64,
}


def read_attempts(path: Path) -> pd.DataFrame | None:
    """The attempts as History keeps them, by started_s, without those of the warm-up. None where there is no file."""
    if not path.is_file():
        return None
    codes = {name: Codes() for name in _NAMES}
    codes["outcome"] = Codes(OUTCOMES)
    columns: dict[str, list[Any]] = {name: [] for name in ("started_s", "ended_s", "retry_after_s", *_NUMBERS)}
    columns |= {name: [] for name in (*_NAMES, *_TEXTS)}
    for batch in batches(path, ATTEMPTS):
        outcome = codes["outcome"].of(batch.column("outcome"))
        if len(codes["outcome"].names) > len(OUTCOMES):
            break  # no tap writes another word: the file was damaged here
        for end in ("started", "ended"):
            columns[f"{end}_s"].append(batch.column(f"{end}_ns").to_numpy() / NS_PER_S)
        columns["retry_after_s"].append(batch.column("retry_after_s").to_numpy(zero_copy_only=False))
        for name in _NUMBERS:
            columns[name].append(batch.column(name).fill_null(0).to_numpy(zero_copy_only=False))
        for name in _NAMES:
            columns[name].append(outcome if name == "outcome" else codes[name].of(batch.column(name)))
        for name in _TEXTS:
            columns[name].append(np.asarray(batch.column(name).fill_null("").to_pylist(), dtype=object))
    whole: dict[str, Any] = {name: np.concatenate(parts or [np.empty(0)]) for name, parts in columns.items()}
    for name, dtype in (*_NUMBERS.items(), ("retry_after_s", np.float32)):
        whole[name] = whole[name].astype(dtype)
    for name in _NAMES:
        categories = pd.Index(list(codes[name].names), dtype="str")
        whole[name] = pd.Categorical.from_codes(whole[name].astype(np.int64), categories=categories)
    for name in _TEXTS:
        whole[name] = pd.array(whole[name], dtype="str")
    frame = pd.DataFrame(whole)
    frame = frame[frame["started_s"] >= 0]
    return frame.sort_values("started_s", kind="stable", ignore_index=True)

"""Reads and writes the history of a run: samples, marks, readings, attempts, notices, the phases they fall in.

A file may end early, since runs are killed: whole batches and whole lines are read, and the rest is left out.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.attempts import read_attempts
from harness.errors import RunFolderError
from harness.notices import read_accounts, read_notices
from harness.record import NS_PER_S, History, Mark, Phase, PlannedWindow, Scalar
from harness.schema import OUTCOMES, RESOURCES, SAMPLES
from harness.store import RunFolder, read_json
from harness.streams import Codes, batches


class MarkWriter:
    """Appends marks to `marks.jsonl`, each flushed before the action that it tells of goes on. Safe between threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._file: IO[str] = path.open("a", encoding="utf-8")
        except OSError as error:
            raise RunFolderError(f"cannot write {path}: {error.strerror or error}") from error

    def write(self, kind: str, at_s: float | None, **data: Scalar) -> None:
        line = json.dumps({"kind": kind, "at_s": None if at_s is None else round(at_s, 6), **data}, ensure_ascii=False)
        with self._lock:
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except OSError as error:
                raise RunFolderError(f"cannot write {self._file.name}: {error.strerror or error}") from error

    def close(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # each line was flushed, or its error told
            self._file.close()


class ResourceWriter:
    """Appends readings to `resources.arrow`, a whole batch a flush. Safe between threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._rows: list[tuple[int, str, str, float]] = []
        try:
            self._file: IO[bytes] = path.open("wb")
        except OSError as error:
            raise RunFolderError(f"cannot write {path}: {error.strerror or error}") from error
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        self._stream = pa.ipc.new_stream(self._file, RESOURCES, options=options)

    def add(self, at_ns: int, subject: str, metric: str, value: float) -> None:
        with self._lock:
            self._rows.append((at_ns, subject, metric, value))

    def flush(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, []
            if rows:
                columns = [pa.array(column) for column in zip(*rows, strict=True)]
                arrays = [column.cast(field.type) for column, field in zip(columns, RESOURCES, strict=True)]
                try:
                    self._stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=RESOURCES))
                    self._file.flush()
                except OSError as error:
                    raise RunFolderError(f"cannot write {self._file.name}: {error.strerror or error}") from error

    def close(self) -> None:
        self.flush()
        with self._lock:
            self._stream.close()
            self._file.close()


def read_marks(path: Path) -> tuple[Mark, ...]:
    """All whole marks of the file. A last line that was cut short is left out."""
    marks = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            fields = json.loads(line)
            marks.append(Mark(fields.pop("kind"), fields.pop("at_s"), fields))
        except (ValueError, KeyError, AttributeError):
            break
    return tuple(marks)


def read_samples(path: Path, *, warm_up: bool = False) -> pd.DataFrame:
    """The samples as History keeps them (its docstring names the columns), without those of the warm-up.

    Reads batch by batch into compact columns: about 30 bytes a sample, so ten million need 0.3 GB.
    """
    endpoints, methods, pairs = Codes(), Codes(), Codes()
    outcomes, errors = Codes(OUTCOMES), Codes([""])
    parts: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in _FRAME}
    for batch in batches(path, SAMPLES):
        intended = batch.column("intended_ns").to_numpy()
        answered = batch.column("answered_ns").to_numpy()
        outcome = outcomes.of(batch.column("outcome"))
        if len(outcomes.names) > len(OUTCOMES):
            break  # no load process writes another word: the file was damaged here
        keep = slice(None) if warm_up or (len(intended) and intended.min() >= 0) else intended >= 0
        started = batch.column("started_ns").to_numpy()
        intended = intended[keep]
        parts["intended_ns"].append(intended.copy())
        parts["answered_ns"].append(answered[keep].copy())
        parts["response_ms"].append((np.maximum(answered[keep] - intended, 0) * 1e-6).astype(np.float32))
        parts["service_ms"].append(((answered[keep] - started[keep]) * 1e-6).astype(np.float32))
        endpoint, method = endpoints.of(batch.column("endpoint")), methods.of(batch.column("method"))
        parts["endpoint"].append(_pair(pairs, method, methods, endpoint, endpoints)[keep])
        parts["outcome"].append(outcome.astype(np.int8)[keep])
        parts["status"].append(batch.column("status").fill_null(0).to_numpy(zero_copy_only=False)[keep])
        parts["error"].append(errors.of(batch.column("error"))[keep])
    columns: dict[str, Any] = {}
    for name, dtype in _FRAME.items():
        columns[name] = np.concatenate(parts.pop(name) or [np.empty(0, dtype)]).astype(dtype, copy=False)
    for name, codes in (("endpoint", pairs), ("outcome", outcomes), ("error", errors)):
        known = list(OUTCOMES) if codes is outcomes else list(codes.names)
        columns[name] = pd.Categorical.from_codes(columns[name], categories=pd.Index(known, dtype="str"))
    return pd.DataFrame(columns, copy=False)


_FRAME: Mapping[str, Any] = {
    "intended_ns": np.int64,
    "answered_ns": np.int64,
    "response_ms": np.float32,
    "service_ms": np.float32,
    "endpoint": np.int16,
    "outcome": np.int8,
    "status": np.int16,
    "error": np.int16,
}


def _pair(
    pairs: Codes, method: np.ndarray[Any, Any], methods: Codes, endpoint: np.ndarray[Any, Any], endpoints: Codes
) -> np.ndarray[Any, Any]:
    """One code for each "METHOD endpoint" that occurs."""
    both = method.astype(np.int32) * len(endpoints.names) + endpoint
    method_names, endpoint_names = list(methods.names), list(endpoints.names)
    lut = np.zeros(len(methods.names) * len(endpoints.names) or 1, dtype=np.int16)
    for code in np.flatnonzero(np.bincount(both, minlength=1)):
        name = f"{method_names[code // len(endpoints.names)]} {endpoint_names[code % len(endpoints.names)]}".strip()
        lut[code] = pairs.names.setdefault(name, len(pairs.names))
    coded: np.ndarray[Any, Any] = lut[both]
    return coded


def read_resources(path: Path) -> pd.DataFrame:
    """Readings of services, links and the generator: at_s, subject, metric, value."""
    tables = [batch.to_pandas() for batch in batches(path, RESOURCES)]
    frame: pd.DataFrame = pd.concat(tables, ignore_index=True) if tables else RESOURCES.empty_table().to_pandas()
    frame.insert(0, "at_s", frame.pop("at_ns") / NS_PER_S)
    for name in ("subject", "metric"):
        frame[name] = frame[name].astype("str").astype("category")
    return frame


def phases_of(windows: Sequence[PlannedWindow], end_s: float) -> tuple[Phase, ...]:
    """Baseline (all before the first window), each window, recovery (all after the last), cut at the run's end."""
    if not windows:
        return (Phase("baseline", "baseline", 0.0, end_s),)
    first, last = min(w.start_s for w in windows), max(w.end_s for w in windows)
    phases = [Phase("baseline", "baseline", 0.0, min(first, end_s))]
    phases += [Phase(w.name, "window", w.start_s, min(w.end_s, end_s)) for w in windows]
    phases.append(Phase("recovery", "recovery", last, end_s))
    return tuple(phase for phase in phases if phase.length_s > 0)


def as_they_were(windows: Sequence[PlannedWindow], marks: Sequence[Mark]) -> tuple[PlannedWindow, ...]:
    """The windows with the times that the marks tell: those of a run that waited for calm were later than planned."""
    went_in = {mark.data.get("window") for mark in marks if mark.kind == "injected"}
    began = {mark.data.get("window"): mark.at_s for mark in marks if mark.kind == "injecting"}
    ended = {mark.data.get("window"): mark.at_s for mark in marks if mark.kind == "healing"}
    out = []
    for one in windows:
        start_s = began.get(one.name)
        if start_s is not None and one.name in went_in:
            end_s = ended.get(one.name)
            out.append(replace(one, start_s=start_s, end_s=end_s or start_s + one.end_s - one.start_s))
    return tuple(out)


def read(folder: RunFolder) -> History:
    """The history of a run, from its folder alone."""
    manifest = read_json(folder.manifest)
    marks = read_marks(folder.marks)
    try:
        windows = tuple(PlannedWindow(**window) for window in manifest["windows"])
        planned_end_s = float(manifest["duration_s"])
        scenario, load_model = str(manifest["scenario"]), str(manifest["load"]["model"])
        links = {name: (str(one["client"]), str(one["service"])) for name, one in manifest["links"].items()}
        entry = str(manifest.get("entry_service", ""))
        services = tuple(str(one) for one in manifest["services"] if one not in manifest.get("tools", ["toxiproxy"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder.manifest} lacks {error}; it is damaged or from another version") from error
    if manifest.get("calm_max_s") is not None:
        windows, planned_end_s = as_they_were(windows, marks), float("inf")
    samples = read_samples(folder.samples)
    ends = [mark.at_s for mark in marks if mark.kind == "end" and mark.at_s is not None]
    if ends:
        end_s = min(ends[0], planned_end_s)
    else:  # the run was killed: it lasted as long as its evidence does
        end_s = min(planned_end_s, float(samples["answered_ns"].max()) / NS_PER_S) if len(samples) else 0.0
    injected = {mark.data.get("window") for mark in marks if mark.kind == "injected"}
    happened = tuple(window for window in windows if window.name in injected)
    return History(
        scenario=scenario,
        samples=samples,
        marks=marks,
        phases=phases_of(happened if injected else (), end_s),
        windows=happened,
        resources=read_resources(folder.resources),
        attempts=read_attempts(folder.taps),
        notices=read_notices(folder.notices),
        accounts=read_accounts(folder.accounts),
        load_model=load_model,
        links=links,
        entry=entry,
        services=services,
    )

"""Hand-built histories: ok(), fail() and unknown() make samples, history() makes what checks may look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.history import MarkWriter, ResourceWriter, phases_of
from harness.record import Account, History, Mark, Notice, Outcome, PlannedWindow, Verdict, overall
from harness.schema import OUTCOMES, SAMPLES
from harness.store import RunFolder, write_json
from tests.attempts import write_attempts

NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Sample:
    """A request intended at `at_s`, started `late_ms` later, answered `took_ms` after its intended start."""

    at_s: float
    took_ms: float = 10.0
    outcome: Outcome = Outcome.OK
    endpoint: str = "GET /"
    status: int = 200
    error: str = ""
    late_ms: float = 0.0


def ok(at_s: float, took_ms: float = 10.0, endpoint: str = "GET /", late_ms: float = 0.0) -> Sample:
    return Sample(at_s, took_ms, endpoint=endpoint, late_ms=late_ms)


def fail(at_s: float, took_ms: float = 10.0, endpoint: str = "GET /", status: int = 503) -> Sample:
    return Sample(at_s, took_ms, Outcome.FAIL, endpoint, status, f"HTTP {status}")


def unknown(at_s: float, took_ms: float = 10_000.0, endpoint: str = "GET /") -> Sample:
    return Sample(at_s, took_ms, Outcome.UNKNOWN, endpoint, 0, "TimeoutError")


def steady(
    rate_per_s: float, start_s: float, end_s: float, took_ms: float = 10.0, endpoint: str = "GET /"
) -> list[Sample]:
    """Ok requests at an even rate over [start_s, end_s)."""
    count = round((end_s - start_s) * rate_per_s)
    return [ok(start_s + index / rate_per_s, took_ms, endpoint) for index in range(count)]


def failing(samples: Iterable[Sample]) -> list[Sample]:
    """The same requests, refused."""
    return [replace(one, outcome=Outcome.FAIL, status=503, error="HTTP 503") for one in samples]


def window(
    name: str,
    start_s: float,
    end_s: float,
    link: str | None = None,
    *,
    service: str | None = None,
    cuts: bool = False,
    **parameters: Any,
) -> PlannedWindow:
    return PlannedWindow(name, "latency", start_s, end_s, link, service, cuts, parameters)


Reading = tuple[float, str, str, float]
"""(at_s, subject, metric, value)"""


def history(
    samples: Sequence[Sample],
    windows: Sequence[PlannedWindow] = (),
    resources: Sequence[Reading] = (),
    *,
    end_s: float | None = None,
    marks: Sequence[Mark] | None = None,
    load_model: str = "open",
    heard: bool = True,
    links: Mapping[str, tuple[str, str]] | None = None,
    entry: str = "",
    attempts: pd.DataFrame | None = None,
    notices: Sequence[Notice] | None = None,
    accounts: Sequence[Account] = (),
) -> History:
    """A history as history.read() gives it. It ended as planned, unless `marks` say otherwise.

    The load process was `heard`: where `resources` say nothing of it, it is given a calm beat.
    """
    last_s = end_s if end_s is not None else max((one.at_s for one in samples), default=0.0) + 0.001
    frame = pd.DataFrame(
        {
            "intended_ns": np.array([round(one.at_s * 1e9) for one in samples], np.int64),
            "answered_ns": np.array([round(one.at_s * 1e9 + one.took_ms * NS_PER_MS) for one in samples], np.int64),
            "response_ms": np.array([one.took_ms for one in samples], np.float32),
            "service_ms": np.array([one.took_ms - one.late_ms for one in samples], np.float32),
            "endpoint": pd.Categorical([one.endpoint for one in samples]),
            "outcome": pd.Categorical([one.outcome.value for one in samples], categories=list(OUTCOMES)),
            "status": np.array([one.status for one in samples], np.int16),
            "error": pd.Categorical([one.error for one in samples]),
        }
    )
    if heard and not any(subject == "generator" for _, subject, _, _ in resources):
        resources = [*resources, *generator_readings(max(1.0, last_s))]
    read = pd.DataFrame(list(resources), columns=["at_s", "subject", "metric", "value"])
    for name in ("subject", "metric"):
        read[name] = read[name].astype("str").astype("category")
    return History(
        scenario="built-by-hand",
        samples=frame,
        marks=tuple(marks) if marks is not None else (Mark("end", last_s, {"reason": "complete"}),),
        phases=phases_of(windows, last_s),
        windows=tuple(windows),
        resources=read,
        attempts=attempts,
        notices=None if notices is None else tuple(notices),
        accounts=tuple(accounts),
        load_model=load_model,
        links=links or {},
        entry=entry,
    )


def link_readings(
    samples: Sequence[Sample],
    link: str,
    trips: Mapping[str, float],
    *,
    end_s: float,
    connections: int = 10,
    busy: float = 0.0,
    closed: tuple[float, float] | None = None,
    period_s: float = 0.25,
) -> list[Reading]:
    """What the kernel would have told of a link: `trips` round trips for each answered request, by endpoint."""
    answered = np.array(sorted(one.at_s + one.took_ms / 1000 for one in samples))
    by_time = sorted(samples, key=lambda one: one.at_s + one.took_ms / 1000)
    total = np.cumsum([trips.get(one.endpoint, 0.0) for one in by_time])
    found: list[Reading] = []
    for step in range(round(end_s / period_s) + 1):
        at_s = step * period_s
        shut = closed is not None and closed[0] <= at_s < closed[1]
        crossed = float(total[index - 1]) if (index := int(np.searchsorted(answered, at_s))) else 0.0
        found += [
            (at_s, link, "connections", 0.0 if shut else float(connections)),
            (at_s, link, "busy_connections", 0.0 if shut else busy * connections),
            (at_s, link, "round_trips", crossed),
            (at_s, link, "received_bytes", crossed * 100),
            (at_s, link, "sent_bytes", crossed * 400),
        ]
    return found


def generator_readings(
    end_s: float, *, cpu_cores: float = 0.1, dropped: float = 0.0, lag_ms: float = 1.0
) -> list[Reading]:
    """A beat a second of the load process. `dropped` arrivals in all, in the first second."""
    found: list[Reading] = []
    for second in range(1, int(end_s) + 1):
        values = {"arrivals": 60.0, "dropped": dropped if second == 1 else 0.0, "lag_p99_ms": lag_ms, "users_busy": 3.0}
        values |= {"cpu_cores": cpu_cores, "memory_bytes": 5e7}
        found += [(float(second), "generator", metric, value) for metric, value in values.items()]
    return found


MANIFEST: dict[str, Any] = {
    "schema": 1,
    "scenario": "built-by-hand",
    "hypothesis": "What is built by hand holds.",
    "load": {"model": "open", "locustfile": "shop.py", "rate_per_s": 60},
    "checks": [],
    "warmup_s": 3,
    "seed": 0,
    "command": ["harness", "run", "built-by-hand.py"],
    "stack": "embedded",
    "variables": {},
    "services": ["api", "postgres"],
    "links": {"api-postgres": {"client": "api", "service": "postgres"}},
    "entry": "http://127.0.0.1:8000",
    "zero_utc": "2026-01-01T00:00:00.000+00:00",
    "versions": {"python": "3.11"},
    "environment": {"python": "3.11", "platform": "Linux x86_64", "cpus": 2},
}


def run_folder(path: Path, built: History, verdicts: Sequence[Verdict] | None = None, **manifest: Any) -> RunFolder:
    """A run folder as a run leaves it, with that history."""
    folder = RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    end_s = max((phase.end_s for phase in built.phases), default=0.0)
    windows = [asdict(one) for one in built.windows]
    write_json(folder.manifest, {**MANIFEST, "windows": windows, "duration_s": end_s, **manifest})
    marks = MarkWriter(folder.marks)
    for one in built.windows:
        marks.write("injected", one.start_s, window=one.name, fault=one.fault, late_ms=1.0)
        marks.write("healed", one.end_s, window=one.name, fault=one.fault, late_ms=1.0)
    for mark in built.marks:
        marks.write(mark.kind, mark.at_s, **mark.data)
    marks.close()
    write_samples(folder.samples, built.samples)
    assert built.resources is not None
    writer = ResourceWriter(folder.resources)
    for row in built.resources.itertuples():
        writer.add(round(row.at_s * 1e9), str(row.subject), str(row.metric), float(row.value))
    writer.close()
    if built.attempts is not None:
        write_attempts(folder.taps, built.attempts)
    if built.notices is not None:
        _write_lines(folder.notices, built.notices)
    if built.accounts:
        _write_lines(folder.accounts, built.accounts)
    if verdicts is not None:
        listed = [json.loads(json.dumps(asdict(verdict))) for verdict in verdicts]
        write_json(folder.verdicts, {"word": overall(verdicts), "verdicts": listed})
    return folder


def _write_lines(path: Path, kept: Sequence[Notice | Account]) -> None:
    path.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in kept), encoding="utf-8")


def write_samples(path: Path, frame: pd.DataFrame, *, batches: int = 4) -> None:
    """The frame of a history as the load process would have written it."""
    methods, _, names = (
        zip(*[str(one).partition(" ") for one in frame["endpoint"]], strict=True) if len(frame) else ((), (), ())
    )
    started = frame["answered_ns"].to_numpy() - np.round(frame["service_ms"].to_numpy() * NS_PER_MS).astype(np.int64)
    columns = {
        "intended_ns": frame["intended_ns"].to_numpy(),
        "started_ns": started,
        "answered_ns": frame["answered_ns"].to_numpy(),
        "endpoint": list(names),
        "method": list(methods),
        "outcome": [str(one) for one in frame["outcome"]],
        "status": frame["status"].to_numpy(),
        "error": [str(one) or None for one in frame["error"]],
        "bytes": np.zeros(len(frame), np.int64),
    }
    with (
        path.open("wb") as file,
        pa.ipc.new_stream(file, SAMPLES, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as stream,
    ):
        for part in np.array_split(np.arange(len(frame)), batches):
            arrays = []
            for field in SAMPLES:
                value = columns[field.name]
                cut = value[part] if isinstance(value, np.ndarray) else [value[index] for index in part]
                plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
                array = pa.array(cut, plain)
                arrays.append(array.cast(field.type) if pa.types.is_dictionary(field.type) else array)
            stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=SAMPLES))

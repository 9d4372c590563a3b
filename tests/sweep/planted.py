"""Sweeps whose truth is known: what each fault does to each endpoint is planted, and the history made by hand.

    planted([link("web-db", "outage", {"*": refused()}), service("db", "kill", {}, dark_s=3)])

Behaviours are asked for each request: how long into the window it comes, how long before the heal, and what it would
have taken in the calm; they say how long it takes and how it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from harness.record import History, Mark, Outcome, PlannedWindow
from harness.sweep import record
from harness.sweep.cells import Cell, Matrix
from harness.sweep.matrix import matrix
from harness.sweep.record import LINK, SERVICE, PlannedCell, SteadyLoad, Sweep
from tests.builders import Reading, Sample, generator_readings, history, run_folder

LINKS = {
    "web-db": ("web", "db"),
    "web-reviews": ("web", "reviews"),
    "web-search": ("web", "search"),
    "orders-db": ("orders", "db"),
    "web-mail": ("web", "mail"),
}
ENDPOINTS = {"GET /catalogue": 0.5, "GET /reviews": 0.3, "POST /checkout": 0.2}
BASE_MS = {"GET /catalogue": 12.0, "GET /reviews": 20.0, "POST /checkout": 45.0}

Behaviour = Callable[[float, float, float], tuple[float, Outcome] | tuple[float, Outcome, str]]
"""(seconds since the fault went in, until the heal, milliseconds in the calm) to (milliseconds, outcome[, error])."""
ERRORS = {Outcome.OK: "", Outcome.FAIL: "HTTP 503", Outcome.UNKNOWN: "TimeoutError: timed out"}


def refused(took_ms: float = 3.0) -> Behaviour:
    return lambda _into, _left, _calm: (took_ms, Outcome.FAIL)


def waits(outcome: Outcome = Outcome.FAIL) -> Behaviour:
    """No answer until the heal, and then this."""
    return lambda _into, left, calm: (left * 1000 + calm, outcome)


def gives_up(after_s: float, outcome: Outcome = Outcome.FAIL) -> Behaviour:
    """A timeout, then an error; or a fallback, where the outcome is ok. The heal ends the wait, too."""
    return lambda _into, left, calm: (min(after_s, left) * 1000 + calm, outcome if left > after_s else Outcome.OK)


def disconnected(after_s: float) -> Behaviour:
    """The other side ends the connection without a word."""
    error = "ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'))"
    return lambda _into, left, calm: (min(after_s, left) * 1000 + calm, Outcome.UNKNOWN, error)


def slower(by_ms: float) -> Behaviour:
    return lambda _into, _left, calm: (calm + by_ms, Outcome.OK)


def some(share: float, other: Behaviour) -> Behaviour:
    """That share of the requests behaves so, the rest as ever."""
    turn = iter(range(10**9))
    return lambda into, left, calm: (
        other(into, left, calm) if (next(turn) * 0.618034) % 1 < share else (calm, Outcome.OK)
    )


@dataclass(frozen=True)
class Plant:
    """A cell, and what truly happens: by endpoint (`*` is every one), and for `dark_s` after the heal all fail."""

    cell: PlannedCell
    behaviours: Mapping[str, Behaviour]
    dark_s: float = 0.0
    crossed: bool = True
    not_back: bool = False
    lacking: str = "goodput was not back"


def link(name: str, fault: str, behaviours: Mapping[str, Behaviour] | None = None, **more: object) -> Plant:
    plant = {key: more.pop(key) for key in ("dark_s", "crossed", "not_back", "lacking") if key in more}
    window_s = float(more.pop("window_s", 8.0))  # type: ignore[arg-type]
    client, to = LINKS[name]
    cell = PlannedCell(f"{fault} {name} {more}", LINK, name, fault, window_s, client, to, more)  # type: ignore[arg-type]
    return Plant(cell, behaviours or {}, **plant)  # type: ignore[arg-type]


def service(name: str, fault: str, behaviours: Mapping[str, Behaviour] | None = None, **more: object) -> Plant:
    window_s = float(more.pop("window_s", 8.0))  # type: ignore[arg-type]
    cell = PlannedCell(f"{fault} {name}", SERVICE, name, fault, window_s, "", name)
    return Plant(cell, behaviours or {}, **more)  # type: ignore[arg-type]


@dataclass
class Planted:
    """The sweep, its one history, and its matrix."""

    sweep: Sweep
    history: History
    matrix: Matrix = field(init=False)

    def __post_init__(self) -> None:
        self.matrix = matrix(self.sweep, [("runs/1", self.history)])

    def only(self) -> Cell:
        (cell,) = self.matrix.cells
        return cell


def planted(
    plants: Sequence[Plant],
    *,
    rate_per_s: float = 60.0,
    seed: int = 0,
    calm_s: float = 12.0,
    between_s: float = 4.0,
    sigma: float = 0.3,
    drift: Callable[[float], float] = lambda _: 1.0,
    fails: Callable[[float], float] = lambda _: 0.0,
    readings: Sequence[Reading] | None = None,
    marks: Sequence[Mark] = (),
    entry: str = "web",
    endpoints: Mapping[str, float] = ENDPOINTS,
) -> Planted:
    """One run with each plant's window in turn. `drift` multiplies response times, `fails` fails a share, by time."""
    random = np.random.default_rng(seed)
    windows, at_s = [], calm_s
    for plant in plants:
        cell = plant.cell
        ends = (cell.subject, None) if cell.kind == LINK else (None, cell.subject)
        cuts = cell.fault in ("outage", "kill", "freeze")
        windows.append(
            PlannedWindow(cell.window, cell.fault, at_s, at_s + cell.window_s, *ends, cuts, dict(cell.parameters))
        )
        at_s += cell.window_s + max(between_s, plant.dark_s)
    names = list(endpoints)
    drawn = random.choice(len(names), size=round(at_s * rate_per_s), p=list(endpoints.values()))
    spread = np.exp(random.normal(0.0, sigma, len(drawn)))
    lots = random.random(len(drawn))
    samples, index = [], 0
    for number, code in enumerate(drawn):
        start_s = number / rate_per_s
        name = names[code]
        calm_ms = BASE_MS.get(name, 15.0) * float(spread[number]) * drift(start_s)
        while index + 1 < len(windows) and windows[index + 1].start_s <= start_s:
            index += 1
        took_ms, outcome = calm_ms, Outcome.FAIL if lots[number] < fails(start_s) else Outcome.OK
        error: list[str] = []
        plant, window = plants[index], windows[index]
        if window.start_s <= start_s < window.end_s:
            behaviour = plant.behaviours.get(name, plant.behaviours.get("*"))
            if behaviour is not None:
                took_ms, outcome, *error = behaviour(start_s - window.start_s, window.end_s - start_s, calm_ms)
        elif window.end_s <= start_s < window.end_s + plant.dark_s:
            took_ms, outcome = 3.0, Outcome.FAIL
        status = {Outcome.OK: 200, Outcome.FAIL: 503, Outcome.UNKNOWN: 0}[outcome]
        samples.append(Sample(start_s, took_ms, outcome, name, status, *(error or [ERRORS[outcome]])))
    told = list(marks)
    told += [
        Mark("not_back", w.end_s + between_s, {"window": w.name, "lacking": p.lacking})
        for w, p in zip(windows, plants, strict=True)
        if p.not_back
    ]
    if not any(mark.kind == "end" for mark in told):
        told.append(Mark("end", at_s, {"reason": "complete"}))
    ends_s = [mark.at_s for mark in told if mark.kind == "end" and mark.at_s is not None]
    read = list(readings) if readings is not None else [*traffic(plants, windows, at_s), *generator_readings(at_s)]
    built = history(samples, windows, read, end_s=min([at_s, *ends_s]), marks=told)
    sweep = Sweep(
        name="sweep",
        entry="http://127.0.0.1:8000",
        load=SteadyLoad("shop.py", rate_per_s),
        command=("harness", "sweep"),
        stack="embedded",
        cells=tuple(plant.cell for plant in plants),
        runs=("runs/1",),
        seconds_planned=at_s,
    )
    services = tuple(sorted({entry, "worker", *(end for ends in LINKS.values() for end in ends)}))
    return Planted(sweep, replace(built, links=LINKS, entry=entry, services=services))


def traffic(plants: Sequence[Plant], windows: Sequence[PlannedWindow], end_s: float) -> list[Reading]:
    """Every link grows by 100 bytes a reading, but for those that a plant says are not crossed: they never do."""
    dead = {plant.cell.subject for plant in plants if not plant.crossed}
    dead |= {name for name, ends in LINKS.items() if dead & {*ends} - {"web"}}
    steps = np.arange(0.0, end_s, 0.5)
    return [
        (float(at_s), name, "received_bytes", 0.0 if name in dead else 100.0 * step)
        for name in LINKS
        for step, at_s in enumerate(steps)
    ]


def sweep_folder(path: Path, made: Planted, **more: object) -> Path:
    """The folder of that sweep as the runner leaves it, before its report is built."""
    links = {name: {"client": client, "service": to} for name, (client, to) in LINKS.items()}
    run_folder(path / "runs" / "1", made.history, (), links=links, entry_service=made.history.entry)
    record.write(path / "sweep.json", replace(made.sweep, **more))  # type: ignore[arg-type]
    return path


def many_rows(count: int) -> list[Plant]:
    """Plants over so many links and services, with every harm among them, in the order of a sweep."""
    rows = [f"client{index % 5}-service{index}" for index in range(count)]
    LINKS.update({row: (row.partition("-")[0], row.partition("-")[2]) for row in rows})
    bad = ({"*": refused()}, {"GET /reviews": refused()}, {}, {"GET /catalogue": some(0.38, refused())}, {})
    plants: list[Plant] = []
    for index, row in enumerate(rows):
        hit = bad[index % len(bad)]
        late = {"*": slower(104)} if index % 2 == 0 else {}
        plants += [
            link(row, "latency", late, delay_ms=100, window_s=5.0),
            link(row, "latency", {"*": slower(2004)} if index % 3 == 0 else {}, delay_ms=2000, window_s=6.0),
            link(row, "outage", hit, window_s=5.0, crossed=index % 7 != 6),
            link(row, "blackhole", {"*": waits()} if index % 4 == 0 else hit, window_s=5.0, crossed=index % 7 != 6),
            link(row, "reset", hit, window_s=5.0, crossed=index % 7 != 6),
        ]
    for index in range(count // 2):
        name, hit = f"service{index}", bad[(index + 1) % len(bad)]
        plants.append(service(name, "kill", hit, window_s=5.0, dark_s=10.0 if index == 3 else 0.0, crossed=index != 6))
        plants.append(service(name, "freeze", hit, window_s=5.0, crossed=index != 6))
    return plants

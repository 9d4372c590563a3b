"""The cells of one run: each window beside the calm before the first one, or why nothing can be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.analysis.quantiles import quantile
from harness.analysis.readings import of as readings
from harness.analysis.readings import within
from harness.calm import BEAT_S
from harness.checks.trust import CPU_CORES_MAX
from harness.record import History, PlannedWindow
from harness.sweep.cells import SLOWER_BAD_MS, Cell, Effect, Harm
from harness.sweep.comeback import WATCHED_S_MAX, comeback
from harness.sweep.crossing import not_crossed
from harness.sweep.effects import ALL, LATE_MIN, LATE_MS_MIN, SLOWER_MS_MIN, Span, effect, tail_s
from harness.sweep.noise import SAMPLES_MIN
from harness.sweep.record import SERVICE, PlannedCell
from harness.sweep.requests import Floats, requests_of
from harness.sweep.words import named

LAG_MS_MAX = {0.5: SLOWER_MS_MIN, 1 - LATE_MIN: LATE_MS_MIN}
"""How late arrivals may start, by quantile: what a window is read by, its median and its latest tenth, must not be the
generator's own. The 99th percentile, by which a run is judged, is that of four requests in a window."""
LAG_MS_MAX_DOWN = 250.0
"""The same for the latest tenth, where the question is whether anything was served at all."""
STUCK_MIN = 5
"""On fewer requests nothing is said of an endpoint that did not come back."""
NOT_BACK = "goodput was not back"
SETTLED_S = 1.0
"""The moments after a heal show how a stack comes back; what it has become only those show that are as long after."""
CUT_SHORT = 0.5
"""A window that lasted less than this share of its plan was cut short."""


@dataclass(frozen=True, slots=True)
class _Stuck:
    """An endpoint that was not back when the next window went in: since which window, and its heal."""

    window: str
    heal_s: float


class RunCells:
    """Judges the windows of one run, in the order in which they were in."""

    def __init__(self, name: str, history: History, planned: Mapping[str, PlannedCell]) -> None:
        self._name, self._history, self._planned = name, history, planned
        self._requests = requests_of(history)
        self._answers_s = np.sort(self._requests.answered_s[self._requests.ok])
        self._windows = sorted(
            (one for one in history.windows if one.name in planned), key=lambda one: (one.start_s, one.name)
        )
        self._calm_s = self._windows[0].start_s if self._windows else 0.0
        self._end_s = max((phase.end_s for phase in history.phases), default=0.0)
        self._not_back = {
            str(mark.data.get("window")): str(mark.data.get("lacking") or NOT_BACK)
            for mark in history.marks_of("not_back")
        }
        self._stuck: dict[str, _Stuck] = {}
        self._cells: dict[str, Cell] = {}
        self._readings: dict[tuple[str, str], tuple[Floats, Floats]] = {}

    def cells(self) -> dict[str, Cell]:
        """The cell of each window that was in, by the window's name."""
        dirty = ""
        for index, window in enumerate(self._windows):
            start_s, end_s = self._really(window)
            next_s = self._windows[index + 1].start_s if index + 1 < len(self._windows) else self._end_s
            before_s = self._really(self._windows[index - 1])[1] if index else 0.0
            if index:
                self._look_for_stuck(self._windows[index - 1], before_s, window.start_s)
            cell = self._cell(window, start_s, end_s, next_s, before_s, dirty)
            self._cells[window.name] = cell
            dirty = window.name if window.name in self._not_back or cell.harm is Harm.NOT_BACK else ""
        if self._windows:
            last = self._windows[-1]
            self._look_for_stuck(last, self._really(last)[1], self._end_s)
        return self._cells

    def _really(self, window: PlannedWindow) -> tuple[float, float]:
        """When it was in for sure: from the end of its injection to the beginning of its heal."""
        times = {
            kind: mark.at_s
            for kind in ("injected", "healing")
            for mark in self._history.marks_of(kind)
            if mark.data.get("window") == window.name and mark.at_s is not None
        }
        start_s = max(window.start_s, times.get("injected", window.start_s))
        return start_s, max(start_s, min(window.end_s, times.get("healing", window.end_s), self._end_s))

    def _cell(
        self, window: PlannedWindow, start_s: float, end_s: float, next_s: float, before_s: float, dirty: str
    ) -> Cell:
        planned = self._planned[window.name]
        blank = Cell(
            planned,
            Harm.UNKNOWN,
            run=self._name,
            start_s=round(start_s, 3),
            end_s=round(end_s, 3),
            is_entry=planned.kind == SERVICE and planned.subject == self._history.entry,
        )
        doubt = (
            (f"the stack was not back from {dirty}" if dirty else "")
            or self._no_calm()
            or self._generator_doubt(0.0, self._calm_s)
        )
        if doubt:
            return replace(blank, reason=doubt)
        died = self._died(planned, start_s, end_s, next_s)
        if end_s - start_s < CUT_SHORT * (window.end_s - window.start_s) and not died:
            return replace(blank, reason="it was cut short")
        measured = self._measured(blank, window, start_s, end_s, before_s)
        after = comeback(self._answers_s, self._rate_before(), end_s, next_s)
        measured = replace(measured, back_s=after.back_s, watched_s=after.watched_s)
        if died:
            if died not in self._history.services:
                return replace(blank, reason=f"{died} died, which is no part of the stack")
            return replace(measured, harm=Harm.NOT_BACK, back_s=None, reason=f"{died} died")
        if measured.harm is not Harm.UNKNOWN and (window.name in self._not_back or after.gone):
            measured = replace(measured, back_s=None)
            doubt = self._generator_doubt(end_s, next_s, served=False)
            if not doubt:
                reason = f"{self._not_back.get(window.name, NOT_BACK)} {after.watched_s:.0f} s after"
                return replace(measured, harm=Harm.NOT_BACK, reason=reason)
            if not measured.bad:
                return replace(measured, harm=Harm.UNKNOWN, during=Harm.UNKNOWN, reason=f"after it, {doubt}")
        return measured

    def _measured(self, blank: Cell, window: PlannedWindow, start_s: float, end_s: float, before_s: float) -> Cell:
        """What happened while it was in, and whether that may be believed."""
        nothing = not_crossed(self._history, self._requests, self._read, window, start_s, end_s)
        if nothing:
            return replace(blank, reason=nothing)
        calm = self._requests.between(0.0, self._calm_s)
        inside = self._requests.between(start_s, end_s)
        tail = tail_s(calm, inside, start_s, end_s)
        last_s = window.start_s - BEAT_S  # the second that the gate found good
        settled = last_s - before_s >= SETTLED_S
        span = Span(start_s, end_s, tail, blank.planned.delay_ms, settled)
        calm = calm.between(0.0, self._calm_s - min(tail, self._calm_s / 2))
        last = self._requests.between(last_s if settled else before_s, window.start_s)
        just_before = last if before_s else last.of(slice(0))
        effects = []
        for name in self._requests.names:
            if name in self._stuck:
                reason = f"it was not back from {self._stuck[name].window}"
                effects.append(Effect(name, Harm.UNKNOWN, reason=reason))
                continue
            effects.append(effect(name, calm.at(name), just_before.at(name), inside.at(name), span))
        gone = frozenset(self._stuck)
        whole = effect(ALL, calm.without(gone), just_before.without(gone), inside.without(gone), span)
        effects.sort(key=lambda one: (-one.requests_before, one.endpoint))
        dropped = int(self._generator("dropped", start_s, end_s + 1).sum())
        cell = replace(blank, tail_s=round(tail, 3), whole=whole, effects=tuple(effects), dropped_arrivals=dropped)
        worst = cell.worst
        if worst is None or worst.harm is Harm.UNKNOWN:
            return replace(cell, reason=worst.reason if worst else f"fewer than {SAMPLES_MIN} requests")
        served = worst.harm in (Harm.UNHARMED, Harm.SLOWER)
        doubt = self._generator_doubt(start_s, span.counted_end_s, served=served)
        if not doubt and dropped and served:
            doubt = "arrivals found every user busy and were dropped"  # what is down is not less so for that
        if doubt:
            return replace(cell, reason=doubt)
        found = replace(cell, harm=worst.harm, during=worst.harm)
        if served and not found.bad and (reason := _in_doubt(found)):
            return replace(cell, reason=reason)
        return found

    # --------------------------------------------------------------------------------------------------- doubts

    def _no_calm(self) -> str:
        calm = self._requests.between(0.0, self._calm_s)
        return f"fewer than {SAMPLES_MIN} requests in the calm" if len(calm) < SAMPLES_MIN else ""

    def _generator_doubt(self, start_s: float, end_s: float, *, served: bool = True) -> str:
        """Why the load of that time is not to be trusted; by time, so that one bad window spoils no other."""
        cpu = self._generator("cpu_cores", start_s, end_s + 1)
        if not len(cpu):
            return "the load process was not heard"
        if quantile(cpu, 0.9) > CPU_CORES_MAX:
            return "the load generator was limited: it used up its core"
        late_ms = self._requests.between(start_s, end_s).late_ms
        bounds = LAG_MS_MAX if served else {1 - LATE_MIN: LAG_MS_MAX_DOWN}
        if len(late_ms) and any(quantile(late_ms, q) > most_ms for q, most_ms in bounds.items()):
            return "the load generator was limited: arrivals started late"
        if end_s == self._calm_s and self._generator("dropped", start_s, end_s).sum():
            return "the load generator was limited: arrivals were dropped in the calm"
        return ""

    def _generator(self, metric: str, start_s: float, end_s: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        at_s, value = self._read("generator", metric)
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = value[within(at_s, start_s, end_s)]
        return found

    def _read(self, subject: str, metric: str) -> tuple[Floats, Floats]:
        """Readings, each looked for once: a sweep asks for the same ones in every window."""
        if (subject, metric) not in self._readings:
            self._readings[subject, metric] = readings(self._history, subject, metric)
        return self._readings[subject, metric]

    def _died(self, planned: PlannedCell, start_s: float, end_s: float, next_s: float) -> str:
        """What died in that time of itself, if anything did: not what was killed, before its heal."""
        for mark in self._history.marks_of("died"):
            name = str(mark.data.get("service") or "a service")
            if mark.at_s is None or not start_s <= mark.at_s <= next_s + 1e-6:
                continue
            if name != planned.subject or mark.at_s > end_s:
                return name
        return ""

    def _rate_before(self) -> float:
        first, last = np.searchsorted(self._answers_s, [0.0, self._calm_s])
        return float(last - first) / self._calm_s if self._calm_s else 0.0

    def _look_for_stuck(self, last: PlannedWindow, heal_s: float, until_s: float) -> None:
        """Endpoints of which, in the later half of the calm after `last`, less than half was ok of what used to be.

        The load's goodput as a whole may be back without them; what is so for 10 s did not come back.
        """
        late = self._requests.between((heal_s + until_s) / 2, until_s)
        calm = self._requests.between(0.0, self._calm_s)
        for name in self._requests.names:
            now, before = late.at(name).ok, calm.at(name).ok
            if len(now) < STUCK_MIN or len(before) < SAMPLES_MIN or now.mean() >= 0.5 * before.mean():
                if len(now) >= STUCK_MIN:
                    self._stuck.pop(name, None)
                continue
            since = self._stuck.setdefault(name, _Stuck(last.name, heal_s))
            cell = self._cells[since.window]
            if cell.harm in (Harm.NOT_BACK, Harm.UNKNOWN) or self._generator_doubt(since.heal_s, until_s, served=False):
                continue
            if until_s - since.heal_s >= WATCHED_S_MAX:
                reason = f"{name} was not back {until_s - since.heal_s:.0f} s after"
                self._cells[since.window] = replace(cell, harm=Harm.NOT_BACK, back_s=None, reason=reason)


def _in_doubt(cell: Cell) -> str:
    """Why nothing is to be said of a cell of which the rest is well; empty where no doubt is left that would matter."""
    few = [one.endpoint for one in cell.effects if one.doubtful and one.few]
    if few:
        return f"too few requests to {named(few)} to tell, and not all were served in time"
    slow = [one for one in cell.effects if one.doubtful]
    if cell.harm is Harm.UNHARMED or any(one.shift_ms > SLOWER_BAD_MS for one in slow):
        return f"{slow[0].reason}, at {named([one.endpoint for one in slow])}" if slow else ""
    return ""

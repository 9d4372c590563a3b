"""The matrix: what became of each cell of a sweep, in a word and with its numbers. Pure data.

A ratio is of 1; times end in their unit; None stands where there was nothing to measure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from harness.errors import one_of
from harness.sweep.facts import LinkFacts
from harness.sweep.record import SERVICE, LeftOut, PlannedCell, SteadyLoad, Sweep

LOST_BAD = 0.05
"""A loss of more than this share of requests is bad; less is told, and no failure."""
SLOWER_BAD_MS = 1500.0
"""So much longer, at the median or at the 95th percentile, is bad. A timeout of a second and a fallback are not."""


class Harm(StrEnum):
    """What a fault did to the requests of the load, as the matrix says it."""

    UNHARMED = "unharmed"
    SLOWER = "slower"
    DEGRADED = "degraded"
    DOWN = "down"
    NOT_BACK = "not back"
    UNKNOWN = "unknown"


WORST_FIRST = (Harm.NOT_BACK, Harm.DOWN, Harm.DEGRADED, Harm.SLOWER, Harm.UNHARMED, Harm.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a window did to the requests of one endpoint, or of `all`, beside the calm before the first window.

    `served` are those that were ok and answered before the heal; a request that only the heal answered was not served.
    `lost` is the share that was served before and is not now, between `lost_low` and `lost_high`. `slower_ms` is the
    shift of the median of those that were served, `slower_p95_ms` that of their 95th percentile; a median that moved by
    less than `noise_ms` did not move. `late` of them took longer than `late_ms`, which few did before.
    `waiting` had no answer at the heal; `ok_too_late` of them were ok after it. `gave_up_s`: their waits had one
    length. `waits_s`: they had no end in so long. `reason` says why an endpoint is unknown: `few`, it had too few
    requests to tell; `doubtful`, something bad was seen of it, and not enough to be sure.
    """

    endpoint: str
    harm: Harm
    requests_before: int = 0
    served_before: int = 0
    requests: int = 0
    served: int = 0
    lost: float = 0.0
    lost_low: float = 0.0
    lost_high: float = 0.0
    p50_before_ms: float | None = None
    p50_ms: float | None = None
    p95_before_ms: float | None = None
    p95_ms: float | None = None
    slower_ms: float | None = None
    slower_low_ms: float | None = None
    slower_high_ms: float | None = None
    noise_ms: float | None = None
    slower_p95_ms: float | None = None
    late: float = 0.0
    late_ms: float | None = None
    waiting: int = 0
    ok_too_late: int = 0
    longest_s: float = 0.0
    waits_s: float | None = None
    gave_up_s: float | None = None
    few: bool = False
    doubtful: bool = False
    reason: str = ""

    @property
    def ok_ratio(self) -> float:
        return self.served / self.requests if self.requests else 0.0

    @property
    def shift_ms(self) -> float:
        """By how much it is slower: the median where that moved, else the 95th percentile; 0 where neither did.

        The 95th percentile, too, where that alone is bad.
        """
        late_ms = self.slower_p95_ms or 0.0 if self.harm in (Harm.SLOWER, Harm.DEGRADED) else 0.0
        if self.slower_ms is None or self.noise_ms is None or self.slower_ms <= self.noise_ms:
            return late_ms
        return late_ms if late_ms > SLOWER_BAD_MS >= self.slower_ms else self.slower_ms

    @property
    def bad(self) -> bool:
        lost = self.lost if self.harm in (Harm.DOWN, Harm.DEGRADED) else 0.0
        return self.harm is not Harm.UNKNOWN and (lost > LOST_BAD or self.shift_ms > SLOWER_BAD_MS)


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault on one link or service. `during` is the harm while it was in, `harm` that with what came after.

    `back_s` after the heal goodput was back, of `watched_s` until the next window. `is_entry`: the load goes to the
    very service that was stopped, so that it is down is no finding. `reason` says why it is unknown or not back.
    """

    planned: PlannedCell
    harm: Harm
    during: Harm = Harm.UNKNOWN
    reason: str = ""
    run: str = ""
    start_s: float | None = None
    end_s: float | None = None
    tail_s: float | None = None
    whole: Effect | None = None
    effects: tuple[Effect, ...] = ()
    back_s: float | None = None
    watched_s: float | None = None
    dropped_arrivals: int = 0
    is_entry: bool = False

    @property
    def judged(self) -> tuple[Effect, ...]:
        """The endpoints that something is known of."""
        return tuple(one for one in self.effects if one.harm is not Harm.UNKNOWN)

    @property
    def seen(self) -> tuple[Effect, ...]:
        """Those, and the ones of which something was served, though of too few requests to judge."""
        return tuple(one for one in self.effects if one.harm is not Harm.UNKNOWN or (one.few and one.served))

    @property
    def untold(self) -> tuple[str, ...]:
        """The endpoints that had too few requests to tell: what is said of the cell is not said of them."""
        return tuple(one.endpoint for one in self.effects if one.few and one.harm is Harm.UNKNOWN)

    @property
    def down(self) -> tuple[str, ...]:
        """The endpoints of which almost nothing was served."""
        return tuple(one.endpoint for one in self.effects if one.harm is Harm.DOWN)

    @property
    def worst(self) -> Effect | None:
        """The endpoint that was hit worst; all of them together where none alone has requests enough to show it."""
        worst = max(self.judged, key=_badness, default=None)
        whole = self.whole
        if whole is None or (whole.harm in (Harm.SLOWER, Harm.UNHARMED, Harm.UNKNOWN) and worst is not None):
            return worst  # a median over endpoints that differ moves with their mixture
        return whole if worst is None or _rank(whole.harm) < _rank(worst.harm) else worst

    @property
    def longest_s(self) -> float | None:
        return self.whole.longest_s if self.whole else None

    @property
    def waits_s(self) -> float | None:
        """How long clients waited without an end."""
        return max((one.waits_s for one in self.effects if one.waits_s is not None), default=None)

    @property
    def gave_up_s(self) -> float | None:
        """After how long they gave up, at the endpoint that was hit worst of those that did."""
        gave_up = [one for one in self.effects if one.gave_up_s is not None]
        return max(gave_up, key=_badness).gave_up_s if gave_up else None

    @property
    def as_must_be(self) -> bool:
        """The entry itself was stopped, and nothing was served meanwhile: it could not be otherwise."""
        return self.is_entry and self.during is Harm.DOWN and self.harm is not Harm.NOT_BACK

    @property
    def bad(self) -> bool:
        """Whether a team would want to know: a build shows it as failed, and it is worth a scenario of its own."""
        if self.harm is Harm.NOT_BACK:
            return True
        if self.harm is Harm.UNKNOWN or self.as_must_be:
            return False
        if self.harm is Harm.DOWN or self.waits_s is not None:
            return True
        return any(one.bad for one in (*self.judged, self.worst) if one is not None)

    def to_json(self) -> dict[str, Any]:
        worst = self.worst
        return asdict(self) | {
            "column": self.planned.column,
            "worst": worst.endpoint if worst else None,
            "down": list(self.down),
            "untold": list(self.untold),
            "longest_s": self.longest_s,
            "waits_s": self.waits_s,
            "gave_up_s": self.gave_up_s,
            "as_must_be": self.as_must_be,
            "bad": self.bad,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All cells of a sweep, links first, in the order in which they were planned, and what was left out.

    `facts` are of its links, where any had a tap. `warnings` say what of the runs' folders is not what it was when they
    had ended: the cells are of what is left.
    """

    sweep: Sweep
    cells: tuple[Cell, ...]
    facts: tuple[LinkFacts, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def load(self) -> SteadyLoad:
        return self.sweep.load

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return self.sweep.dropped

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """(kind, subject) of each row: links, then services."""
        planned = [cell.planned for cell in self.cells] + [one.cell for one in self.left_out]
        names = dict.fromkeys((one.kind, one.subject) for one in planned)
        return tuple(sorted(names, key=lambda row: row[0] == SERVICE))

    @property
    def columns(self) -> tuple[str, ...]:
        """The faults, those on links first, the weaker latency before the stronger."""
        planned = [cell.planned for cell in self.cells] + [one.cell for one in self.left_out]
        by_name = {one.column: one for one in sorted(planned, key=lambda one: one.kind == SERVICE, reverse=True)}
        return tuple(sorted(by_name, key=lambda name: _place(by_name[name])))

    def cell(self, kind: str, subject: str, column: str) -> Cell | None:
        for one in self.cells:
            if (one.planned.kind, one.planned.subject, one.planned.column) == (kind, subject, column):
                return one
        return None

    def count(self, harm: Harm) -> int:
        return sum(cell.harm is harm for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        """As `matrix.json` keeps it and `harness report --json` prints it."""
        sweep = asdict(replace(self.sweep, cells=(), dropped=()))
        del sweep["cells"], sweep["dropped"]
        return {
            "schema": 1,
            **sweep,
            "rows": [subject for _, subject in self.rows],
            "columns": list(self.columns),
            "counts": {harm.value: self.count(harm) for harm in WORST_FIRST},
            "cells": [cell.to_json() for cell in self.cells],
            "facts": [one.to_json() for one in self.facts],
            "left_out": [asdict(one) for one in self.left_out],
            "warnings": list(self.warnings),
        }


FAIL_ON = (Harm.SLOWER, Harm.DEGRADED, Harm.DOWN, Harm.NOT_BACK)
"""What `--fail-on` may name, each with all that is worse."""


def fail_on(text: str) -> Harm:
    """The harm that `--fail-on` names, `not-back` or `not back`. Raises ValueError."""
    names = {harm.value.replace(" ", "-"): harm for harm in FAIL_ON}
    wanted = text.strip().replace(" ", "-")
    if wanted not in names:
        raise ValueError(one_of("harm", text, names, where="--fail-on"))
    return names[wanted]


def exit_code(matrix: Matrix, at_least: Harm | None = None) -> int:
    """A sweep is a survey: what it finds is no failure, unless a harm is named that must not be found.

    1 where a bad cell (Cell.bad: beyond the bounds, and not merely the entry itself stopped) is harmed as much as
    `at_least` or more, else 4 where a cell is unknown, else 0. What was left out before it began does not count.
    """
    if at_least is not None:
        too_bad = FAIL_ON[FAIL_ON.index(at_least) :]
        if any(cell.harm in too_bad and cell.bad for cell in matrix.cells):
            return 1
    unknown = not matrix.cells or any(cell.harm is Harm.UNKNOWN for cell in matrix.cells)
    return 4 if unknown else 0


def _rank(harm: Harm) -> int:
    return WORST_FIRST.index(harm)


def _badness(effect: Effect) -> tuple[int, float, float, str]:
    """Greater is worse; the name decides between equals, so that a report is the same each time."""
    lost = effect.lost if effect.harm in (Harm.DOWN, Harm.DEGRADED) else 0.0  # else it is noise
    return (-_rank(effect.harm), lost, effect.shift_ms, effect.endpoint)


_KNOWN = ("latency", "outage", "blackhole", "reset", "kill", "freeze")


def _place(cell: PlannedCell) -> tuple[int, int, float, str]:
    known = _KNOWN.index(cell.fault) if cell.fault in _KNOWN else len(_KNOWN)
    return (int(cell.kind == SERVICE), known, cell.delay_ms or 0.0, cell.column)

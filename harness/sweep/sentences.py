"""The matrix in plain sentences, the worst first: what cannot live without what, who waits for ever, what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analysis.amounts import percent
from harness.analysis.readings import listed
from harness.sweep.cells import Cell, Harm, Matrix
from harness.sweep.record import LINK
from harness.sweep.words import capital, mended, named, seconds, slower, slower_by, state, while_in

BACK_LATE_S = 1.0
"""Who is back sooner was never seen to be away."""


class Group(StrEnum):
    """What a sentence is about, the worst first."""

    HARD = "Hard dependencies"
    WAITS = "Waits for ever"
    NOT_BACK = "Did not come back"
    FEWER = "Served fewer"
    BACK_LATE = "Came back late"
    SLOWER = "Slower"
    GAVE_UP = "Gave up in time"
    UNHARMED = "Not noticed"
    AS_MUST_BE = "As it must be"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and the windows of the cells that it speaks of."""

    group: Group
    text: str
    windows: tuple[str, ...]


Found = tuple[float, str, tuple[Cell, ...]]
"""(how bad, the sentence, its cells)."""


def sentences(matrix: Matrix) -> tuple[Sentence, ...]:
    """All of them. Within a group the worst comes first, then in the order of the matrix."""
    told = _Told(matrix)
    groups: dict[Group, Callable[[], Iterator[Found]]] = {
        Group.HARD: told.hard,
        Group.WAITS: told.waits,
        Group.NOT_BACK: told.not_back,
        Group.FEWER: told.fewer,
        Group.BACK_LATE: told.back_late,
        Group.SLOWER: told.slower,
        Group.GAVE_UP: told.gave_up,
        Group.UNHARMED: told.unharmed,
        Group.AS_MUST_BE: told.as_must_be,
        Group.UNKNOWN: told.unknown,
    }
    found: dict[tuple[Group, str], tuple[str, ...]] = {}
    for group, tell in groups.items():
        for _, text, cells in sorted(tell(), key=lambda one: -one[0]):
            windows = found.get((group, text), ())
            found[group, text] = tuple(dict.fromkeys([*windows, *(cell.planned.window for cell in cells)]))
    return tuple(Sentence(group, text, windows) for (group, text), windows in found.items())


class _Told:
    """The sentences of one matrix. A service is not told of again where a link to it was."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._rows = [
            [cell for cell in matrix.cells if (cell.planned.kind, cell.planned.subject) == row] for row in matrix.rows
        ]
        planned = [cell.planned for cell in matrix.cells] + [one.cell for one in matrix.left_out]
        self._clients: dict[str, list[str]] = {}
        for one in planned:
            if one.kind == LINK and one.client not in self._clients.setdefault(one.service, []):
                self._clients[one.service].append(one.client)

    def hard(self) -> Iterator[Found]:
        """Down while a link or a service is away. A service that is only late proves nothing of the kind."""
        told: set[str] = set()
        for row in self._rows:
            down = _needed(row)
            if not down or down[0].is_entry or (down[0].planned.kind != LINK and down[0].planned.service in told):
                continue
            cell = _clearest(down)
            told.add(cell.planned.service)
            yield _loss_of(cell), self._cannot(cell), tuple(down)

    def waits(self) -> Iterator[Found]:
        told: set[str] = set()
        for row in self._rows:
            cells = [one for one in _known(row) if one.waits_s is not None and not one.is_entry]
            if not cells or (cells[0].planned.kind != LINK and cells[0].planned.service in told):
                continue
            cell = max(cells, key=lambda one: one.waits_s or 0.0)
            told.add(cell.planned.service)
            waiting = [one.endpoint for one in cell.judged if one.waits_s is not None]
            where = f" in {listed(waiting)}" if len(waiting) < len(cell.seen) else ""
            who = self._client(cell)
            text = (
                f"{who} {_verb(who, 'waits', 'wait')} for ever for {cell.planned.service}{where}: "
                f"no timeout was seen in {cell.waits_s or 0:.0f} s."
            )
            yield cell.waits_s or 0.0, text, tuple(cells)

    def not_back(self) -> Iterator[Found]:
        for cell in self._cells(Harm.NOT_BACK):
            what = f"{cell.planned.subject} was {state(cell.planned)}"
            yield (
                1.0 if cell.during is Harm.DOWN else 0.0,
                f"After {what} the stack did not come back: {cell.reason}.",
                (cell,),
            )

    def fewer(self) -> Iterator[Found]:
        """Where some were served and some not, or a service that was only late or silent took all with it."""
        for row in self._rows:
            told = _needed(row)
            cells = [
                one
                for one in row
                if one.worst is not None
                and not one.is_entry
                and (one.during is Harm.DEGRADED or (one.during is Harm.DOWN and one not in told))
            ]
            if cells:
                yield max(one.worst.lost for one in cells if one.worst), _fewer(cells), tuple(cells)

    def back_late(self) -> Iterator[Found]:
        for cell in self._matrix.cells:
            if cell.harm in (Harm.UNKNOWN, Harm.UNHARMED) or cell.back_s is None or cell.back_s < BACK_LATE_S:
                continue
            who = cell.planned.service if cell.is_entry else self._client(cell)
            yield (
                cell.back_s,
                f"{who} came back {seconds(cell.back_s)} after {mended(cell.planned)}.",
                (cell,),
            )

    def slower(self) -> Iterator[Found]:
        """One sentence a row."""
        for row in self._rows:
            cells = [(one, slower(one)) for one in _known(row) if not one.is_entry and slower(one)]
            clauses: list[str] = []
            for cell, late in cells:
                what = "with it" if clauses else f"with {cell.planned.subject}"
                clauses.append(f"{what} {state(cell.planned)} {slower_by(late, len(cell.seen))}")
            if clauses:
                worst_ms = max(late[0].shift_ms for _, late in cells)
                yield worst_ms, f"{capital('; '.join(clauses))}.", tuple(cell for cell, _ in cells)

    def gave_up(self) -> Iterator[Found]:
        told: set[str] = set()
        for row in self._rows:
            waiting = any(one.waits_s is not None for one in _known(row))
            cells = [one for one in _known(row) if one.gave_up_s is not None and not one.is_entry]
            if waiting or not cells or (cells[0].planned.kind != LINK and cells[0].planned.service in told):
                continue
            cell = _clearest(cells, ("blackhole", "freeze", "latency"))
            told.add(cell.planned.service)
            who = self._client(cell)
            text = (
                f"{who} {_verb(who, 'gives', 'give')} up on {cell.planned.service} after {cell.gave_up_s or 0:.1f} s."
            )
            yield cell.gave_up_s or 0.0, text, tuple(cells)

    def unharmed(self) -> Iterator[Found]:
        """A line of what may be restarted, and one of all the rest."""
        cells = self._cells(Harm.UNHARMED)
        killed = [one for one in cells if one.planned.fault == "kill"]
        if killed:
            names = _or(one.planned.subject for one in killed)
            yield 2.0, f"A restart of {names} is not noticed.", tuple(killed)
        rest = [one for one in cells if one.planned.fault != "kill"]
        if rest:
            yield 1.0, f"Not noticed: {self._by_column(rest)}.", tuple(rest)

    def as_must_be(self) -> Iterator[Found]:
        entry = [one for one in self._matrix.cells if one.as_must_be]
        if entry:
            states = _or(state(one.planned) for one in entry)
            name = entry[0].planned.subject
            yield 0.0, f"{name} is the entry: with it {states} nothing is served, as it must be.", tuple(entry)

    def unknown(self) -> Iterator[Found]:
        """One line a reason, the most frequent first; and one of the endpoints that too little was asked of."""
        reasons: dict[str, list[Cell]] = {}
        for cell in self._cells(Harm.UNKNOWN):
            reasons.setdefault(cell.reason, []).append(cell)
        for reason, cells in reasons.items():
            yield float(len(cells)), f"{capital(reason)}: {self._by_column(cells)}.", tuple(cells)
        untold = [one for one in self._matrix.cells if one.untold and one.harm in (Harm.UNHARMED, Harm.SLOWER)]
        if untold:
            names = named(list(dict.fromkeys(name for cell in untold for name in cell.untold)))
            text = f"Too few requests to {names} to tell, and a higher --rate tells: {self._by_column(untold)}."
            yield 0.0, text, tuple(untold)

    def _cells(self, harm: Harm) -> list[Cell]:
        return [cell for cell in self._matrix.cells if cell.harm is harm]

    def _client(self, cell: Cell) -> str:
        """Who felt it: the client of the link, the one client of the service, else the stack as a whole."""
        if cell.planned.client:
            return cell.planned.client
        clients = self._clients.get(cell.planned.service, [])
        return listed(clients) if clients else "the load"

    def _cannot(self, cell: Cell) -> str:
        planned = cell.planned
        others = [one for one in cell.seen if one.harm is not Harm.DOWN]
        if not cell.down or not others:
            who = self._client(cell)
            whole = cell.whole
            share = percent(whole.served, whole.requests) if whole else "none"
            return f"{who} cannot live without {planned.service}: {while_in(planned)} {share} of requests were served."
        down = listed(list(cell.down))
        if all(one.harm is Harm.UNHARMED for one in others):
            return f"{down} cannot live without {planned.service}; the other endpoints do not notice."
        served = sum(one.served for one in cell.judged if one.harm is Harm.DOWN)
        requests = sum(one.requests for one in cell.judged if one.harm is Harm.DOWN)
        return (
            f"{down} cannot live without {planned.service}: "
            f"{while_in(planned)} {percent(served, requests)} of {_verb(down, 'its', 'their')} requests were served."
        )

    def _by_column(self, cells: Sequence[Cell]) -> str:
        """`every fault of web-mail; outage and reset of web-db and web-search`, by the columns of the matrix."""
        among = [tuple(cell for cell in row if cell in cells) for row in self._rows]
        whole = [row for row, mine in zip(self._rows, among, strict=True) if len(row) == len(mine) > 1]
        parts = [f"every fault of {listed([row[0].planned.subject for row in whole])}"] if whole else []
        rest = [cell for cell in cells if not any(cell in row for row in whole)]
        alike: dict[tuple[str, ...], list[str]] = {}
        for column in self._matrix.columns:
            names = tuple(cell.planned.subject for cell in rest if cell.planned.column == column)
            if names:
                alike.setdefault(names, []).append(column)
        return "; ".join([*parts, *(f"{listed(columns)} of {listed([*names])}" for names, columns in alike.items())])


def _fewer(cells: Sequence[Cell]) -> str:
    """The shares that were served in the cells of one row; the endpoint is said where it changes."""
    clauses: list[str] = []
    last = ""
    for cell in cells:
        alike = cell.whole is not None and len(cell.down) == len(cell.seen)
        one = cell.whole if alike or cell.worst is None else cell.worst
        assert one is not None, "a cell that lost requests has a worst endpoint"
        who = "requests" if one is cell.whole else one.endpoint
        share = percent(one.served, one.requests) + (f" of {who}" if who != last else "")
        clauses.append(f"{'with it' if clauses else f'with {cell.planned.subject}'} {state(cell.planned)} {share}")
        last = who
    return f"{capital(', '.join(clauses))} were served."


def _known(row: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in row if cell.harm is not Harm.UNKNOWN]


def _needed(row: Sequence[Cell]) -> list[Cell]:
    """The cells that show that it cannot be done without: down while it is away, and not while it is only late.

    Where its plain absence is stood, what falls with its silence lacks a timeout, and is no hard dependency.
    """
    down = [one for one in row if one.during is Harm.DOWN and one.planned.delay_ms is None]
    away = [one for one in _known(row) if one.planned.fault in _AWAY]
    return [] if away and not any(one.during is Harm.DOWN for one in away) else down


_AWAY = ("outage", "reset", "kill")
_CLEAREST = ("outage", "kill", "reset", "blackhole", "freeze")


def _clearest(cells: Sequence[Cell], order: Sequence[str] = _CLEAREST) -> Cell:
    """The cell whose fault shows it best; of two alike the first."""
    return min(cells, key=lambda one: order.index(one.planned.fault) if one.planned.fault in order else len(order))


def _loss_of(cell: Cell) -> float:
    return cell.whole.lost if cell.whole else 0.0


def _verb(who: str, one: str, many: str) -> str:
    return many if " and " in who else one


def _or(names: Iterator[str]) -> str:
    return " or ".join(listed(list(dict.fromkeys(names))).rsplit(" and ", 1))

"""A cell in a word, a fault in a phrase, a time as people say it: shared by the sentences, the picture and the page."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.amounts import milliseconds, percent
from harness.analysis.readings import listed
from harness.sweep.cells import Cell, Effect, Harm, Matrix
from harness.sweep.record import PlannedCell

_STATES = {"outage": "cut", "blackhole": "silent", "reset": "reset", "kill": "killed", "freeze": "frozen"}
NAMED_MAX = 5
AT_ONCE_S = 0.5
"""Who is back sooner is back at once."""
_MENDED = {"kill": "was started again", "freeze": "went on"}


def word(cell: Cell) -> str:
    """What the matrix says of a cell: `unharmed`, `+104 ms`, `62 % ok`, `down`, `2 of 3 down`, `not back`, `?`."""
    worst = cell.worst
    if cell.harm is Harm.UNKNOWN or (worst is None and cell.harm is not Harm.NOT_BACK):
        return "?"
    if cell.as_must_be:
        return "down (entry)"
    if cell.harm is Harm.DOWN:
        down, seen = len(cell.down), len(cell.seen)
        return f"{down} of {seen} down" if 0 < down < seen else "down"
    if cell.harm is Harm.DEGRADED and worst is not None:
        return f"{percent(worst.served, worst.requests)} ok"
    if cell.harm is Harm.SLOWER and worst is not None:
        return f"+{milliseconds(worst.shift_ms)}"
    return cell.harm.value


def state(cell: PlannedCell) -> str:
    """What the fault makes of its link or service: `cut`, `slow by 100 ms`, `killed`; else its own name."""
    if cell.fault == "latency" and cell.delay_ms is not None:
        return f"slow by {cell.delay_ms:g} ms"
    return _STATES.get(cell.fault, f"under {cell.column}")


def while_in(cell: PlannedCell) -> str:
    """`with web-db cut`."""
    return f"with {cell.subject} {state(cell)}"


def mended(cell: PlannedCell) -> str:
    """`db was started again`, `web-db was whole again`."""
    return f"{cell.subject} {_MENDED.get(cell.fault, 'was whole again')}"


def capital(text: str) -> str:
    """With a capital, where a sentence begins with a word of ours."""
    return text[0].upper() + text[1:]


def named(endpoints: Sequence[str]) -> str:
    """`a, b and c`; of many only the first."""
    more = len(endpoints) - NAMED_MAX
    return listed([*endpoints[:NAMED_MAX], *([f"{more} more"] if more > 0 else [])])


def seconds(value_s: float) -> str:
    """`20 s`, `3.4 s`, `3 s`."""
    return f"{value_s:.0f} s" if value_s >= 9.95 else f"{value_s:.1f}".removesuffix(".0") + " s"


def slower(cell: Cell) -> tuple[Effect, ...]:
    """The endpoints that are served later, the latest first; all of them together where none alone can be judged."""
    each = [one for one in cell.judged or (cell.worst,) if one is not None]
    late = [one for one in each if one.shift_ms > 0 and one.harm is not Harm.DOWN]
    return tuple(sorted(late, key=lambda one: (-one.shift_ms, one.endpoint)))


def slower_by(late: Sequence[Effect], of: int = 0) -> str:
    """`GET /reviews takes 104 ms and GET /catalogue 98 ms longer`, or that every one does where `of` are no more.

    Where the median stood it is what the slowest twentieth takes.
    """
    kinds = {_of_most(one) for one in late}
    if len(late) == of > 2 and len(kinds) == 1:
        who = "every endpoint" if kinds == {True} else "the slowest twentieth of every endpoint"
        least, most = milliseconds(late[-1].shift_ms), milliseconds(late[0].shift_ms)
        return f"{who} takes {most} longer" if least == most else f"{who} takes {least} to {most} longer"
    parts = [(one.endpoint if _of_most(one) else f"the slowest twentieth of {one.endpoint}", one) for one in late]
    takes = [f"{who}{'' if index else ' takes'} {milliseconds(one.shift_ms)}" for index, (who, one) in enumerate(parts)]
    return f"{listed(takes)} longer"


def _of_most(one: Effect) -> bool:
    return one.slower_ms is not None and one.shift_ms == one.slower_ms


_DID = {
    Harm.NOT_BACK: "after {count} the stack did not come back",
    Harm.DOWN: "{count} took endpoints down",
    Harm.DEGRADED: "{count} lost requests",
    Harm.SLOWER: "{count} slowed requests",
    Harm.UNHARMED: "{count} went unnoticed",
    Harm.UNKNOWN: "{count} {are} unknown",
}
"""The worst first."""


def headline(matrix: Matrix) -> str:
    """The matrix in one sentence, the worst first: `14 faults: 5 took endpoints down, 3 slowed requests, ...`."""
    entry = sum(cell.as_must_be for cell in matrix.cells)
    parts = []
    for harm, did in _DID.items():
        count = matrix.count(harm) - (entry if harm is Harm.DOWN else 0)
        if count:
            parts.append(did.format(count=count, are="are" if count > 1 else "is"))
    if entry:
        parts.append(f"{entry} stopped the entry itself")
    count = len(matrix.cells)
    return f"{count} fault{'s' * (count != 1)}: {', '.join(parts)}" if parts else "Nothing was broken"


def in_numbers(cell: Cell) -> str:
    """A cell in a sentence with its numbers: what a build shows of it."""
    planned, worst, whole = cell.planned, cell.worst, cell.whole
    begin = f"{planned.column} of {planned.subject}: {cell.harm.value}"
    if cell.harm is Harm.UNKNOWN or worst is None or whole is None:
        return f"{begin}; {cell.reason}." if cell.reason else f"{begin}."
    parts = [f"{percent(whole.served, whole.requests)} of {whole.requests:,} requests were served"]
    if worst.harm in (Harm.DOWN, Harm.DEGRADED) and worst is not whole:
        parts.append(f"{percent(worst.served, worst.requests)} of {worst.endpoint}")
    if late := slower(cell):
        parts.append(slower_by(late, len(cell.seen)))
    if cell.waits_s is not None:
        parts.append(f"no timeout was seen in {cell.waits_s:.0f} s")
    elif cell.gave_up_s is not None:
        parts.append(f"clients gave up after {cell.gave_up_s:.1f} s")
    if cell.harm is Harm.NOT_BACK:
        parts.append(cell.reason)
    elif cell.back_s is not None:
        parts.append("back at once" if cell.back_s < AT_ONCE_S else f"back {seconds(cell.back_s)} after the heal")
    if cell.untold and cell.harm in (Harm.UNHARMED, Harm.SLOWER):
        parts.append(f"too few requests to {named(cell.untold)} to tell")
    return f"{begin}; {'; '.join(parts)}."

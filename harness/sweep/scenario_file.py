"""A bad cell as a scenario file: it fails today, and passes for good once the stack is mended.

One file for each row and kind of fault; of several strengths the one that did most harm, the weaker of two alike. The
file is text for people to keep and to change, laid out as ruff would.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.amounts import percent
from harness.analysis.readings import listed
from harness.checks.parts import percent as ratio_in_words
from harness.checks.parts import samples_needed
from harness.sweep.cells import FAIL_ON, LOST_BAD, SLOWER_BAD_MS, Cell, Effect, Harm, Matrix
from harness.sweep.words import capital, seconds, slower_by, state, while_in

WIDTH = 120
CALM_S, LONGEST_S = 12, 60
"""How long the baseline of the scenario is, and how long it or the window may be to hold requests enough."""
OK_RATIOS = (0.99, 0.95, 0.9)
BACK_WITHIN_S = 10


def scenario_files(matrix: Matrix) -> dict[str, str]:
    """File name to text, a file for each row and kind of fault that has a bad cell, in the order of the matrix."""
    chosen: dict[tuple[str, str, str], Cell] = {}
    columns = matrix.columns
    for cell in sorted(matrix.cells, key=lambda one: columns.index(one.planned.column)):
        key = (cell.planned.kind, cell.planned.subject, cell.planned.fault)
        if cell.bad and (key not in chosen or _rank(cell) > _rank(chosen[key])):
            chosen[key] = cell
    files: dict[str, str] = {}
    for (_, subject, fault), cell in sorted(chosen.items(), key=lambda one: matrix.cells.index(one[1])):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"sweep-{subject}-{fault}")
        while f"{name}.py" in files:
            name += "-again"
        files[f"{name}.py"] = scenario_file(matrix, cell)
    return files


@dataclass(frozen=True, slots=True)
class _Check:
    """A check as code, and what it asks in words."""

    code: str
    asks: str


def scenario_file(matrix: Matrix, cell: Cell) -> str:
    """The text of the scenario that asks whether this cell is mended."""
    planned = cell.planned
    least = min((one.requests_before for one in _targets(cell)), default=0)
    whole = cell.whole.requests_before if cell.whole else 0
    rate_per_s = matrix.load.rate_per_s * (least / whole if whole and least else 1.0)
    needed_s = min(LONGEST_S, math.ceil(1.2 * samples_needed(OK_RATIOS[0]) / rate_per_s))
    start_s, window_s = max(CALM_S, needed_s), max(math.ceil(planned.window_s), needed_s)
    checks = _checks(cell, rate_per_s * min(start_s, window_s), window_s)
    names = sorted({"Load", "Scenario", _class(planned.fault), *(check.code.partition("(")[0] for check in checks)})
    amounts = [f"{name}={value!r}" for name, value in planned.parameters.items() if value not in (0, "", None, False)]
    fault = f"{_class(planned.fault)}({', '.join([_text(planned.subject), *amounts])})"
    hypothesis = f"{capital(while_in(planned))} {listed([check.asks for check in checks])}."
    lines = [
        f'"""{_prose(_question(cell))}',
        "",
        *textwrap.wrap(_prose(f"Found by `harness sweep`: {_found(cell)}"), WIDTH - 4, break_on_hyphens=False),
        '"""',
        "",
        f"from harness import {', '.join([*names, 'during'])}",
        "",
        "scenario = Scenario(",
        *_hypothesis(hypothesis),
        f"    load=Load({_text(matrix.load.locustfile)}, rate_per_s={matrix.load.rate_per_s:g}),",
        f"    faults=during({start_s:g}, {start_s + window_s:g}, {fault}),",
        *_tuple("checks", [check.code for check in checks]),
        ")",
        "",
    ]
    return "\n".join(lines)


def _targets(cell: Cell) -> list[Effect]:
    """Whom the checks ask about: those that are down or wait, else the worst that is bad; all at once where all are."""
    hit = [one for one in cell.judged if one.harm is Harm.DOWN or one.waits_s is not None]
    if cell.whole is not None and len(hit) == len(cell.seen):
        return [cell.whole]
    if hit or cell.worst is None:
        return hit
    return [cell.worst] if cell.worst.bad else [one for one in cell.judged if one.bad] or [cell.worst]


def _checks(cell: Cell, requests: float, window_s: float) -> list[_Check]:
    """Those that this cell would fail, and a mended stack pass."""
    found: list[_Check] = []
    if not (cell.is_entry and cell.during is Harm.DOWN):  # that it serves nothing while it is stopped is no defect
        for one in _targets(cell):
            found += _checks_of(one, requests, window_s)
    if cell.harm is Harm.NOT_BACK or not found:
        found.append(_Check(f"Recovers(within_s={BACK_WITHIN_S})", f"all is well {BACK_WITHIN_S} s after"))
    return found


def _checks_of(one: Effect, requests: float, window_s: float) -> list[_Check]:
    all_of_it = one.endpoint == "all"
    of, argument = ("requests", "") if all_of_it else (one.endpoint, f", endpoint={_text(one.endpoint)}")
    found = []
    ok_now = (one.served + one.ok_too_late) / max(1, one.requests)
    ok_before = one.served_before / max(1, one.requests_before)
    if ok_before - ok_now > LOST_BAD:
        wanted = next((ratio for ratio in OK_RATIOS if samples_needed(ratio) <= requests), OK_RATIOS[-1])
        if ok_before < wanted + 0.005:
            wanted = round((ok_before + ok_now) / 2, 2)
        found.append(
            _Check(f"Availability(ok_ratio_min={wanted:g}{argument})", f"{ratio_in_words(wanted)} of {of} are ok")
        )
    limit = _limit_ms(one, window_s)
    if limit is not None:
        percentile, limit_ms = limit
        found.append(
            _Check(
                f"LatencyBelow({limit_ms:g}, percentile={percentile}{argument})",
                f"{percentile} % of {of} take less than {seconds(limit_ms / 1000)}",
            )
        )
    return found


def _limit_ms(one: Effect, window_s: float) -> tuple[int, float] | None:
    """(percentile, the wait that is too long now and is not in the calm); None where nobody waits too long."""
    before_ms, after_ms = one.p95_before_ms or 0.0, one.p95_ms or 0.0
    if one.waits_s is not None or one.ok_too_late > LOST_BAD * one.requests:
        return 95, _round(min(max(SLOWER_BAD_MS, 3 * before_ms), window_s * 500))
    if one.shift_ms <= SLOWER_BAD_MS:
        return None
    if after_ms - before_ms > SLOWER_BAD_MS / 2:
        return 95, _round((before_ms + after_ms) / 2)
    return 50, _round(((one.p50_before_ms or 0.0) + (one.p50_ms or 0.0)) / 2)


def _round(value: float) -> float:
    """To two digits."""
    return float(f"{value:.2g}")


def _question(cell: Cell) -> str:
    planned, target = cell.planned, _targets(cell)
    if cell.harm is Harm.NOT_BACK:
        return f"Does the stack come back after {planned.subject} was {state(planned)}?"
    if cell.waits_s is not None:
        return f"Does anybody wait for ever {while_in(planned)}?"
    if all(one.harm is Harm.SLOWER for one in target):
        return f"Is nobody kept waiting {while_in(planned)}?"
    names = [one.endpoint for one in target if one.endpoint != "all"]
    named = f"{'Are' if len(names) > 1 else 'Is'} {listed(names)} served {while_in(planned)}?" if names else ""
    return named if 0 < len(named) < WIDTH - 4 else f"Are requests served {while_in(planned)}?"


def _found(cell: Cell) -> str:
    """What the sweep saw."""
    if cell.harm is Harm.NOT_BACK:
        return f"{cell.reason}."
    parts = []
    for one in _targets(cell):
        who = "requests" if one.endpoint == "all" else one.endpoint
        if one.harm in (Harm.DOWN, Harm.DEGRADED):
            parts.append(f"{percent(one.served, one.requests)} of {who} were served")
        elif one.shift_ms > 0:
            parts.append(slower_by([one]))
    if cell.waits_s is not None:
        parts.append(f"no timeout was seen in {cell.waits_s:.0f} s")
    return f"{listed(parts or [cell.harm.value])}."


def _hypothesis(text: str) -> list[str]:
    line = f"    hypothesis={_text(text)},"
    if len(line) <= WIDTH:
        return [line]
    parts = textwrap.wrap(text, WIDTH - 12, drop_whitespace=False, break_on_hyphens=False)
    return ["    hypothesis=(", *(f"        {_text(part)}" for part in parts), "    ),"]


def _tuple(name: str, items: Sequence[str]) -> list[str]:
    comma = "," if len(items) == 1 else ""
    line = f"    {name}=({', '.join(items)}{comma}),"
    if len(line) <= WIDTH:
        return [line]
    return [f"    {name}=(", *(f"        {item}," for item in items), "    ),"]


def _class(fault: str) -> str:
    """`slow close` is SlowClose: plan.kind_of, backwards."""
    return "".join(part.capitalize() for part in fault.split())


def _text(value: str) -> str:
    """The string as code, in the quotes that need fewer escapes."""
    quoted = json.dumps(value, ensure_ascii=False)
    if value.count('"') <= value.count("'"):
        return quoted
    return "'" + quoted[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _prose(text: str) -> str:
    """Text that may stand in a docstring."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', "''")


def _rank(cell: Cell) -> int:
    return FAIL_ON.index(cell.harm) if cell.harm in FAIL_ON else -1

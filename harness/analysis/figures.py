"""The figures of a run, per phase and endpoint. What the report shows and what programs read are this one object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness.analysis.phases import Mask, in_phase
from harness.analysis.quantiles import Numbers, quantiles
from harness.analysis.troubles import Trouble, in_one_line, troubles
from harness.record import Finding, History, Outcome, Verdict, Word, overall
from harness.schema import OUTCOMES

ALL = "all"
"""The row of all endpoints together; `run` is the row of all phases together."""
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles by nearest rank, milliseconds. None where there was no request."""

    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One phase and one endpoint. `rate_per_s` is count by the phase's length; `mean_ms` is of response time.

    Response time counts from the intended start of a request, service time from its real one.
    """

    phase: str
    endpoint: str
    count: int
    ok: int
    fail: int
    unknown: int
    rate_per_s: float
    mean_ms: float | None
    response: Times
    service: Times

    @property
    def ok_ratio(self) -> float | None:
        return self.ok / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report shows."""

    scenario: str
    word: Word | None
    rows: tuple[Row, ...]
    dropped: int
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    nothing_injected: str = ""
    """Why nothing was injected, where the baseline was already bad: the verdicts are of the baseline alone."""
    troubles: tuple[Trouble, ...] = ()
    load_error: str = ""
    """Why the load made no request, where its log says so."""
    warnings: tuple[str, ...] = ()
    """What the run folder no longer holds of what its verdicts were given on."""

    def row(self, phase: str, endpoint: str = ALL) -> Row | None:
        return next((row for row in self.rows if (row.phase, row.endpoint) == (phase, endpoint)), None)

    @property
    def headline(self) -> str:
        """The run in a word or three."""
        if self.nothing_injected:
            return "bad baseline"
        return self.word.value if self.word else "no verdict"

    def not_ok_in_words(self) -> str:
        """One line on what requests met, or on why there was none; empty where there is nothing to tell."""
        if self.load_error:
            return f"the load made no request; its log ends with: {self.load_error}"
        whole = self.row("run")
        return in_one_line(self.troubles, whole.ok, whole.count) if whole else ""

    def to_json(self) -> dict[str, Any]:
        """As `harness report RUN --json` prints it."""
        return asdict(self)


def figures(history: History, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> Figures:
    """All figures of a history. `verdicts` are empty where the run was killed before they were given."""
    names = endpoints(history)
    rows = [row for name, length_s, mask in _phases(history) for row in _rows(history, names, name, length_s, mask)]
    return Figures(
        scenario=history.scenario,
        word=overall(verdicts) if verdicts else None,
        rows=tuple(rows),
        dropped=_dropped(history),
        verdicts=tuple(verdicts),
        findings=tuple(findings),
        nothing_injected=_nothing_injected(history),
        troubles=troubles(history),
    )


def _nothing_injected(history: History) -> str:
    judged = [mark.data for mark in history.marks_of("baseline_judged") if mark.data.get("good") is False]
    return str(judged[-1].get("sentence") or "it failed a check") if judged else ""


def endpoints(history: History) -> list[str]:
    """The endpoints of the run, those with most requests first."""
    column = history.samples["endpoint"].cat
    counts = np.bincount(column.codes.to_numpy(), minlength=len(column.categories))
    order = sorted(range(len(counts)), key=lambda code: (-counts[code], str(column.categories[code])))
    return [str(column.categories[code]) for code in order if counts[code]]


def _phases(history: History) -> list[tuple[str, float, Mask | None]]:
    end_s = max((phase.end_s for phase in history.phases), default=0.0)
    parts: list[tuple[str, float, Mask | None]] = [("run", end_s, None)]
    if len(history.phases) > 1:
        parts += [(one.name, one.length_s, in_phase(history.samples, one, history.phases)) for one in history.phases]
    return parts


def _rows(history: History, names: Sequence[str], phase: str, length_s: float, mask: Mask | None) -> list[Row]:
    samples = history.samples
    response, service = samples["response_ms"].to_numpy(), samples["service_ms"].to_numpy()
    outcomes = samples["outcome"].cat.codes.to_numpy()
    codes = samples["endpoint"].cat.codes.to_numpy()
    if mask is not None:
        response, service, outcomes, codes = response[mask], service[mask], outcomes[mask], codes[mask]
    rows = [_row(phase, ALL, length_s, response, service, outcomes)]
    categories = [str(name) for name in samples["endpoint"].cat.categories]
    for name in names:
        mine = codes == categories.index(name)
        rows.append(_row(phase, name, length_s, response[mine], service[mine], outcomes[mine]))
    return rows


def _row(phase: str, endpoint: str, length_s: float, response: Numbers, service: Numbers, outcomes: Numbers) -> Row:
    count = len(response)
    by_outcome = dict(zip(OUTCOMES, np.bincount(outcomes, minlength=len(OUTCOMES)).tolist(), strict=True))
    return Row(
        phase=phase,
        endpoint=endpoint,
        count=count,
        ok=by_outcome[Outcome.OK.value],
        fail=by_outcome[Outcome.FAIL.value],
        unknown=by_outcome[Outcome.UNKNOWN.value],
        rate_per_s=round(count / length_s, 3) if length_s else 0.0,
        mean_ms=round(float(response.mean(dtype=np.float64)), 3) if count else None,
        response=_times(response),
        service=_times(service),
    )


def _times(values: Numbers) -> Times:
    found = [None if math.isnan(value) else round(value, 3) for value in quantiles(values, QUANTILES)]
    return Times(*found)


def _dropped(history: History) -> int:
    resources = history.resources
    if resources is None:
        return 0
    wanted = (resources["subject"] == "generator") & (resources["metric"] == "dropped") & (resources["at_s"] >= 0)
    return int(resources.loc[wanted, "value"].sum())

"""The page: one HTML file without any other, light and dark, to be read on a screen or printed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.analysis.amounts import milliseconds, percent
from harness.analysis.figures import ALL, Figures, endpoints
from harness.analysis.findings import none_in_words
from harness.analysis.readings import Topology
from harness.checks.trust import TRUST
from harness.record import History, Mark, Scalar
from harness.report.proofs import Proof, points
from harness.report.titles import phases_in_words, times_in_words


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: its title and what kind of picture it is, both for those who cannot see it, and its SVG."""

    name: str
    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """A proof: what was judged, and the charts that show it."""

    proof: Proof
    charts: tuple[Chart, ...]


LOST = "What is left of this run cannot tell what limited it."


def environment() -> Environment:
    """Where the templates of pages are, and how they are filled."""
    made = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"ms": milliseconds, "scalar": _scalar}
    return made


def page(
    manifest: dict[str, Any],
    history: History,
    figures: Figures,
    topology: Topology,
    charts: list[Chart],
    sections: list[Section],
) -> str:
    """The page's HTML. Everything that came from outside is escaped."""
    phases = ["run"] if len(history.phases) < 2 else ["run", *dict.fromkeys(one.name for one in history.phases)]
    return (
        environment()
        .get_template("page.html")
        .render(
            manifest=manifest,
            figures=figures,
            checks=[one for one in figures.verdicts if one.check.partition(":")[0] not in TRUST],
            trusts=[one for one in figures.verdicts if one.check.partition(":")[0] in TRUST],
            charts={chart.name: chart for chart in charts},
            sections=sections,
            points=points,
            tables=_tables(figures, phases, [*endpoints(history), ALL] if not history.samples.empty else []),
            troubles=[(one, phases_in_words(one)) for one in figures.troubles],
            no_finding=LOST if figures.warnings else none_in_words(figures, topology),
            marks=[_mark(mark) for mark in history.marks],
            command=shlex.join(manifest["command"]),
            variables={name: shlex.quote(value) for name, value in manifest.get("variables", {}).items() if value},
            length_s=max((phase.end_s for phase in history.phases), default=0.0),
        )
    )


def _tables(figures: Figures, phases: list[str], names: list[str]) -> list[dict[str, Any]]:
    """A table an endpoint, a row a phase."""
    tables = []
    for name in names:
        rows = []
        before = figures.row("baseline", name)
        for phase in phases:
            row = figures.row(phase, name)
            if row is not None:
                change = times_in_words(row, before) if phase != "run" else ""
                rows.append({"row": row, "ok": percent(row.ok, row.count), "change": change})
        tables.append({"endpoint": "all endpoints" if name == ALL else name, "rows": rows})
    return tables


def _mark(mark: Mark) -> dict[str, str]:
    at = "" if mark.at_s is None else f"{mark.at_s:.3f}"
    said = ", ".join(f"{name} {_scalar(value)}" for name, value in mark.data.items() if value not in ("", None))
    if mark.kind == "heal_report" and not said:
        said = "nothing was out of place"
    return {"at_s": at, "kind": mark.kind.replace("_", " "), "said": said}


def _scalar(value: Scalar) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

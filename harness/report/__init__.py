"""Run folder -> report: one page, its charts, junit.xml, summary.md. From the folder alone, the same bytes again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness import history as histories
from harness import kept
from harness.analysis.figures import Figures, endpoints, figures
from harness.analysis.findings import findings
from harness.analysis.readings import Topology
from harness.analysis.series import series, usage
from harness.errors import RunFolderError
from harness.record import History, Verdict, Word
from harness.report import titles
from harness.report.junit import junit
from harness.report.markdown import summary
from harness.report.page import Chart, Section, page
from harness.report.proofs import proofs
from harness.store import RunFolder, read_json, write_json, write_text


def build(folder: RunFolder) -> Figures:
    """Write all that can be told of a run into its folder. Raises RunFolderError when it is damaged or read-only."""
    manifest = read_json(folder.manifest)
    history = histories.read(folder)
    if missing := [name for name in _NEEDED if name not in manifest]:
        raise RunFolderError(f"{folder.manifest} lacks {', '.join(missing)}; it is damaged or from another version")
    try:
        topology = Topology(dict(history.links), tuple(manifest["services"]), int(manifest["environment"]["cpus"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder.manifest} is damaged or from another version: {error}") from error
    verdicts, before = verdicts_of(folder)
    shown = figures(history, verdicts, findings(history, topology))
    load_error = _last_exception(folder.logs / "load.log") if history.samples.empty else ""
    shown = replace(shown, load_error=load_error, warnings=kept.changes(folder, history, before))
    charts, sections = _charts(folder, history, shown), _sections(folder, history, verdicts)
    write_json(folder.findings, [asdict(finding) for finding in shown.findings])
    write_text(folder.report, page(manifest, history, shown, topology, charts, sections))
    write_text(folder.junit, junit(shown))
    write_text(folder.summary, summary(manifest, history, shown, sections))
    return shown


def make_ready() -> None:
    """Load what draws, which takes a second that a run would otherwise spend at its end."""
    from harness.report.charts import endpoints, look, over_time  # noqa: F401

    look.make_ready()


LOG_END_BYTES = 65_536
_NEEDED = ("hypothesis", "load", "services", "environment", "command", "entry", "stack", "zero_utc", "seed", "versions")
"""What the page tells of the manifest, beside what a history is read by."""


def verdicts_of(folder: RunFolder) -> tuple[tuple[Verdict, ...], kept.Judged]:
    """The verdicts, and what they were given on; both empty for a run that was ended before it was judged."""
    if not folder.verdicts.is_file():
        return (), {}
    body: Any = read_json(folder.verdicts)
    try:
        listed = [
            Verdict(one["check"], Word(one["word"]), one["sentence"], one["evidence"]) for one in body["verdicts"]
        ]
        before = {name: dict(one) for name, one in body.get("judged", {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFolderError(f"{folder.verdicts} is damaged ({error!r}); take it away to see what was run") from error
    return tuple(listed), before


def _last_exception(log: Path) -> str:
    """The last line of a log that names an exception: what a task of the locustfile raised."""
    try:
        lines = log.read_bytes()[-LOG_END_BYTES:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    named = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception)\b", line)]
    return named[-1][:200] if named else ""


_ALT = {
    "requests": "Requests a second by outcome, and the percentiles of response time, over the run",
    "heatmap": "Response times of all requests over the run, as a heatmap",
    "endpoints": "Response time of each endpoint in each phase",
    "usage": "Processor and memory of each service and of the load generator, over the run",
}


def _charts(folder: RunFolder, history: History, shown: Figures) -> list[Chart]:
    """Draw what there is to draw: none without samples."""
    if history.samples.empty or not history.phases:
        return []
    from harness.report.charts import over_time
    from harness.report.charts.endpoints import by_phase

    end_s = max(phase.end_s for phase in history.phases)
    over = series(history)
    phases = list(dict.fromkeys(phase.name for phase in history.phases)) if len(history.phases) > 1 else ["run"]
    names = endpoints(history)
    cpu, memory = (usage(history, metric) for metric in ("cpu_cores", "memory_bytes"))
    says = {
        "requests": titles.requests_title(shown, history),
        "heatmap": titles.heatmap_title(shown),
        "endpoints": titles.endpoints_title(shown, phases, names),
        "usage": titles.usage_title(cpu, end_s),
    }
    figures_by_name = {
        "requests": over_time.requests(over, history.windows, end_s, says["requests"], shown.verdicts),
        "heatmap": over_time.heatmap(over, history.windows, end_s, says["heatmap"]),
        "endpoints": by_phase(shown, phases, names, says["endpoints"]),
    }
    if cpu:
        figures_by_name["usage"] = over_time.usage(cpu, memory, history.windows, end_s, says["usage"])
    return [_saved(folder, name, says[name], _ALT[name], drawn) for name, drawn in figures_by_name.items()]


def _sections(folder: RunFolder, history: History, verdicts: Sequence[Verdict]) -> list[Section]:
    """The proofs, drawn."""
    return [
        Section(proof, tuple(_saved(folder, one.name, one.title, one.alt, one.drawn) for one in proof.pictures))
        for proof in proofs(history, verdicts)
    ]


def _saved(folder: RunFolder, name: str, title: str, alt: str, drawn: Any) -> Chart:
    from harness.report.charts import look

    try:
        folder.charts.mkdir(exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write {folder.charts}: {error.strerror or error}") from error
    return Chart(name, title, alt, look.save(drawn, folder.charts / f"{name}.png"))

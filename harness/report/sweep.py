"""Sweep's folder -> its report: matrix.json, one page with its picture, junit.xml, summary.md, scenarios to keep.

From the folder alone, the same bytes again, as report.build() is for a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness import history as histories
from harness import kept
from harness.errors import RunFolderError
from harness.record import History
from harness.report import verdicts_of
from harness.report.sweep_junit import junit
from harness.report.sweep_page import page, summary
from harness.store import RunFolder, write_json, write_text
from harness.sweep.cells import Matrix
from harness.sweep.matrix import matrix
from harness.sweep.record import Sweep, SweepFolder, find, read
from harness.sweep.scenario_file import scenario_files
from harness.sweep.sentences import sentences
from harness.sweep.words import headline


def build(folder: Path) -> Matrix:
    """Write all that can be told of a sweep into its folder. Raises RunFolderError when it is damaged or read-only."""
    where = find(folder)
    sweep = read(where.sweep)
    warnings: list[str] = []
    shown = replace(matrix(sweep, _runs(where, sweep, warnings)), warnings=tuple(warnings))
    told = sentences(shown)
    files = scenario_files(shown)
    _make(where.charts, *([where.scenarios] if files else []))
    for name, text in files.items():
        write_text(where.scenarios / name, text)
    texts = {"sentences": [{"group": one.group, "text": one.text, "windows": one.windows} for one in told]}
    write_json(where.matrix, shown.to_json() | texts)
    write_text(where.report, page(shown, told, files, _draw(where, shown), where))
    write_text(where.junit, junit(shown))
    write_text(where.summary, summary(shown, told, files))
    return shown


def _runs(where: SweepFolder, sweep: Sweep, warnings: list[str]) -> Iterator[tuple[str, History]]:
    """The history of each run, one at a time; what is not as it was when the run had ended is added to `warnings`.

    A run that ended before it had a manifest left nothing to read.
    """
    for name in sweep.runs:
        run = RunFolder(where.path / name)
        if run.manifest.is_file():
            history = histories.read(run)
            warnings += [f"{name}: {one}" for one in kept.changes(run, history, verdicts_of(run)[1])]
            yield name, history
        elif run.verdicts.is_file() or not run.path.is_dir():
            warnings.append(f"{name}: manifest.json is missing, so nothing of it can be read.")


def _draw(where: SweepFolder, shown: Matrix) -> str:
    """The picture as PNG and as SVG that stands alone; as SVG for the page, it is returned."""
    from harness.report.charts import look
    from harness.report.charts import matrix as chart

    svg = look.save(chart.matrix(shown, headline(shown)), where.charts / "matrix.png")
    write_text(where.charts / "matrix.svg", look.alone(svg))
    return svg


def _make(*folders: Path) -> None:
    for one in folders:
        try:
            one.mkdir(exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"cannot write {one}: {error.strerror or error}") from error

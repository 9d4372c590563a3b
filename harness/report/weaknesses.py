"""The matrix of a target's weaknesses -> `matrix.md` and its picture, `matrix.png`: the same bytes of the same runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.errors import RunFolderError
from harness.report.charts import look
from harness.report.charts import weaknesses as chart
from harness.report.markdown import one_line
from harness.store import write_text
from harness.weaknesses.table import Block, Row, Seen, Table, bound_in_words, headline

PAGE, PICTURE = "matrix.md", "matrix.png"
STRONG = (Seen.CAUGHT, Seen.MISSED, Seen.FALSE_ALARM)
WORDS = """| word | is |
|---|---|
| caught | a check that should see the weakness failed |
| missed | none of them did |
| fails too | a check failed, of which that was not asked |
| – | the check passed |
| ? | unknown: the run could not start, the load generator was limited, or the check could not tell |
| no alarm in 3 | in none of 3 calm runs, of which it knew, the check failed; each that did is a false alarm |
"""


def build(shown: Table, folder: Path, questions: Mapping[str, str], left_out: Mapping[str, str]) -> Path:
    """Write both into a folder; the page's path. Raises RunFolderError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write {folder}: {error.strerror or error}; give another --out") from error
    look.save(chart.weaknesses(shown, headline(shown)), folder / PICTURE)
    write_text(folder / PAGE, page(shown, questions, left_out))
    return folder / PAGE


def page(shown: Table, questions: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """The Markdown. `questions` are those that the scenarios ask."""
    lines = ["# The matrix", "", "*Written by `harness matrix`; it is not to be edited.*", ""]
    lines += [f"**{headline(shown)}** ({shown.stack} stack). {bound_in_words(shown)}".rstrip(), ""]
    lines += [
        f"Each weakness is switched on alone (`{shown.variable}=name`), under each scenario that should see it; a calm "
        "run is a scenario as it stands, its faults included, without any weakness. Every sentence is a check's own.",
        "",
        f"[![{one_line(headline(shown))}]({PICTURE})]({PICTURE})",
        "",
    ]
    for block in shown.blocks:
        lines += [f"## {block.scenario}", "", one_line(questions.get(block.scenario, "")), ""]
        lines += [*_block(block), ""]
    if left_out:
        lines += ["## Left out", ""]
        lines += [f"- `{name}`: {one_line(why)}" for name, why in left_out.items()]
        lines += [""]
    return "\n".join([*lines, "## The words", "", WORDS])


def _block(block: Block) -> list[str]:
    lines = [f"| weakness | {' | '.join(block.kinds)} | what was said |", f"|---|{':-:|' * len(block.kinds)}---|"]
    lines += [_line(row, block.kinds) for row in block.rows]
    if block.calm:
        cells = []
        for kind in block.kinds:
            said = block.alarms_in_words(kind)
            cells.append(f"**{said}**" if block.alarms(kind)[0] else said)
        seen = {one: [row for row in block.calm if row.seen is one] for one in (Seen.FALSE_ALARM, Seen.UNKNOWN)}
        told = [f"{len(rows)} {one}: {one_line(rows[0].why)}" for one, rows in seen.items() if rows]
        lines.append(f"| *calm, {len(block.calm)}* | {' | '.join(cells)} | {'; '.join(told) or Seen.QUIET} |")
    return lines


def _line(row: Row, kinds: tuple[str, ...]) -> str:
    seen = [row.cells.get(kind, Seen.UNKNOWN) for kind in kinds]
    words = {Seen.PASSES: "–", Seen.UNKNOWN: "?"}
    cells = [f"**{one}**" if one in STRONG else words.get(one, str(one)) for one in seen]
    return f"| `{row.trial.weakness}` | {' | '.join(cells)} | {one_line(row.why)} |"

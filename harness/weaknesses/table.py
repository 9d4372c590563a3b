"""Trials and what came of them -> the matrix: caught or missed, false alarms, what is unknown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.record import Word
from harness.weaknesses.plan import Trial
from harness.weaknesses.record import Done, Record

NOT_RUN = "was not run yet"
BOUND = 3.0
"""No alarm in n runs means a rate of at most 3/n, at 95 %."""


class Seen(StrEnum):
    """What a run, or a kind of check in it, made of a weakness; QUIET and FALSE_ALARM are of calm runs."""

    CAUGHT = "caught"
    MISSED = "missed"
    FAILS_TOO = "fails too"
    PASSES = "passes"
    QUIET = "no alarm"
    FALSE_ALARM = "false alarm"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One trial: what was seen of it as a whole and by each kind of check, and the sentence that tells it."""

    trial: Trial
    seen: Seen
    cells: Mapping[str, Seen]
    why: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """The runs of one scenario; `kinds` are those of its checks."""

    scenario: str
    kinds: tuple[str, ...]
    rows: tuple[Row, ...]
    calm: tuple[Row, ...]

    def alarms(self, kind: str) -> tuple[int, int]:
        """(how many of the calm runs a check of this kind failed in, in how many it knew)."""
        cells = [row.cells.get(kind, Seen.UNKNOWN) for row in self.calm]
        return cells.count(Seen.FALSE_ALARM), len(cells) - cells.count(Seen.UNKNOWN)

    def alarms_in_words(self, kind: str) -> str:
        """`no alarm in 3`, `1 alarm in 3`, `?` where no calm run of it is known."""
        alarms, known = self.alarms(kind)
        return f"{alarms or 'no'} alarm{'s' if alarms > 1 else ''} in {known}" if known else "?"


@dataclass(frozen=True, slots=True)
class Table:
    """The matrix; a block a scenario, in the order of the file."""

    blocks: tuple[Block, ...]
    variable: str = ""
    stack: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for block in self.blocks for row in (*block.rows, *block.calm))

    @property
    def weaknesses(self) -> Mapping[str, Seen]:
        """Each weakness: caught where every scenario of it caught it, missed where one missed it, else unknown."""
        found: dict[str, set[Seen]] = {}
        for block in self.blocks:
            for row in block.rows:
                found.setdefault(row.trial.weakness, set()).add(row.seen)
        return {
            name: next(one for one in (Seen.MISSED, Seen.UNKNOWN, Seen.CAUGHT) if one in seen)
            for name, seen in found.items()
        }

    def calm(self, seen: Seen) -> int:
        """In how many of the calm runs this was seen."""
        return sum(row.seen is seen for block in self.blocks for row in block.calm)

    @property
    def is_whole(self) -> bool:
        """Whether every run was made."""
        return all(row.why != NOT_RUN for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0 all caught and no false alarm, 1 a miss or a false alarm, 4 where some are unknown."""
        seen = {row.seen for row in self.rows}
        return 1 if seen & {Seen.MISSED, Seen.FALSE_ALARM} else 4 if Seen.UNKNOWN in seen else 0

    def to_json(self) -> dict[str, Any]:
        """As `harness matrix --json` prints it."""
        runs = [
            {
                "scenario": row.trial.scenario,
                "weakness": row.trial.weakness or None,
                "number": row.trial.number,
                "seen": row.seen,
                "checks": dict(row.cells),
                "why": row.why,
                "folder": row.folder or None,
            }
            for row in self.rows
        ]
        return {"headline": headline(self), "exit_code": self.exit_code, "stack": self.stack, "runs": runs}


def table(
    trials: Sequence[Trial], record: Record, digests: Mapping[str, str], *, variable: str = "", stack: str = ""
) -> Table:
    """The matrix of these trials. What is kept under another digest than a trial has now was not run."""
    rows: dict[str, list[Row]] = {}
    for trial in (*(one for one in trials if not one.is_calm), *(one for one in trials if one.is_calm)):
        rows.setdefault(trial.scenario, []).append(row(trial, current(trial, record, digests)))
    blocks = tuple(
        Block(
            name,
            of_it[0].trial.asked,
            tuple(one for one in of_it if not one.trial.is_calm),
            tuple(one for one in of_it if one.trial.is_calm),
        )
        for name, of_it in rows.items()
    )
    return Table(blocks, variable, stack)


def current(trial: Trial, record: Record, digests: Mapping[str, str]) -> Done | None:
    """What came of a trial as it is now, if anything did."""
    done = record.get(trial.key)
    return done if done is not None and done.digest == digests[trial.key] else None


def row(trial: Trial, done: Done | None) -> Row:
    """What was seen in a run. A run whose words do not count is unknown, never caught."""
    if done is None:
        return Row(trial, Seen.UNKNOWN, {}, NOT_RUN)
    if done.doubt:
        return Row(trial, Seen.UNKNOWN, dict.fromkeys(trial.asked, Seen.UNKNOWN), done.doubt, done.folder)
    words = {kind: {one.word for one in done.said if one.kind == kind} for kind in trial.asked}
    failed = tuple(kind for kind in trial.asked if Word.FAIL in words[kind])
    unsure = tuple(kind for kind in trial.asked if kind not in failed and words[kind] != {Word.PASS})
    if trial.is_calm:
        seen = Seen.FALSE_ALARM if failed else Seen.UNKNOWN if unsure else Seen.QUIET
        telling = failed or unsure
        cells = dict.fromkeys(trial.asked, Seen.PASSES) | dict.fromkeys(failed, Seen.FALSE_ALARM)
    else:
        caught = tuple(kind for kind in trial.expected if kind in failed)
        open_ = tuple(kind for kind in trial.expected if kind in unsure)
        seen = Seen.CAUGHT if caught else Seen.UNKNOWN if open_ else Seen.MISSED
        telling = caught or open_ or trial.expected
        cells = dict.fromkeys(trial.asked, Seen.PASSES) | dict.fromkeys(failed, Seen.FAILS_TOO)
        cells |= dict.fromkeys(caught, Seen.CAUGHT)
        if seen is Seen.MISSED:
            cells |= dict.fromkeys(trial.expected, Seen.MISSED)
    cells |= dict.fromkeys(unsure, Seen.UNKNOWN)
    return Row(trial, seen, cells, _why(done, telling), done.folder)


def _why(done: Done, kinds: Sequence[str]) -> str:
    """The sentence of the first of these kinds that did not pass, else of the first."""
    said = [one for kind in kinds for one in done.said if one.kind == kind]
    wrong = [one for word in (Word.FAIL, Word.UNKNOWN) for one in said if one.word is word]
    if not said and kinds:
        return f"{kinds[0]} was not asked: the stack fails before anything is broken"
    return next((one.sentence for one in (*wrong, *said)), "")


def headline(shown: Table) -> str:
    """The matrix in one sentence: `21 of 22 weaknesses caught, 1 missed; no false alarm in 20 calm runs`."""
    each = list(shown.weaknesses.values())
    parts = [f"{each.count(Seen.CAUGHT)} of {_count(len(each), 'weakness', 'es')} caught"] if each else []
    parts += [f"{each.count(one)} {one}" for one in (Seen.MISSED, Seen.UNKNOWN) if one in each]
    alarms, quiet = shown.calm(Seen.FALSE_ALARM), shown.calm(Seen.QUIET)
    unknown = shown.calm(Seen.UNKNOWN)
    calm = []
    if alarms or quiet:
        said = _count(alarms, "false alarm") if alarms else "no false alarm"
        calm.append(f"{said} in {_count(alarms + quiet, 'calm run')}")
    if unknown:
        calm.append(f"{unknown} unknown" if calm else f"{_count(unknown, 'calm run')} unknown")
    return "; ".join(", ".join(some) for some in (parts, calm) if some) or "nothing to run"


def bound_in_words(shown: Table) -> str:
    """What no false alarm in so many runs is worth; "" where there was one, or where there are too few runs."""
    quiet = shown.calm(Seen.QUIET)
    if shown.calm(Seen.FALSE_ALARM) or quiet <= BOUND:
        return ""
    return f"No false alarm in {quiet} runs means at most {100 * BOUND / quiet:.0f} % of runs, at 95 %."


def _count(count: int, what: str, many: str = "s") -> str:
    return f"{count} {what}{'' if count == 1 else many}"

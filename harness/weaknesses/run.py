"""Runs what of a matrix is not there yet, one run after another, and keeps what came of each at once.

A run on which no check's word stands (the generator was limited, a fault was late), or that could not start, is tried
again. The stack is not its own: `attempt` makes one run of a trial.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.checks.judge import DOUBTS
from harness.ending import BASELINE_BAD
from harness.errors import HarnessError, HealIncomplete, Interrupted, ScenarioError
from harness.interrupts import Interrupts
from harness.job import Result
from harness.model import BaselineCheck, Scenario
from harness.record import Word
from harness.weaknesses import record as records
from harness.weaknesses.plan import Trial
from harness.weaknesses.record import Done, Record, Said
from harness.weaknesses.table import NOT_RUN, Row, Seen, current, row

TRIES = 3
OVERHEAD_S = 10.0
"""What a run takes beyond its clock, until one has told: start, judging, report, end."""
NOT_STARTED = 6

Attempt = Callable[[Trial], Result]


def execute(
    trials: Sequence[Trial],
    scenarios: Mapping[str, Scenario],
    path: Path,
    digest_of: Callable[[Trial], str],
    attempt: Attempt,
    say: Callable[[str], None],
    interrupts: Interrupts,
    *,
    fresh: bool = False,
) -> Record:
    """What is kept at `path` when all is run; what is there is not run again, unless it is asked for `fresh` or is in
    doubt. Raises HarnessError where it must stop: what is done is kept by then.
    """
    digests = {one.key: digest_of(one) for one in trials}
    kept = dict(records.read(path))
    if fresh:
        kept = {key: done for key, done in kept.items() if key not in digests}
        records.write(path, kept)
    todo = [one for one in trials if not is_known(row(one, current(one, kept, digests)))]
    for index, trial in enumerate(todo):
        left = time_in_words(left_s(todo[index:], trials, kept))
        say(f"{len(trials) - len(todo) + index + 1} of {len(trials)}: {trial.name}; {left} left")
        done = _try(trial, scenarios[trial.scenario], digests[trial.key], path.parent, attempt, say, interrupts)
        if digest_of(trial) != digests[trial.key]:
            raise ScenarioError("a scenario or the code changed while it ran, so this run does not count; run it again")
        kept[trial.key] = done
        records.write(path, kept)
        seen = row(trial, done)
        say(f"{seen.seen}: {seen.why}" if seen.why else str(seen.seen))
        if interrupts.number is not None:
            raise Interrupted(interrupts.number)
    return kept


def is_known(seen: Row) -> bool:
    """Whether there is nothing to run again."""
    return seen.why != NOT_RUN and seen.seen is not Seen.UNKNOWN


def left_s(todo: Sequence[Trial], trials: Sequence[Trial], kept: Record) -> float:
    """How long these will take: their clocks, and beyond them what those that are kept took, one with another."""
    beyond = [kept[one.key].took_s - one.seconds for one in trials if one.key in kept and kept[one.key].took_s]
    each = sum(beyond) / len(beyond) if beyond else OVERHEAD_S
    return sum(one.seconds + each for one in todo)


def time_in_words(value_s: float) -> str:
    """`12 min`, `40 s`."""
    return f"{value_s / 60:.0f} min" if value_s >= 90 else f"{value_s:.0f} s"


def _try(
    trial: Trial,
    scenario: Scenario,
    digest: str,
    folder: Path,
    attempt: Attempt,
    say: Callable[[str], None],
    interrupts: Interrupts,
) -> Done:
    for number in range(1, TRIES + 1):
        began_s = time.monotonic()
        try:
            result = attempt(trial)
        except HarnessError as error:
            last = number == TRIES or interrupts.came()
            if error.exit_code != NOT_STARTED or (last and trial.is_calm):  # a sound target that does not start
                raise
            done = Done(trial.key, digest, doubt=f"it did not start: {_first_line(error)}")
        else:
            _stop_at(result)
            done = _done(trial, scenario, digest, folder, result, time.monotonic() - began_s)
        if not done.doubt or interrupts.came():
            break
        if number < TRIES:
            say(f"again, since {done.doubt}")
    return done


def _stop_at(result: Result) -> None:
    """Raises what a matrix must not go on after."""
    if result.ending.still_broken:
        listed = "".join(f"\n    {sentence}" for sentence in result.ending.still_broken)
        raise HealIncomplete(f"healing is incomplete; try `harness heal`, and look at the stack:{listed}")
    if result.ending.signal is not None:
        raise Interrupted(result.ending.signal)
    if result.trouble is not None:
        raise result.trouble


def _done(trial: Trial, scenario: Scenario, digest: str, folder: Path, result: Result, took_s: float) -> Done:
    """The verdicts are in the order of the scenario's checks, and those on trust come after."""
    baseline_bad = result.ending.reason == BASELINE_BAD
    asked = [one for one in scenario.checks if not baseline_bad or isinstance(one, BaselineCheck)]
    said = tuple(
        Said(type(check).__name__, Word(verdict.word), verdict.sentence)
        for check, verdict in zip(asked, result.verdicts, strict=False)
    )
    trusted = result.verdicts[len(asked) :]
    unsure = [one.sentence for one in trusted if one.check in DOUBTS and one.word is not Word.PASS]
    doubt = unsure[0] if unsure and not baseline_bad else ""
    path = result.folder.path
    where = str(path.relative_to(folder.resolve())) if path.is_relative_to(folder.resolve()) else str(path)
    return Done(trial.key, digest, said, doubt, where, round(took_s, 1))


def _first_line(error: HarnessError) -> str:
    return str(error).partition("\n")[0]

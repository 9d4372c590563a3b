"""How a matrix is run, goes on, tries again and stops: with runs that are told how to end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from harness.checks.trust import GENERATOR_HONEST, RUN_COMPLETE
from harness.ending import BASELINE_BAD, COMPLETE, INTERRUPTED, Ending
from harness.errors import HealIncomplete, Interrupted, RunFolderError, ScenarioError, StartError
from harness.interrupts import Interrupts
from harness.job import Result
from harness.record import Verdict
from harness.store import RunFolder
from harness.weaknesses.record import read
from harness.weaknesses.run import execute, left_s
from harness.weaknesses.table import Seen, row
from tests.weaknesses.planted import FAIL, PASS, SCENARIOS, UNKNOWN, planned

LIMITED = Verdict(GENERATOR_HONEST, UNKNOWN, "Generator-limited: late.")
CUT = Verdict(RUN_COMPLETE, UNKNOWN, "The run ended early: the baseline was bad.")


@pytest.fixture
def matrix(tmp_path):
    """Run the matrix of two weaknesses: what each run is told by its name, all else passes."""

    class Matrix:
        trials = planned(tmp_path)
        path = tmp_path / "reports/matrix/embedded.json"
        code, interrupts = "one", Interrupts()

        def __init__(self):
            self.made, self.said, self.told = [], [], {}

        def result(self, trial, *words, ending=None, trusted=(), **more):
            checks = SCENARIOS[trial.scenario].checks
            words = [*words, *([PASS] * (len(checks) - len(words)))] if ending is None else words
            verdicts = [Verdict("x", word, f"x {word}.") for word in words]
            folder = RunFolder((self.path.parent / trial.scenario / "1").resolve())
            return Result("x", folder, ending or Ending(COMPLETE), (*verdicts, *trusted), PASS, 0, None, **more)

        def attempt(self, trial):
            self.made.append(trial.name)
            told = self.told.get(trial.name, [])
            one = told.pop(0) if told else {}
            if isinstance(one, Exception):
                raise one
            return one(trial) if callable(one) else self.result(trial, **one) if isinstance(one, dict) else one

        def run(self, **more):
            of = lambda trial: f"{self.code} {trial.key}"  # noqa: E731
            given = (self.trials, SCENARIOS, self.path, of, self.attempt, self.said.append, self.interrupts)
            return execute(*given, **more)

        def seen(self, name):
            trial = next(one for one in self.trials if one.name == name)
            return row(trial, read(self.path)[trial.key])

    return Matrix()


def test_every_run_is_made_once_and_kept(matrix):
    """In the order of the plan, with which of how many and the time that is left."""
    kept = matrix.run()
    assert matrix.made == [one.name for one in matrix.trials]
    assert kept == read(matrix.path)
    assert {one.folder for one in kept.values()} == {"late/1", "gone/1"}
    assert matrix.said[0] == "1 of 8: calm late 1; 3 min left"
    assert matrix.said[-2].startswith("8 of 8: calm late 3; ")


def test_what_is_there_is_not_run_again(matrix):
    """Unless it is asked for, or the code is another."""
    matrix.run()
    matrix.run()
    assert len(matrix.made) == 8
    matrix.run(fresh=True)
    assert len(matrix.made) == 16
    matrix.code = "two"
    matrix.run()
    assert len(matrix.made) == 24


def test_an_ended_matrix_goes_on_where_it_was(matrix):
    """The run that was cut short is made again, those before it are not; and so after --fresh."""
    matrix.told["fragile in late"] = [{"ending": Ending(INTERRUPTED, signal=2)}] * 2
    for more in ({}, {"fresh": True}):
        matrix.made.clear()
        with pytest.raises(Interrupted):
            matrix.run(**more)
        assert len(matrix.made) == 4
        assert len(read(matrix.path)) == 3
    matrix.run()
    assert matrix.made[3:] == ["fragile in late", *(one.name for one in matrix.trials[3:])]


def test_a_signal_between_two_runs_ends_it(matrix):
    """The run that had ended is kept."""

    def pressed(trial):
        matrix.interrupts.number = 2
        return matrix.result(trial)

    matrix.told["calm gone 1"] = [pressed]
    with pytest.raises(Interrupted):
        matrix.run()
    assert len(read(matrix.path)) == 2


def test_a_limited_generator_is_tried_again_twice_then_unknown(matrix):
    """Never caught, whatever its checks said; and the next matrix tries it again."""
    matrix.told["slow in late"] = [lambda trial: matrix.result(trial, FAIL, trusted=(LIMITED,))] * 3
    matrix.told["fragile in gone"] = [{"trusted": (LIMITED,)}, lambda trial: matrix.result(trial, FAIL)]
    matrix.run()
    made = Counter(matrix.made)
    assert (made["slow in late"], made["fragile in gone"], made["calm late 1"]) == (3, 2, 1)
    assert (matrix.seen("slow in late").seen, matrix.seen("slow in late").why) == (Seen.UNKNOWN, LIMITED.sentence)
    assert matrix.seen("fragile in gone").seen is Seen.CAUGHT
    matrix.run()
    assert Counter(matrix.made)["slow in late"] == 4


def test_a_weakness_that_does_not_start_is_unknown_and_the_rest_goes_on(matrix):
    """After two more tries."""
    matrix.told["slow in late"] = [StartError("api ended with 1:\n  a log")] * 3
    matrix.run()
    assert Counter(matrix.made)["slow in late"] == 3
    assert matrix.seen("slow in late").why == "it did not start: api ended with 1:"
    assert matrix.seen("fragile in late").seen is Seen.MISSED


@pytest.mark.parametrize(
    ("name", "told", "error", "made"),
    [
        ("calm late 1", [StartError("no toxiproxy")] * 3, StartError, 3),
        ("slow in late", [{"ending": Ending("x", still_broken=("api is paused",))}], HealIncomplete, 3),
        ("slow in late", [{"trouble": RunFolderError("disk full")}], RunFolderError, 3),
        ("slow in late", [RunFolderError("disk full")], RunFolderError, 3),
    ],
)
def test_it_stops_at_what_the_next_run_would_meet_too(matrix, name, told, error, made):
    """A sound target that does not start, a stack that is not whole, a full disk; what was done is kept."""
    matrix.told[name] = told
    with pytest.raises(error):
        matrix.run()
    assert len(matrix.made) == made
    assert len(read(matrix.path) if matrix.path.exists() else {}) == (0 if name == "calm late 1" else 2)


def test_a_bad_baseline_is_not_tried_again(matrix):
    """A check that failed in it has caught; one that makes no sense there is not known to have missed."""
    bad = Ending(BASELINE_BAD)
    matrix.told["slow in late"] = [lambda trial: matrix.result(trial, FAIL, PASS, PASS, ending=bad, trusted=(CUT,))]
    matrix.told["fragile in gone"] = [lambda trial: matrix.result(trial, PASS, ending=bad, trusted=(CUT,))]
    matrix.told["calm late 2"] = [lambda trial: matrix.result(trial, FAIL, PASS, PASS, ending=bad, trusted=(CUT,))]
    matrix.run()
    assert len(matrix.made) == 8
    assert matrix.seen("slow in late").seen is Seen.CAUGHT
    assert matrix.seen("fragile in gone").seen is Seen.UNKNOWN
    assert matrix.seen("calm late 2").seen is Seen.FALSE_ALARM


def test_code_that_changes_under_a_run_makes_it_count_for_nothing(matrix):
    """Neither for what was, nor for what is."""

    def edited(trial):
        matrix.code = "two"
        return matrix.result(trial)

    matrix.told["calm gone 1"] = [edited]
    with pytest.raises(ScenarioError, match="changed while it ran"):
        matrix.run()
    assert [one.digest for one in read(matrix.path).values()] == ["one calm late 1"]


def test_the_time_left_learns_from_the_runs_that_were_made(matrix):
    """Clocks, and beyond them what runs take one with another."""
    trials = matrix.trials
    clocks = sum(one.seconds for one in trials)
    assert left_s(trials, trials, {}) == clocks + 8 * 10
    kept = {key: replace(one, took_s=15.0) for key, one in matrix.run().items() if key == trials[0].key}
    assert left_s(trials, trials, kept) == pytest.approx(clocks + 8 * (15 - trials[0].seconds))

"""Amplification: retries multiply load while a link fails, and must stop when it no longer does."""

from __future__ import annotations

import random

import pytest

from harness import Amplification
from harness.record import Word
from tests.attempts import BUSY, LINK, OK, attempts, calls, operations
from tests.builders import history, steady, window

WINDOWS = [window("busy", 10, 20, LINK)]


def _history(rows, windows=WINDOWS):
    return history(steady(20, 0, 40), windows, end_s=40, attempts=attempts(rows))


def _in_window(rows, before=20, after=20):
    return [*calls(before, 0, 10), *rows, *calls(after, 20.5, 40)]


SOUND = _in_window(operations(200, (BUSY, OK), (0.05,), every_s=0.05))
STORM = [*calls(20, 0, 10), *operations(600, (BUSY,) * 3, (0.05, 0.1), every_s=0.05)]
NEVER_ENDING = [*SOUND, *operations(20, (BUSY,) * 300, (0.08,) * 299, start_s=19, every_s=0.01)]


def test_bounded_retries_that_end_with_the_fault_pass():
    """Two attempts an operation in the window, one before and after."""
    verdict = Amplification(LINK, ratio_max=2).check(_history(SOUND))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.sentence == (
        "Each operation on api-payments took 2.00 attempts in busy, at most 2 wanted; 20.0 attempts a second at "
        "the end of the run, 20.0 before the faults."
    )
    assert verdict.evidence["busy: expected"] == 1.5


@pytest.mark.parametrize(
    ("rows", "ratio_max", "says"),
    [
        (SOUND, 1.5, "Each operation on api-payments took 2.00 attempts in busy, at most 1.5 wanted."),
        (STORM, 2, "Each operation on api-payments took 3.00 attempts in busy, at most 2 wanted. Also wrong: after."),
        (
            STORM,
            3,
            "A retry storm on api-payments outlasts its fault: 3.00 attempts an operation, 60.0 attempts a second",
        ),
        (NEVER_ENDING, 50, "A retry storm on api-payments outlasts its fault: "),
    ],
)
def test_a_storm_is_named(rows, ratio_max, says):
    """In the window, after it, and where old operations go on for ever though new ones succeed."""
    verdict = Amplification(LINK, ratio_max=ratio_max).check(_history(rows))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert verdict.sentence.startswith(says)


def _anonymous(tries, until_s=20.0):
    """Requests of one kind without key, trace or body, 20 a second, each tried so many times until then."""
    more = {"key": "", "request_hash": 0, "method": "GET", "path": "/feed"}
    rows = [row for n in range(tries) for row in calls(20, 10 + n * 0.01, until_s + n * 0.01, BUSY, **more)]
    return [*calls(20, 0, 10, **more), *rows, *calls(20, until_s + 0.5, 40, **more)]


def test_a_storm_of_what_cannot_be_told_apart_is_named():
    """By the load, after the fault too."""
    verdict = Amplification(LINK, ratio_max=3).check(_history(_anonymous(3, until_s=39.5)))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert "outlasts its fault: 2.85 times" in verdict.sentence


@pytest.mark.parametrize(("tries", "word"), [(1, Word.PASS), (2, Word.PASS), (3, Word.FAIL)])
def test_where_attempts_cannot_be_told_apart_the_load_is_the_measure(tries, word):
    """A stranger's stack, which sends neither keys nor traces, gets its amplification all the same."""
    verdict = Amplification(LINK, ratio_max=2).check(_history(_anonymous(tries)))
    assert verdict.word is word, verdict.sentence
    assert f"{tries:.2f} times the baseline's attempts on api-payments in busy" in verdict.sentence


@pytest.mark.parametrize(
    ("rows", "windows", "says"),
    [
        (_in_window(operations(5)), WINDOWS, "only 5 operations crossed api-payments in busy, and 20 are needed"),
        ([], WINDOWS, "no attempt was seen on api-payments"),
        (SOUND, [window("busy", 10, 38, LINK)], "too little was seen before and after the faults"),
    ],
)
def test_too_little_is_unknown(rows, windows, says):
    """Never a pass on what was not seen."""
    verdict = Amplification(LINK, ratio_max=3).check(_history(rows or calls(1, 0, 1, link="other"), windows))
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert says.lower() in verdict.sentence.lower()


def test_with_neither_operations_nor_load_nothing_is_known():
    """A link that no request of the load is known to need, and whose attempts cannot be told apart."""
    built = history([], WINDOWS, end_s=40, attempts=attempts(_anonymous(2)))
    verdict = Amplification(LINK, ratio_max=2).check(built)
    assert verdict.word is Word.UNKNOWN
    assert "cannot be told apart" in verdict.sentence


def test_chance_is_no_storm():
    """Every other request asks a service, at random, 10 a second: in 39 of 40 runs or more none is seen."""
    words = []
    for seed in range(40):
        rng = random.Random(seed)
        rows = [row for row in _anonymous(1) if rng.random() < 0.5]
        words.append(Amplification(LINK, ratio_max=3).check(_history(rows)).word)
    assert words.count(Word.FAIL) <= 1


def test_a_retry_now_and_then_is_no_storm():
    """Three of some twenty operations at the end were tried again: that is chance, and no load that stays."""
    rows = _in_window(operations(200, (BUSY, OK), (0.05,), every_s=0.05), before=4, after=2)
    more = operations(3, (BUSY, OK), (0.05,), start_s=35)
    verdict = Amplification(LINK, ratio_max=2).check(_history([*rows, *more]))
    assert verdict.word is Word.PASS, verdict.sentence


def test_in_calm_there_is_one_attempt_an_operation():
    """A run without faults is judged as a whole, and passes."""
    assert Amplification(LINK, ratio_max=1).check(_history(calls(20, 0, 40), [])).word is Word.PASS


def test_less_than_one_attempt_an_operation_is_refused():
    """There is no such thing."""
    with pytest.raises(ValueError, match="1 or more"):
        Amplification(LINK, ratio_max=0.2)

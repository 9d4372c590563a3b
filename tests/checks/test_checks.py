"""Checks on hand-built histories: each passes, fails and does not know, where it should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import Availability, GoodputAbove, LatencyBelow, Recovers
from harness.checks.judge import judge, judge_baseline
from harness.record import CUT_OFF, Mark, Word
from tests.builders import failing, generator_readings, history, ok, steady, unknown, window

SLOW = [window("slow", 10, 20, "api-postgres")]


def _run(during, windows=SLOW, end_s=40.0, **more):
    return history(steady(50, 0, 9.9) + during + steady(50, 20.1, end_s), windows, end_s=end_s, **more)


@pytest.mark.parametrize(
    ("check", "during", "word"),
    [
        (Availability(ok_ratio_min=0.99), steady(50, 10, 19.9), Word.PASS),
        (Availability(ok_ratio_min=0.99), failing(steady(50, 10, 11)) + steady(50, 11, 19.9), Word.FAIL),
        (Availability(ok_ratio_min=0.99), steady(5, 10, 19.9), Word.UNKNOWN),
        (Availability(ok_ratio_min=0.9), [unknown(10 + i / 50, 50) for i in range(400)], Word.FAIL),
        (Availability(ok_ratio_min=0.99, phase="baseline"), failing(steady(50, 10, 19)), Word.PASS),
        (LatencyBelow(100), steady(50, 10, 19.9, took_ms=99), Word.PASS),
        (LatencyBelow(100), steady(50, 10, 19.9, took_ms=101), Word.FAIL),
        (LatencyBelow(100, percentile=99.9), steady(50, 10, 19.9, took_ms=50), Word.UNKNOWN),
        (LatencyBelow(100, phase="recovery"), steady(50, 10, 19.9, took_ms=101), Word.PASS),
        (GoodputAbove(40), steady(50, 10, 19.9), Word.PASS),
        (GoodputAbove(60), steady(50, 10, 19.9), Word.FAIL),
        (GoodputAbove(1), [], Word.UNKNOWN),
        (Recovers(within_s=5), failing(steady(50, 10, 20)), Word.PASS),
    ],
)
def test_each_check_has_its_word(check, during, word):
    """Pass, fail or unknown, as the history was built to be."""
    verdict = check.check(_run(during))
    assert verdict.word is word, verdict.sentence


def test_a_request_counts_from_its_intended_start():
    """A stack that stalls cannot hide what it kept from being sent."""
    late = [ok(10 + i / 50, took_ms=900, late_ms=890) for i in range(400)]
    assert LatencyBelow(100).check(_run(late)).word is Word.FAIL


def test_the_worst_window_speaks():
    """A sentence names the phase that is furthest from its bound, with its number."""
    windows = [window("a", 10, 14), window("b", 15, 19)]
    during = steady(50, 10, 13.9, took_ms=150) + steady(50, 15, 18.9, took_ms=300)
    verdict = LatencyBelow(100).check(_run(during, windows))
    assert "was 300 ms in b" in verdict.sentence
    assert verdict.evidence["a: value_ms"] == 150


def test_not_recovered_fails_and_not_seen_is_unknown():
    """A run that ends too soon says nothing of the stack."""
    down = history(steady(50, 0, 10) + failing(steady(50, 10, 40)), SLOW, end_s=40)
    assert Recovers(within_s=5).check(down).word is Word.FAIL
    short = history(steady(50, 0, 10) + failing(steady(50, 10, 25)), SLOW, end_s=25)
    assert Recovers(within_s=5).check(short).word is Word.UNKNOWN


def test_a_check_that_crashes_knows_nothing():
    """Its verdict is unknown, and says how it crashed."""

    class Crashing:
        def check(self, history):
            raise ZeroDivisionError("by nothing")

    (verdict, *_) = judge(_run(steady(50, 10, 19.9)), [Crashing()])
    assert verdict.word is Word.UNKNOWN
    assert "by nothing" in verdict.sentence


def test_a_name_that_the_run_does_not_have_is_unknown_with_the_nearest():
    """A check of an endpoint that was never called cannot pass."""
    (verdict, *_) = judge(_run(steady(50, 10, 19.9)), [Availability(ok_ratio_min=0.9, endpoint="GET /x")])
    assert verdict.word is Word.UNKNOWN
    assert "unknown endpoint" in verdict.sentence


def test_the_baseline_is_judged_by_what_makes_sense_there():
    """Availability and latency are asked of the baseline, recovery is not."""
    built = history(failing(steady(50, 0, 9)), (), end_s=9)
    verdicts = judge_baseline(built, [Availability(ok_ratio_min=0.9), LatencyBelow(100), Recovers(within_s=5)])
    assert [verdict.check for verdict in verdicts] == ["Availability", "Latency", "Run complete"]
    assert [verdict.word for verdict in verdicts[:2]] == [Word.FAIL, Word.PASS]


# ------------------------------------------------------------------------------------------------------------- trust


def _trust(built, name):
    verdicts = judge(built, [Availability(ok_ratio_min=0.9, phase="baseline")])
    return next(one for one in verdicts if one.check.startswith(name)), verdicts[0]


def _link(values):
    return [(at, "api-postgres", "received_bytes", value) for at, value in values]


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        ({"dropped": 3}, "3 arrivals found every user busy"),
        ({"cpu_cores": 0.97}, "used 0.97 of its one core"),
    ],
)
def test_a_generator_that_could_not_keep_up_makes_every_word_unknown(readings, says):
    """An untrustworthy generator says so, and no verdict stands."""
    resources = generator_readings(40, **readings)
    honest, first = _trust(_run(steady(50, 10, 19.9), resources=resources), "Generator honest")
    assert honest.word is Word.UNKNOWN
    assert says in honest.sentence
    assert first.word is Word.UNKNOWN
    assert first.sentence.startswith("Generator-limited")


def test_arrivals_that_start_late_limit_the_generator():
    """Lag is read from the samples themselves."""
    late = [ok(i / 50, took_ms=60, late_ms=50) for i in range(2000)]
    honest, _ = _trust(history(late, end_s=40), "Generator honest")
    assert "started late by 50.0 ms" in honest.sentence


def test_a_generator_that_was_not_heard_is_not_believed():
    """No evidence is no pass."""
    honest, first = _trust(_run(steady(50, 10, 19.9), heard=False), "Generator honest")
    assert "not heard" in honest.sentence
    assert first.word is Word.UNKNOWN


def test_lag_in_one_window_is_not_thinned_out_by_a_long_calm():
    """Arrivals that are late through a whole window are seen, however long the rest is."""
    late = [ok(10 + i / 50, took_ms=60, late_ms=50) for i in range(495)]
    built = history(steady(50, 0, 9.9) + late + steady(50, 21, 2000), SLOW, end_s=2000)
    honest, _ = _trust(built, "Generator honest")
    assert "started late by 50.0 ms" in honest.sentence


def test_a_fault_that_came_late_is_no_evidence():
    """Its window is not what was planned, so no verdict stands on it."""
    late = [Mark("injected", 10.0, {"window": "slow", "late_ms": 3788.0}), Mark("end", 40.0, {"reason": "complete"})]
    on_time, first = _trust(_run(steady(50, 10, 19.9), marks=late), "Faults on time")
    assert "slow by 3,788 ms" in on_time.sentence
    assert first.word is Word.UNKNOWN


def test_what_was_cut_off_is_not_taken_for_fast():
    """A request without an answer at the run's end took at least so long: a limit beyond that is not known to hold."""
    hung = [replace(unknown(38 + i / 50, 500), error=f"TimeoutError: {CUT_OFF}") for i in range(90)]
    built = _run(steady(50, 10, 19.9) + hung)
    assert LatencyBelow(1000, percentile=95, phase="recovery").check(built).word is Word.UNKNOWN
    assert LatencyBelow(400, percentile=95, phase="recovery").check(built).word is Word.FAIL


def test_too_little_goodput_cannot_recover():
    """Where the level to reach would be nothing, nothing is said."""
    sparse = history(steady(1, 0, 10) + failing(steady(1, 10, 40)), SLOW, end_s=40)
    assert Recovers(within_s=5).check(sparse).word is Word.UNKNOWN


def test_an_honest_generator_passes_in_silence():
    """A calm run does not cry wolf."""
    honest, first = _trust(_run(steady(50, 10, 19.9), resources=generator_readings(40)), "Generator honest")
    assert honest.word is Word.PASS
    assert first.word is Word.PASS


@pytest.mark.parametrize(
    ("values", "cuts", "word"),
    [
        ([(9, 0), (10.5, 100), (19, 900)], False, Word.PASS),
        ([(9, 0), (9.5, 900), (10.5, 900), (19, 900)], False, Word.UNKNOWN),  # all of it before the window
        ([(6, 0), (9, 900), (12, 900), (19, 900)], True, Word.PASS),  # a closed link: what was before counts
        ([(1, 0), (4, 900), (6, 900), (9, 900)], True, Word.UNKNOWN),  # but not what was long before
        ([], False, Word.UNKNOWN),
    ],
)
def test_a_fault_is_felt_when_traffic_crossed_its_link(values, cuts, word):
    """By evidence from outside the target; else unknown."""
    windows = [window("w", 10, 20, "api-postgres", cuts=cuts)]
    felt, _ = _trust(_run(steady(50, 10, 19.9), windows, resources=_link(values)), "Fault felt")
    assert felt.word is word, felt.sentence


def test_a_cut_within_a_cut_is_felt_by_the_traffic_before_the_first():
    """Overlapping closed windows share the evidence from before the link was closed."""
    windows = [window("a", 10, 20, "api-postgres", cuts=True), window("b", 15, 25, "api-postgres", cuts=True)]
    built = _run(steady(50, 10, 19.9), windows, resources=_link([(6, 0), (9, 900), (12, 900), (24, 900)]))
    assert [one.word for one in judge(built, []) if one.check.startswith("Fault felt")] == [Word.PASS, Word.PASS]


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ([], "has no end"),
        ([Mark("end", 12.0, {"reason": "postgres died at 12.0 s"})], "postgres died at 12.0 s"),
        ([Mark("end", 12.0, {"reason": "interrupted"})], "it was interrupted"),
    ],
)
def test_a_run_that_was_cut_short_has_no_other_word(marks, says):
    """No check's word stands on half a run."""
    complete, first = _trust(_run(steady(50, 10, 19.9), marks=marks), "Run complete")
    assert says in complete.sentence
    assert first.word is Word.UNKNOWN


def test_a_thin_phase_is_told():
    """Twenty requests in each phase, or nothing is said of it."""
    enough, _ = _trust(_run(steady(1, 10, 19.9)), "Enough samples")
    assert enough.word is Word.UNKNOWN
    assert "slow" in enough.sentence

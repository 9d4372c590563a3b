"""Retries, on hand-built attempts: each weakness is convicted by its own sentence, and a sound client by none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Retries
from harness.record import Word
from tests.attempts import BUSY, INVALID, LIMITED, LINK, OK, attempts, calls, operation, operations
from tests.builders import history, steady, window

WINDOWS = [window("busy", 10, 20, LINK)]
POLICY = Retries(LINK, attempts=3, backoff_factor_min=2, jitter=True)


def _history(rows, windows=WINDOWS, end_s=40.0):
    return history(steady(50, 0, end_s), windows, end_s=end_s, attempts=attempts(rows))


def _full(seed=1, base_s=0.2, tries=3, factor=2.0):
    """Gaps with full jitter, drawn for each operation."""
    rng = np.random.default_rng(seed)
    return lambda _: base_s * factor ** np.arange(tries - 1) * rng.uniform(0, 1, tries - 1)


def _sound(count=80, **more):
    return [*calls(20, 0, 10), *operations(count, (BUSY,) * 3, _full(), **more), *calls(20, 21, 40)]


def _keys_anew(rows):
    return [
        replace(row, key=f"{row.key}/{n}", trace=row.key) if row.status != 200 else row for n, row in enumerate(rows)
    ]


def _bodies_anew(rows):
    return [replace(row, request_hash=10**6 + n) if row.status != 200 else row for n, row in enumerate(rows)]


def _after(answer, then, count=5, gaps=(0.1,), **more):
    """A sound history, and some operations that were tried again after that answer."""
    return [*_sound(), *operations(count, (answer, *then), gaps, start_s=12.03, **more)]


def _wait_asked(rows, asked_s):
    return [replace(row, retry_after_s=asked_s) if row.status == 429 else row for row in rows]


def test_a_sound_client_passes_every_point():
    """Exactly three attempts, gaps that double with full jitter, nothing else amiss; and the sentence shows it."""
    verdict = POLICY.check(_history(_sound()))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.sentence.startswith("80 operations on api-payments had an attempt that failed, and made at most 3; ")
    assert "over 80 operations" in verdict.sentence
    assert "full (nothing to whole)" in verdict.sentence


@pytest.mark.parametrize(
    "rows",
    [
        _after(INVALID, (), gaps=()),
        _after(OK, (), gaps=()),
        _after(BUSY, (OK,)),
        _wait_asked(_after(LIMITED, (OK,), gaps=(1.01,)), 1.0),
        _after(BUSY, (BUSY, INVALID), gaps=(0.1, 0.2)),
    ],
)
def test_what_a_sound_client_may_do_convicts_it_of_nothing(rows):
    """A 422 that ends it, a success on the second try, a wait as long as was asked."""
    verdict = POLICY.check(_history(rows))
    assert verdict.word is Word.PASS, verdict.sentence


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            operations(120, (BUSY,), (), every_s=0.05),
            "120 of 120 operations on api-payments gave up after 1 attempt, exactly 3 wanted",
        ),
        (
            [*_sound(73), *operations(7, (BUSY,) * 4, _full(tries=4), start_s=12.03)],
            "7 of 80 operations on api-payments made 4 attempts, exactly 3 wanted",
        ),
        (
            [*operations(5, (BUSY,) * 90, (0.1,) * 89), *operations(5, (BUSY,) * 80, (0.1,) * 79, start_s=11.03)],
            "10 of 10 operations on api-payments made 80 to 90 attempts, exactly 3 wanted",
        ),
        (
            operations(80, gaps=(0.2, 0.2)),
            "The gaps do not grow: factor 1.00 (1.00 to 1.00) over 80 operations on api-payments, 2 wanted",
        ),
        (operations(80, gaps=_full(factor=1)), "The gaps do not grow: factor 0.9"),
        (operations(80, gaps=(0.4, 0.6)), "The gaps grow too little: factor 1.5"),
        (operations(80, gaps=(0.0005, 0.001)), "There is no backoff: retries came after 1.0 ms over 80 operations"),
        (operations(80, gaps=(0.2, 0.4)), "The gaps have no jitter: four fifths of them span 0 % of their mean"),
        (_after(OK, (OK,), 3), "Attempts went on after a success in 3 operations on api-payments"),
        (_after(BUSY, (OK, OK), 3, (0.1, 0.2)), "Attempts went on after a success in 3 operations on api-payments"),
        (_after(INVALID, (INVALID,)), "5 operations on api-payments tried again after a 422"),
        (
            _keys_anew(_sound(12)),
            "Key changed between attempts in 12 of 12 operations on api-payments that were tried again",
        ),
        (
            _bodies_anew(_sound(12)),
            "Target or body changed between attempts in 12 of 12 operations on api-payments that were tried again",
        ),
        (
            _wait_asked(_after(LIMITED, (OK,), 3), 2.0),
            "3 retries on api-payments came before the Retry-After of 2 s was over",
        ),
    ],
)
def test_each_weakness_is_named_with_its_numbers(rows, says):
    """The first thing that is wrong makes the sentence."""
    verdict = POLICY.check(_history(rows))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert verdict.sentence.startswith(says)


def test_jitter_that_is_not_wanted_is_told():
    """Some promise a fixed pace."""
    verdict = Retries(LINK, jitter=False).check(_history(_sound()))
    assert (verdict.word, verdict.sentence[:47]) == (Word.FAIL, "The gaps are jittered, full (nothing to whole),")
    assert Retries(LINK, jitter=False).check(_history(operations(80))).word is Word.PASS


def test_a_budget_counts_retries_against_operations():
    """Two retries of each of 80 operations, while 200 more needed none."""
    rows = [*_sound(), *calls(20, 10, 20)]
    assert Retries(LINK, budget_ratio_max=0.6).check(_history(rows)).word is Word.PASS
    verdict = Retries(LINK, budget_ratio_max=0.2).check(_history(rows))
    says = "Retries were 57.14 % of 280 operations on api-payments, at most 20 % wanted."
    assert (verdict.word, verdict.sentence) == (Word.FAIL, says)


@pytest.mark.parametrize(
    ("check", "rows", "says"),
    [
        (POLICY, calls(20, 0, 40), "Only 0 of 200 operations on api-payments had an attempt that failed"),
        (
            Retries(LINK, backoff_factor_min=2),
            [*operations(4), *operations(9, (BUSY, BUSY), (0.1,), start_s=12.03)],
            "cannot be told from 4 operations of three attempts; without jitter it takes 5",
        ),
        (POLICY, _sound(4), "Only 4 of 4 operations on api-payments had an attempt that failed"),
        (
            Retries(LINK),
            operations(80, (BUSY, OK), (0.1,)),
            "so where the attempts stop was not put to the test; 5 must",
        ),
        (
            Retries(LINK, backoff_factor_min=2),
            _sound(20),
            "Whether the gaps on api-payments grow cannot be told from 20 operations of three attempts; with full "
            "jitter it takes 40",
        ),
        (Retries(LINK, backoff_factor_min=2), operations(80, (BUSY, BUSY), (0.1,)), "made three attempts"),
        (
            Retries(LINK, attempts_max=4, backoff_factor_min=2),
            operations(80, (BUSY,) * 4, (0.1, 0.2, 0.3)),
            "factor 1.73 (1.73 to 1.73) with the last of them, which may be at a cap, 1.99 without",
        ),
        (
            Retries(LINK, attempts_max=None, jitter=True),
            operations(80, (BUSY, OK), (0.1,)),
            "are jittered cannot be told",
        ),
    ],
)
def test_too_little_to_tell_is_unknown_with_what_it_would_take(check, rows, says):
    """Never a pass on what was not put to the test."""
    verdict = check.check(_history(rows))
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert says in verdict.sentence


def test_a_link_without_a_tap_is_unknown_and_says_how_to_tap_it():
    """Whether nobody watched, or nothing came."""
    for built in (history(steady(50, 0, 40), WINDOWS, end_s=40), _history(calls(5, 0, 9, link="other"))):
        verdict = Retries(LINK).check(built)
        assert verdict.word is Word.UNKNOWN
        assert "give it one with `tap: http`" in verdict.sentence


def test_names_that_the_run_does_not_have_are_unknown_with_the_nearest():
    """A link, and a call on it."""
    linked = replace(_history(_sound()), links={LINK: ("api", "payments")})
    assert "Unknown link 'api-payment'" in Retries("api-payment").check(linked).sentence
    verdict = Retries(LINK, calls="POST /charge").check(linked)
    assert verdict.word is Word.UNKNOWN
    assert "Unknown calls 'POST /charge'" in verdict.sentence


def test_one_kind_of_call_is_judged_alone():
    """Another path on the link may have another policy."""
    rows = [*_sound(), *operations(20, (BUSY,), (), start_s=12, path="/refunds")]
    assert POLICY.check(_history(rows)).word is Word.FAIL
    verdict = replace(POLICY, calls="/charges").check(_history(rows))
    assert (verdict.word, "(/charges)" in verdict.sentence) == (Word.PASS, True)


def test_other_phases_do_not_count():
    """A client that is wrong in the recovery only is sound in the faults."""
    rows = [*_sound(), *operations(20, (BUSY,) * 5, (0.1,) * 4, start_s=30)]
    assert Retries(LINK).check(_history(rows)).word is Word.PASS
    assert Retries(LINK, phase="recovery").check(_history(rows)).word is Word.FAIL


def test_an_operation_that_the_end_of_the_run_cut_off_did_not_give_up():
    """Its next attempt may have been yet to come."""
    rows = [*_sound(), *operations(5, (BUSY,), (), start_s=39.5, every_s=0.01)]
    assert replace(POLICY, phase="run").check(_history(rows)).word is Word.PASS


def _polled(tries=30):
    """One client that asks for one thing again and again, with neither key nor trace."""
    return operation("", 10.1, (BUSY,) * tries, (0.1, 0.2, 2.0) * (tries // 3), method="GET", path="/feed")


def test_a_guess_convicts_nobody():
    """Thirty attempts that may be ten operations are unknown, and say what to send; with a gap said they pass."""
    verdict = Retries(LINK).check(_history([*_polled()], end_s=60))
    assert verdict.word is Word.UNKNOWN
    assert "send an X-Request-ID" in verdict.sentence
    said = Retries(LINK, gap_max_s=1, attempts=3, backoff_factor_min=2)
    assert said.check(_history(_polled(), end_s=60)).word is Word.PASS
    assert replace(said, attempts=2).check(_history(_polled(), end_s=60)).word is Word.FAIL


def test_one_that_is_not_sure_among_many_that_are_does_not_convict():
    """A few of a path with its item in it, under one trace, may be several calls."""
    few = operation("", 12, (BUSY,) * 9, (0.01,) * 8, trace="t", method="GET", path="/items/{}")
    verdict = POLICY.check(_history([*_sound(), *few]))
    assert verdict.word is Word.UNKNOWN
    assert "made 9 attempts, exactly 3 wanted, if these were one operation each" in verdict.sentence
    assert verdict.evidence["backoff: operations"] == 80


def test_the_evidence_keeps_each_point():
    """Its word, its clause and its numbers."""
    evidence = POLICY.check(_history(operations(80, gaps=(0.2, 0.2)))).evidence
    assert evidence["backoff"].startswith("fail: the gaps do not grow")
    assert evidence["backoff: factor"] == pytest.approx(1.0)
    assert evidence["jitter"].startswith("fail:")
    assert evidence["same key and body"].startswith("pass:")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(60, 120))
def test_a_sound_client_is_never_convicted(seed, count):
    """Whatever its jitter draws."""
    rows = operations(count, (BUSY,) * 3, _full(seed))
    verdict = Retries(LINK, attempts=3, jitter=True).check(_history(rows))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict == Retries(LINK, attempts=3, jitter=True).check(_history(rows))


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"attempts_max": 0}, "whole number"),
        ({"attempts": 2.5}, "whole number"),
        ({"backoff_factor_min": 1}, "more than 1"),
        ({"budget_ratio_max": 20}, "write 0.2 for 20 %"),
        ({"gap_max_s": -1}, "more than 0"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(given_, says):
    """Where it is made."""
    with pytest.raises(ValueError, match=says):
        Retries(LINK, **given_)


def test_a_policy_in_words():
    """As the plan and the report say it."""
    asked = "exactly 3 attempts, none after a success or a 4xx, gaps grow by 2, with jitter"
    assert str(POLICY) == f"retries on api-payments: {asked} (faults)"

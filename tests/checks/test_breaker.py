"""A breaker's six points, on calls whose breaker is known: each weakness by its own sentence, the sound by none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Breaker
from harness.record import Word
from tests.attempts import BUSY, HUNG, LINK, OK, REFUSED, attempt, calls
from tests.breakers import END_S, FAULT, RATE, RESET_S, load, seen, simulated, sound
from tests.builders import failing, history, ok, steady, window

WANTED = Breaker(LINK, opens_within_s=2, threshold=5, reset_s=RESET_S)
SLOW_OK = ("ok", 200, 2.0)
POINTS = ("opens", "fast while open", "probes", "closes", "opens anew", "calm")


def _no_breaker(answer=HUNG, rate_per_s=RATE):
    return [*calls(rate_per_s, 0, 10), *calls(rate_per_s, *FAULT, answer), *calls(rate_per_s, 30, 60)]


def _opened_in_calm():
    return [row for row in sound() if not 3 <= row.started_s < 8.1]


def _opened_again(at_s=45.0):
    return [row for row in sound() if not at_s <= row.started_s < at_s + RESET_S]


def test_a_sound_breaker_passes_in_six_sentences():
    """And the evidence keeps each."""
    verdict = WANTED.check(seen(sound()))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.sentence == (
        "The breaker on api-payments opened 0.6 s after payments slow began, after 5 failed calls; p99 was 12 ms while "
        "it was open, at most 250 ms wanted; it let 1 probe through at once, 5.0 s after it opened at the soonest; it "
        "closed 2.1 s after the fault, and goodput was back; each of 3 failing probes opened it anew; it never opened "
        "in calm."
    )
    assert [str(verdict.evidence[name])[:5] for name in POINTS] == ["pass:"] * 6


@pytest.mark.parametrize(
    ("rows", "check"),
    [
        (sound(rate_per_s=4), WANTED),
        (sound(at_once=10), replace(WANTED, probes_max=10)),
        (sound(answer=SLOW_OK), replace(WANTED, probes_max=3, opens_within_s=3)),
        (sound(opens_s=11.9), replace(WANTED, threshold=None)),
        (sound(), Breaker(LINK, opens_within_s=1)),
    ],
)
def test_other_sound_breakers_pass_too(rows, check):
    """Few calls, ten permitted probes, calls that are slow and not failed, another threshold, nothing said of it."""
    verdict = check.check(seen(rows))
    assert verdict.word is not Word.FAIL, verdict.sentence


@pytest.mark.parametrize(
    ("rows", "point", "says"),
    [
        (
            _no_breaker(),
            "opens",
            "The breaker never opened: 800 calls reached api-payments in payments slow, 800 of them failed or slow",
        ),
        (_no_breaker(SLOW_OK), "opens", "The breaker never opened: 800 calls reached api-payments"),
        (
            sound(opens_s=15.0),
            "opens",
            "The breaker on api-payments opened 5.0 s after payments slow began, within 2 s wanted",
        ),
        (
            sound(opens_s=11.5),
            "opens",
            "40 calls on api-payments had failed before its breaker opened, at most 5 wanted",
        ),
        (sound(at_once=20), "probes", "It let 20 probes through to api-payments at once, at most 1 wanted"),
        (sound(reset_s=1.0), "probes", "It probed api-payments again 1.0 s after it had opened, 5 s wanted"),
        (
            sound(closes=False),
            "closes",
            "The breaker never closed again: 0 calls reached api-payments in the 30 s after the fault; within 6.0 s",
        ),
        (
            sound(after_probe=[n / 10 for n in range(1, 5)]),
            "opens anew",
            "A failing probe did not open it anew: 4 more calls followed on api-payments",
        ),
        (_opened_in_calm(), "calm", "The breaker on api-payments opened in calm, at 3.0 s"),
        (_opened_again(), "calm", "The breaker on api-payments opened in calm, at 45.0 s"),
    ],
)
def test_each_weakness_is_named_with_its_numbers(rows, point, says):
    """The point that is wrong makes the sentence."""
    verdict = WANTED.check(seen(rows))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert verdict.sentence.startswith(says)
    assert [name for name in POINTS if str(verdict.evidence[name]).startswith("fail:")] == [point]


@pytest.mark.parametrize(
    ("answer", "word"), [(("unknown", 0, 0.1), "pass:"), (BUSY, "unknown:")], ids=["a tight timeout", "as fast as ever"]
)
def test_a_call_that_fails_later_than_a_good_one_is_enough_to_be_fast_without(answer, word):
    """A timeout need not be many times what the calm takes; failing as soon as an answer comes proves nothing."""
    verdict = WANTED.check(seen(sound(answer=answer, opens_s=FAULT[0] + 0.22)))
    assert str(verdict.evidence["fast while open"]).startswith(word), verdict.evidence


def test_one_that_closes_late_is_told():
    """Calls flow again eleven seconds after the fault."""
    rows = [row for row in sound() if row.started_s < 30 or row.started_s >= 41]
    verdict = WANTED.check(seen(rows))
    assert verdict.word is Word.FAIL
    assert verdict.sentence.startswith(
        "The breaker closed 11.0 s after the fault, within 6.0 s wanted (reset time 5.0 s)"
    )


def test_requests_that_wait_while_it_is_open_are_told():
    """A breaker that holds its lock makes everyone wait."""
    verdict = WANTED.check(seen(sound(), load(slow_ms=400)))
    assert (verdict.word, verdict.sentence) == (
        Word.FAIL,
        "P99 was 400 ms while it was open, at most 250 ms wanted.",
    )


def test_goodput_that_is_not_back_is_told():
    """To call again is not to be well again."""
    samples = [*steady(RATE, 0, 30), *failing(steady(RATE, 30, 60))]
    verdict = WANTED.check(seen(sound(), samples))
    assert verdict.word is Word.FAIL
    assert "the breaker closed 2.1 s after the fault, but goodput was not back" in verdict.evidence["closes"]


@pytest.mark.parametrize(
    ("rows", "check", "says"),
    [
        (
            _no_breaker(REFUSED),
            WANTED,
            "refused connections while the fault was in, which is as fast without a breaker",
        ),
        (sound(answer=REFUSED, opens_s=10.14), WANTED, "refused connections while the fault was in"),
        (_no_breaker(), replace(WANTED, threshold=1000), "800 of them failed or slow: 1000 are needed"),
        (_no_breaker(OK), WANTED, "0 of them failed or slow: 20 are needed for it to have a reason"),
        (_no_breaker(rate_per_s=2), WANTED, "2.0 calls a second crossed api-payments in calm: too few"),
        (
            [*_no_breaker(OK), *calls(3, *FAULT, HUNG)],
            WANTED,
            "but only some failed: 860 calls reached api-payments in payments slow, 60 of them failed or slow",
        ),
        (
            sound(answer=BUSY, opens_s=10.14),
            WANTED,
            "Calls on api-payments fail after 20 ms, so that no request is faster",
        ),
        (sound(reset_s=25.0), Breaker(LINK, opens_within_s=2), "no probe was seen that took long"),
    ],
)
def test_what_proves_nothing_is_unknown_with_its_reason(rows, check, says):
    """Never a pass, and never a fail, on a fault that a breaker need not have seen."""
    verdict = check.check(seen(rows))
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert says in verdict.sentence


def test_a_success_in_between_begins_the_count_anew():
    """A breaker counts failures in a row."""
    mixed = [*calls(20, 10, 10.4, HUNG), *calls(RATE, 10.01, 11), *calls(RATE, 11, 11.62, HUNG)]
    after = [row for row in sound(opens_s=11.62) if not 10 <= row.started_s < 11.62]
    verdict = WANTED.check(seen([*mixed, *after]))
    assert verdict.evidence["opens: failed_calls"] == 5
    assert verdict.word is Word.PASS, verdict.sentence


def test_few_calls_do_not_tell_that_it_never_opens_in_calm():
    """A silence would be no surprise."""
    point = WANTED.check(seen(_no_breaker(rate_per_s=2))).evidence["calm"]
    assert point == "unknown: too few calls cross api-payments to see whether it opens in calm"


def test_a_client_that_calls_in_bursts_has_no_breaker_to_be_seen():
    """Thirty calls each four seconds, whatever becomes of them: a pause between is no open state, in calm or not."""
    bursts = [row for at_s in range(0, 60, 4) for row in calls(100, at_s, at_s + 0.3, HUNG if 10 <= at_s < 30 else OK)]
    for windows in (None, []):
        verdict = Breaker(LINK, opens_within_s=2).check(seen(bursts, windows=windows))
        assert verdict.word is Word.UNKNOWN, verdict.sentence
        assert "silences in calm after calls that were all good" in str(verdict.evidence["calm"])
        assert ("calls come in bursts" in verdict.sentence) is (windows is None)


def test_few_requests_do_not_tell_how_fast_it_is():
    """A 99th percentile takes a hundred."""
    verdict = WANTED.check(seen(sound(), load(rate_per_s=4)))
    assert verdict.word is Word.UNKNOWN
    assert verdict.sentence.startswith("Only 80 requests came while it was open, and 100 are needed")


def test_a_fault_elsewhere_asks_nothing_of_it():
    """But that it stays closed."""
    elsewhere = [window("database slow", *FAULT, "api-postgres")]
    verdict = WANTED.check(seen(calls(RATE, 0, 60), windows=elsewhere))
    assert verdict.word is Word.UNKNOWN
    assert verdict.sentence.startswith("No fault struck api-payments")
    assert verdict.evidence["calm"] == "pass: it never opened in calm"
    assert WANTED.check(seen(_opened_in_calm(), windows=elsewhere)).word is Word.FAIL


def test_a_fault_on_the_service_strikes_its_link():
    """A frozen payments provider is one for the breaker on the link to it."""
    frozen = [window("payments frozen", *FAULT, service="payments")]
    built = replace(seen(sound(), windows=frozen), links={LINK: ("api", "payments")})
    assert WANTED.check(built).word is Word.PASS


def test_too_short_a_run_does_not_know_whether_it_closes():
    """Nor does one without a tap know anything."""
    built = history(load(), [window("payments slow", 10, 57, LINK)], end_s=END_S)
    assert "give it one with `tap: http`" in WANTED.check(built).sentence
    rows = [*calls(RATE, 0, 10), *calls(RATE, 10, 10.62, HUNG)]
    short = seen(rows, windows=[window("payments slow", 10, 57, LINK)])
    assert WANTED.check(short).evidence["closes"] == (
        "unknown: the run went on for 3.0 s after the fault, too little to see the breaker close; 6 s are needed"
    )
    assert WANTED.recovery_needed_s == 16


def test_other_calls_of_the_link_do_not_hide_it():
    """A health check each half second goes past the breaker; `calls` leaves it out."""
    health = [attempt(n / 20, OK, method="GET", path="/healthz", key="") for n in range(1200)]
    assert WANTED.check(seen([*sound(), *health])).word is not Word.PASS
    assert replace(WANTED, calls="POST /charges").check(seen([*sound(), *health])).word is Word.PASS


def test_the_endpoint_that_is_asked_is_the_one_that_waits():
    """Other endpoints are fast whatever the breaker does."""
    rest = [ok(n / 100, 5, endpoint="GET /catalogue") for n in range(6000)]
    slow = [replace(one, endpoint="POST /checkout") for one in load(slow_ms=400)]
    built = seen(sound(), [*slow, *rest])
    assert replace(WANTED, endpoint="GET /catalogue").check(built).word is Word.PASS
    assert replace(WANTED, endpoint="POST /checkout").check(built).word is Word.FAIL


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(20, 100), st.floats(2, 8))
def test_a_sound_breaker_under_load_at_random_is_never_convicted(seed, rate_per_s, reset_s):
    """Whatever the arrivals, the rate and the reset time: it is sound, and that is told."""
    verdict = replace(WANTED, reset_s=reset_s).check(seen(*simulated(seed, rate_per_s, reset_s=reset_s)))
    assert verdict.word is Word.PASS, verdict.sentence


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.floats(30, 100))
@pytest.mark.parametrize(
    ("weakness", "says"),
    [
        ({"threshold": 0}, "The breaker never opened"),
        ({"threshold": 60}, "calls on api-payments had failed before its breaker opened, at most 5 wanted"),
        ({"probes": 20}, "probes through to api-payments at once, at most 1 wanted"),
        ({"reset_s": 1.5}, "after it had opened, 5 s wanted"),
        ({"closes": False}, "The breaker never closed again"),
    ],
)
def test_a_weak_breaker_under_load_at_random_is_always_convicted(weakness, says, seed, rate_per_s):
    """By the same sentence, whatever the arrivals."""
    verdict = replace(WANTED, opens_within_s=5).check(seen(*simulated(seed, rate_per_s, **weakness)))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert says in verdict.sentence


@pytest.mark.parametrize("given_", [{"threshold": 0}, {"probes_max": 1.5}, {"reset_s": -1}, {"opens_within_s": 0}])
def test_a_breaker_that_makes_no_sense_is_refused(given_):
    """Where it is made."""
    with pytest.raises(ValueError, match="given"):
        replace(WANTED, **given_)

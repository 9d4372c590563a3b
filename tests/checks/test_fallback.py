"""Fallback: proved only where the link failed, and by what users got."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import Fallback
from harness.record import Word
from tests.attempts import BUSY, HUNG, LINK, OK, calls
from tests.breakers import FAULT, RATE, load, seen, sound
from tests.builders import failing, steady, window

CHECK = Fallback("GET /", link=LINK, ok_ratio_min=0.99, within_ms=600)


def _called(answer):
    return [*calls(RATE, 0, 10), *calls(RATE, *FAULT, answer), *calls(RATE, 30, 60)]


@pytest.mark.parametrize("rows", [sound(), _called(BUSY), _called(HUNG), [*calls(RATE, 0, 10), *calls(RATE, 31, 60)]])
def test_what_is_served_while_the_link_fails_is_a_fallback(rows):
    """Whether its attempts fail, hang, or are not made at all."""
    verdict = CHECK.check(seen(rows))
    assert verdict.word is Word.PASS, verdict.sentence
    assert (
        "100 % of 800 requests of GET / were ok in time in payments slow, while 0 of 800 attempts" in verdict.sentence
    )


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        ([*steady(RATE, 0, 10), *failing(steady(RATE, *FAULT)), *steady(RATE, 30, 60)], "0 % of 800 requests"),
        (load(slow_ms=700), "0 % of 8"),
        (
            [*steady(RATE, 0, 10), *failing(steady(RATE, 10, 11)), *steady(RATE, 11, 60)],
            "95 % of 800 requests of GET / were ok in time in payments slow",
        ),
    ],
)
def test_what_fails_or_comes_late_is_none(samples, says):
    """Both count against it."""
    verdict = CHECK.check(seen(sound(), samples))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert verdict.sentence.startswith(says)
    assert verdict.sentence.endswith("; at least 99 % within 600 ms wanted.")


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (seen(_called(OK)), "The link api-payments did not fail in payments slow: 800 of 800 attempts due were good"),
        (seen(sound(), windows=[window("w", *FAULT, "other")]), "No fault struck api-payments"),
        (
            seen([*calls(RATE, 31, 60)]),
            "Only 0 attempts on api-payments were due in payments slow, and 0 came, so GET / is not known to need it",
        ),
        (replace(seen(sound()), attempts=None), "No link of this run had a tap"),
        (
            seen(sound(), [*steady(RATE, 0, 10), *steady(1, *FAULT), *steady(RATE, 30, 60)]),
            "Only 20 requests were seen",
        ),
    ],
)
def test_where_nothing_had_to_fall_back_it_is_unknown(built, says):
    """A link that answers proves no fallback, nor does one that nobody watched."""
    verdict = CHECK.check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert verdict.sentence.startswith(says)


def test_a_share_or_a_time_that_makes_no_sense_is_refused():
    """Where it is made."""
    with pytest.raises(ValueError, match=r"write 0\.99"):
        replace(CHECK, ok_ratio_min=99)
    with pytest.raises(ValueError, match="more than 0"):
        replace(CHECK, within_ms=0)

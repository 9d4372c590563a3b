"""A fault on HTTP is felt by the requests that met it, not by what crossed its link."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import HttpStatus, Latency, Load, Recovers, Scenario, during
from harness.checks.trust import fault_felt
from harness.plan import plan
from harness.record import Word
from tests.attempts import BUSY, LINK, OK, attempt, attempts
from tests.builders import history, link_readings, steady, window

CROSSING = link_readings(steady(20, 0, 15), LINK, {"GET /": 1.0}, end_s=15)
DOWN = replace(window("down", 5, 10, LINK), http=True)


def _word(rows, one=DOWN):
    built = history(steady(20, 0, 15), [one], CROSSING, end_s=15, attempts=attempts(rows))
    return fault_felt(built, one).word


def test_the_plan_says_which_faults_strike_requests():
    """So that a report needs no code of the fault."""
    faults = during(1, 2, HttpStatus(LINK), Latency(LINK, delay_ms=1))
    one = Scenario(hypothesis="h", load=Load("a.py", users=1), faults=faults, checks=(Recovers(within_s=1),))
    assert [planned.http for planned in plan("one", one).windows] == [True, False]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (attempt(6, BUSY, injected="status api-payments"), Word.PASS),
        (attempt(4.99, BUSY, injected="hang api-payments"), Word.PASS),
        (attempt(6, OK), Word.UNKNOWN),
        (attempt(11, BUSY, injected="status api-payments"), Word.UNKNOWN),
        (attempt(6, BUSY, injected="status api-shipping", link="api-shipping"), Word.UNKNOWN),
    ],
    ids=["met it", "was under way", "another path", "after it", "another link"],
)
def test_only_a_request_that_met_it_has_felt_it(row, word):
    """Traffic that the rule let by did not, though it crossed the link."""
    assert _word([row]) is word


def test_without_attempts_nothing_is_known_of_it():
    """A tap that recorded nothing proves nothing; a fault of Toxiproxy's is felt by what crosses all the same."""
    built = history(steady(20, 0, 15), [DOWN], CROSSING, end_s=15)
    assert fault_felt(built, DOWN).word is Word.UNKNOWN
    assert _word([attempt(6, OK)], replace(DOWN, http=False)) is Word.PASS


def test_each_of_several_faults_says_what_met_it():
    """Two on one link are told apart by their names."""
    built = replace(
        history(steady(20, 0, 15), [DOWN], CROSSING, end_s=15), attempts=attempts([attempt(6, BUSY, injected="x")])
    )
    assert fault_felt(built, DOWN).sentence == f"1 request on {DOWN.link} met {DOWN.name}."

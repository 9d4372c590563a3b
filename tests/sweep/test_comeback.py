"""How long after a heal goodput was back, on hand-built answers: 20 a second in the calm, healed at 100 s."""

from __future__ import annotations

import numpy as np
import pytest

from harness.sweep.comeback import WATCHED_S_MAX, Comeback, comeback

RATE, HEAL_S = 20.0, 100.0


def _answers(*spans: tuple[float, float]) -> np.ndarray:
    """Times of good answers, `RATE` a second, in each (from, to) after the heal."""
    return np.concatenate([np.arange(HEAL_S + a, HEAL_S + b, 1 / RATE) for a, b in spans])


@pytest.mark.parametrize(
    ("answers", "watched_s", "back_s"),
    [
        ([(-5, 0.9)], 0.9, 0.0),
        ([(-5, 2)], 2.0, 0.0),
        ([(3, 10)], 8.0, 3.0),
        ([(-5, 2), (6, 10)], 10.0, 6.0),
        ([(-5, 0.3)], 0.3, None),
        ([(-5, 0)], 5.0, None),
    ],
    ids=["a short calm", "a long one", "after 3 s", "only for a while at first", "too short to tell", "never"],
)
def test_it_is_back_when_it_stays_good_up_to_the_next_window(answers, watched_s, back_s):
    """Also in a calm of less than a second, which is how long a sweep waits where all is well at once."""
    found = comeback(_answers(*answers), RATE, HEAL_S, HEAL_S + watched_s)
    assert found.back_s == (None if back_s is None else pytest.approx(back_s, abs=0.15))


def test_what_is_not_back_in_all_the_time_that_is_given_is_gone():
    """And what was watched for less may still come."""
    nothing = _answers((-5, 0))
    assert comeback(nothing, RATE, HEAL_S, HEAL_S + WATCHED_S_MAX) == Comeback(None, WATCHED_S_MAX, gone=True)
    assert not comeback(nothing, RATE, HEAL_S, HEAL_S + WATCHED_S_MAX / 2).gone

"""The bounds on noise: known intervals, and sweeps in which nothing was broken."""

from __future__ import annotations

import numpy as np
import pytest

from harness.sweep.cells import Harm
from harness.sweep.noise import loss, median_within, wilson, wobble
from tests.sweep.planted import Behaviour, link, planted, refused, slower, some


def test_the_score_interval_is_the_known_one():
    """Against values of the literature, at 1.96 standard errors; none of few is not none of all."""
    low, high = wilson(81, 263, 1.96)
    assert (low, high) == (pytest.approx(0.2553, abs=1e-3), pytest.approx(0.3662, abs=1e-3))
    assert wilson(0, 20)[0] == 0
    assert wilson(0, 20)[1] > 0.4
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_loss_of_few_is_not_sure():
    """Three of twenty lost is no loss to be sure of; thirty of two hundred is."""
    assert loss(60, 60, 17, 20).low < 0
    assert loss(600, 600, 170, 200).low > 0


def test_the_interval_of_a_median_holds_it():
    """By ranks, in every one of five hundred draws; without a bound for few."""
    random = np.random.default_rng(1)
    for _ in range(500):
        low, high = median_within(random.exponential(1.0, 60))
        assert low <= np.log(2) <= high
    assert median_within(np.arange(5.0)) == (-np.inf, np.inf)


def test_what_moves_by_itself_is_measured():
    """A median that drifts over the calm is known to wobble, one that does not is not."""
    at_s = np.linspace(0, 10, 200)
    assert wobble(at_s, 10 + at_s) == pytest.approx(4.0, abs=0.2)
    assert wobble(at_s, np.full(200, 10.0)) == 0.0


def _walk(seed: int) -> list[float]:
    """Response times that wander by a seventh, each second near the one before."""
    random, walk = np.random.default_rng(seed), [0.0]
    for step in random.normal(0, 0.15 * np.sqrt(1 - 0.9**2), 200):
        walk.append(0.9 * walk[-1] + step)
    return walk


WORLDS = {
    "even": {},
    "heavy tails": {"sigma": 0.8},
    "one in fifty fails": {"fails": lambda _at_s: 0.02},
    "few requests": {"rate_per_s": 12.0},
    "a second in which half fail": {"fails": lambda at_s: 0.5 * (0.5 < at_s % 29 < 0.7)},
}


@pytest.mark.parametrize("world", [*WORLDS, "wandering"])
def test_where_nothing_is_broken_nothing_is_found(world):
    """99 of 100 windows and more are not harmed, whatever the calm is like; so an alarm is one. Of a stack that wanders
    some are unknown."""
    found = []
    for seed in range(20):
        walk = _walk(seed)
        more = (
            {"drift": lambda at_s, walk=walk: float(np.exp(walk[int(at_s)]))} if world == "wandering" else WORLDS[world]
        )
        plants = [link("web-db", f"nothing {index}", window_s=5.0) for index in range(10)]
        found += [cell.harm for cell in planted(plants, seed=seed, between_s=3.0, **more).matrix.cells]
    assert len(found) == 200
    unknown = found.count(Harm.UNKNOWN)
    assert found.count(Harm.UNHARMED) + unknown >= 198
    assert unknown <= (4 if world == "wandering" else 0)


@pytest.mark.parametrize(
    ("behaviour", "harm"),
    [
        (slower(20), Harm.SLOWER),
        (some(0.25, slower(500)), Harm.SLOWER),
        (some(0.15, refused()), Harm.DEGRADED),
        (some(0.97, refused()), Harm.DOWN),
    ],
)
def test_what_is_broken_is_found(behaviour: Behaviour, harm: Harm):
    """Bounds that never cry wolf would be easy; these see each of these harms, in 30 windows of 30."""
    for seed in range(3):
        plants = [link("web-db", f"broken {index}", {"*": behaviour}, window_s=5.0) for index in range(10)]
        assert {cell.harm for cell in planted(plants, seed=seed).matrix.cells} == {harm}

"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

from contextlib import suppress

import pytest

from target.api.breaker import Breaker, BreakerOpen, State
from target.retry import Refused, Unavailable


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Guarded:
    """A breaker, and calls through it that end as the test says."""

    def __init__(self, *weakness: str) -> None:
        self.clock = Clock()
        self.breaker = Breaker("payments", frozenset(weakness), clock=self.clock)

    def call(self, *, ok: bool) -> bool:
        """Whether the call was made."""
        try:
            with self.breaker.guard():
                if not ok:
                    raise Unavailable("away")
        except BreakerOpen:
            return False
        except Unavailable:
            pass
        return True

    def opened(self) -> Guarded:
        for _ in range(5):
            self.call(ok=False)
        assert self.breaker.state is State.OPEN
        return self


@pytest.mark.parametrize(
    ("calls", "opens"),
    [
        ("ffff", False),
        ("fffff", True),
        ("okokokokokf", False),
        ("ffffsssss", False),
        ("sssssfffff", True),
        ("ssssssssssfffff", True),
        ("fffssssssff", False),
        ("fsfsfsfsf", True),
    ],
)
def test_it_opens_when_half_of_the_last_calls_failed_and_five_at_least(calls: str, opens: bool):
    """Of the last ten."""
    guarded = Guarded()
    made = [guarded.call(ok=one != "f") for one in calls]
    assert all(made)
    assert (guarded.breaker.state is State.OPEN) is opens


def test_old_failures_are_forgotten():
    """What failed more than ten seconds ago says nothing of now."""
    guarded = Guarded()
    for _ in range(4):
        guarded.call(ok=False)
    guarded.clock.now_s += 10.1
    guarded.call(ok=False)
    assert guarded.breaker.state is State.CLOSED


def test_while_it_is_open_no_call_is_made():
    """Until its time is over."""
    guarded = Guarded().opened()
    guarded.clock.now_s += 2.9
    assert not guarded.breaker.lets_through
    assert not guarded.call(ok=True)
    guarded.clock.now_s += 0.1
    assert guarded.breaker.lets_through
    assert guarded.call(ok=True)
    assert guarded.breaker.state is State.CLOSED


def test_of_all_who_wait_one_is_the_probe():
    """The others are turned away while it is under way; its failure opens the breaker for another three seconds."""
    guarded = Guarded().opened()
    guarded.clock.now_s += 3
    with suppress(Unavailable), guarded.breaker.guard():
        assert guarded.breaker.state is State.HALF_OPEN
        assert [guarded.call(ok=True) for _ in range(20)] == [False] * 20
        raise Unavailable("away")
    assert guarded.breaker.state is State.OPEN
    guarded.clock.now_s += 2.9
    assert not guarded.call(ok=True)


def test_a_probe_that_is_called_off_leaves_the_breaker_open():
    """It has shown nothing; the next probe comes after the usual time."""
    guarded = Guarded().opened()
    guarded.clock.now_s += 3
    with pytest.raises(KeyboardInterrupt), guarded.breaker.guard():
        raise KeyboardInterrupt
    assert guarded.breaker.state is State.OPEN
    guarded.clock.now_s += 3
    assert guarded.call(ok=True)
    assert guarded.breaker.state is State.CLOSED


def test_calls_from_before_it_opened_do_not_change_it():
    """Neither a late success closes it, nor a late failure counts against the probe."""
    guarded = Guarded()
    with guarded.breaker.guard():
        guarded.opened()
    assert guarded.breaker.state is State.OPEN
    guarded.clock.now_s += 3
    with guarded.breaker.guard():
        pass
    assert guarded.breaker.state is State.CLOSED


def test_a_refusal_is_an_answer():
    """Whoever says no is well."""
    guarded = Guarded()
    for _ in range(20):
        with pytest.raises(Refused), guarded.breaker.guard():
            raise Refused("status 402")
    assert guarded.breaker.state is State.CLOSED


def test_without_a_breaker_every_call_is_made():
    """The planted weakness no-breaker."""
    guarded = Guarded("no-breaker")
    assert [guarded.call(ok=False) for _ in range(30)] == [True] * 30


def test_a_breaker_that_never_closes_makes_only_probes():
    """The planted weakness breaker-never-closes."""
    guarded = Guarded("breaker-never-closes").opened()
    guarded.clock.now_s += 3
    assert [guarded.call(ok=True) for _ in range(3)] == [True, False, False]


def test_many_probes_are_made_at_once():
    """The planted weakness breaker-many-probes."""
    guarded = Guarded("breaker-many-probes").opened()
    guarded.clock.now_s += 3
    with guarded.breaker.guard(), guarded.breaker.guard(), guarded.breaker.guard():
        assert guarded.breaker.state is State.HALF_OPEN
    assert guarded.breaker.state is State.CLOSED

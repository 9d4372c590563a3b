"""An outbox that drains: what was put off is done in time after the last fault, and something had been put off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import OutboxDrains
from harness.record import Account, Word
from tests.ledgers import END_S, FAULT, read

CHECK = OutboxDrains("api", "/outbox", "waiting", within_s=10)
HEALED_S = FAULT[1]


def _read(waiting, *, until_s=END_S, windows=None, every_s=0.5):
    """`waiting` says how many wait at a time."""
    times = [n * every_s for n in range(int(until_s / every_s) + 1)]
    accounts = [Account(at_s, "api", "/outbox", 200, {"waiting": waiting(at_s), "oldest_s": 1.5}) for at_s in times]
    return read(accounts, windows=windows)


def _grows_until(zero_s, least=0):
    """By two a second while the fault is in, and all of it is done at `zero_s`."""
    return lambda at_s: max(least, round(2 * (min(at_s, HEALED_S) - FAULT[0]))) if FAULT[0] < at_s < zero_s else least


def test_what_is_drained_in_time_passes():
    """It says how much it was, and how soon it was done."""
    verdict = CHECK.check(_read(_grows_until(HEALED_S + 4)))
    assert verdict.word is Word.PASS
    assert verdict.sentence == (
        "Waiting of api/outbox had grown to 40 and was 0 4.0 s after the last fault; within 10 s wanted."
    )


@pytest.mark.parametrize("waiting", [_grows_until(HEALED_S + 12), _grows_until(1000), _grows_until(HEALED_S, least=3)])
def test_what_is_not_drained_in_time_is_wrong(waiting):
    """Late, or never; what is left of it for good is lost."""
    verdict = CHECK.check(_read(waiting))
    assert verdict.word is Word.FAIL
    assert "had grown to 40 and was still " in verdict.sentence or "had grown to 39" in verdict.sentence


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (read([]), "Api was not asked for /outbox"),
        (
            read([Account(1, "api", "/outbox", 200, {"waits": 1})]),
            "No answer of api to GET /outbox had a number waiting",
        ),
        (_read(lambda at_s: 0), "Waiting did not grow while the faults were in (0, 0 before)"),
        (_read(lambda at_s: 5), "Waiting did not grow while the faults were in (5, 5 before)"),
        (_read(_grows_until(1000), windows=[]), "Nothing was injected"),
        (_read(_grows_until(1000), until_s=35), "Waiting of api/outbox had grown to 40 and was read last 5.0 s after"),
        (_read(_grows_until(HEALED_S + 9), every_s=8), "Waiting of api/outbox had grown to 40 and was 0 after 10.0 s"),
    ],
)
def test_what_was_not_put_to_the_test_is_unknown(built, says):
    """Nothing had to be drained, or it was not read when it mattered."""
    verdict = replace(CHECK, within_s=9.5).check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert verdict.sentence.startswith(says)


def test_a_number_may_be_inside_another_field():
    """`outer.inner`; answers that are none, of a service that was away, are passed over."""
    accounts = [
        Account(at_s, "api", "/status", 503 if at_s == 31 else 200, {"outbox": {"waiting": 5 if 12 < at_s < 33 else 0}})
        for at_s in range(60)
    ]
    verdict = OutboxDrains("api", "/status", "outbox.waiting", within_s=5).check(read(accounts))
    assert verdict.word is Word.PASS, verdict.sentence


def test_what_makes_no_sense_is_refused():
    """Where it is made; and it needs a recovery as long as it waits."""
    assert CHECK.recovery_needed_s == 10.5
    for wrong in ({"within_s": 0}, {"path": "outbox"}, {"field": ""}):
        with pytest.raises(ValueError, match="must"):
            replace(CHECK, **wrong)

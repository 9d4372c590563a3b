"""The gate between two faults of a sweep: open when the stack gives again what it gave."""

from __future__ import annotations

import pytest

from harness.calm import Calm
from harness.order import Beat


def _beat(at_s: float, ok: int = 20, fail: int = 0, busy: int = 2) -> Beat:
    return Beat(
        at_ns=round(at_s * 1e9),
        arrivals=20,
        dropped=0,
        lag_p99_ms=1.0,
        users_busy=busy,
        cpu_cores=0.1,
        memory_bytes=1,
        ok=ok,
        fail=fail,
        unknown=0,
        p50_ms=10.0,
        p99_ms=20.0,
    )


def _calm(last: Beat | None, healed_at_s: float = 20.0) -> bool:
    calm = Calm(12.0)
    for second in range(1, 13):
        calm.hear(_beat(second))
    if last is not None:
        calm.hear(last)
    return calm.is_back(healed_at_s)


@pytest.mark.parametrize(
    ("last", "back"),
    [
        (_beat(21.2), True),
        (_beat(20.8), True),
        (_beat(20.7), False),
        (_beat(21.2, ok=5), False),
        (_beat(21.2, ok=16, fail=4), False),
        (_beat(21.2, busy=40), False),
        (None, False),
    ],
    ids=[
        "as before",
        "begun just before the heal",
        "begun long before",
        "few answers",
        "an endpoint still fails",
        "a backlog",
        "nothing heard",
    ],
)
def test_the_gate_opens_on_a_whole_second_as_good_as_before(last, back):
    """After the heal, with no endpoint failing and no backlog; and stays shut on anything less."""
    assert _calm(last) is back

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


def _lacks(last: Beat | None, healed_at_s: float = 20.0) -> str:
    calm = Calm(12.0)
    for second in range(1, 13):
        calm.hear(_beat(second))
    if last is not None:
        calm.hear(last)
    return calm.lacks(healed_at_s)


@pytest.mark.parametrize(
    ("last", "lacks"),
    [
        (_beat(21.2), ""),
        (_beat(20.8), ""),
        (_beat(20.7), "the load process was not heard"),
        (_beat(21.2, ok=5), "goodput was not back"),
        (_beat(21.2, ok=16, fail=4), "requests still failed"),
        (_beat(21.2, ok=30, busy=40), "requests were still queued"),
        (None, "the load process was not heard"),
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
def test_the_gate_opens_on_a_whole_second_as_good_as_before(last, lacks):
    """After the heal, with no endpoint failing and no backlog; and stays shut on anything less, and says on what."""
    assert _lacks(last) == lacks

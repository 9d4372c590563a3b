"""What a run looks like where nobody watches."""

from __future__ import annotations

import io

from rich.console import Console

from harness.order import Beat
from harness.terminal import PlainView


def test_a_beat_before_the_clock_is_of_the_warm_up():
    """The first line of a run has its phase, and says not ok of what failed or got no answer."""
    said = io.StringIO()
    beat = Beat(**dict.fromkeys(Beat.__dataclass_fields__, 0) | {"at_ns": -2_100_000_000, "ok": 51, "unknown": 2})
    PlainView(Console(file=said, width=100)).beat(beat)
    assert said.getvalue().strip() == "-2.1 s  warm-up: 53 requests/s, p99 0 ms, 2 not ok"

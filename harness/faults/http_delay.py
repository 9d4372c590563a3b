"""Slow calls: some requests reach the service late, and those of other paths do not."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bounds import positive
from harness.faults.tap_rule import TapRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpDelay(TapRule):
    """Passes each request on `delay_ms` later. Those under way when it is healed are passed on at once.

    Once a request, however many round trips it takes; Latency delays each round trip, and connecting too.
    """

    kind = "delay"
    delay_ms: float

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        positive("delay_ms", self.delay_ms)

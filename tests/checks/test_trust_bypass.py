"""A connection that goes round Toxiproxy: what its link's verdict is worth."""

from __future__ import annotations

from harness.checks.trust import fault_felt
from harness.record import Word
from tests.builders import history, ok, window


def _felt(past: float) -> Word:
    one = window("slow", 5, 10, "web-db", delay_ms=100)
    readings = [(second, "web-db", "received_bytes", 100.0 * second) for second in range(12)]
    readings += [(7.0, "web-db", "bypass_connections", past)]
    return fault_felt(history([ok(at) for at in range(12)], [one], resources=readings), one).word


def test_a_bypass_makes_a_links_verdict_unknown():
    """Whatever crossed the link as well; without one the fault was felt."""
    assert _felt(0.0) is Word.PASS
    assert _felt(2.0) is Word.UNKNOWN

"""Who waits for ever and who gives up, as it is seen from outside."""

from __future__ import annotations

import pytest

from harness.record import CUT_OFF, Outcome
from harness.sweep.cells import Harm
from harness.sweep.requests import requests_of
from tests.sweep.planted import disconnected, gives_up, link, planted, slower, waits


def test_no_timeout_is_told_with_how_long_it_was_looked_for():
    """Clients that wait until the heal waited for as long as the window, whether they are answered then or not."""
    for outcome in (Outcome.FAIL, Outcome.OK, Outcome.UNKNOWN):
        cell = planted([link("web-search", "blackhole", {"*": waits(outcome)}, window_s=12)]).only()
        assert cell.waits_s == pytest.approx(12, abs=0.1)
        assert (cell.harm, cell.gave_up_s) == (Harm.DOWN, None)


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.OK])
@pytest.mark.parametrize("after_s", [0.5, 1.0, 3.0])
def test_a_timeout_is_seen_from_outside(after_s, outcome):
    """Its length is the wait that most share, whether an error or a fallback follows; then nobody waits for ever."""
    cell = planted([link("orders-db", "blackhole", {"*": gives_up(after_s, outcome)})]).only()
    assert cell.gave_up_s == pytest.approx(after_s, abs=0.1)
    assert cell.waits_s is None
    assert cell.harm is (Harm.DOWN if outcome is Outcome.FAIL else Harm.SLOWER)


def test_a_client_of_the_load_that_leaves_is_no_timeout_of_the_stack():
    """Where no answer came for as long as the load itself waits, that is how long there was no timeout."""
    cell = planted([link("orders-db", "blackhole", {"*": gives_up(4.0, Outcome.UNKNOWN)}, window_s=10)]).only()
    assert cell.gave_up_s is None
    assert cell.waits_s == pytest.approx(4.0, abs=0.2)


def test_a_connection_that_the_other_side_ends_is_no_wait_for_ever():
    """The server gave up after 5 s, each time, and said nothing: that is its patience."""
    cell = planted([link("web-db", "blackhole", {"*": disconnected(5.0)}, window_s=20.0)]).only()
    assert (cell.harm, cell.waits_s) == (Harm.DOWN, None)
    assert cell.gave_up_s == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        ("TimeoutError: timed out", True),
        ("timeout: timed out", True),
        ("ReadTimeout: HTTPConnectionPool(host='127.0.0.1', port=80): Read timed out. (read timeout=5)", True),
        (f"TimeoutError: {CUT_OFF}", True),
        ("RemoteDisconnected: Remote end closed connection without response", False),
        ("ConnectionResetError: [Errno 104] Connection reset by peer", False),
        ("HTTPParseError: empty response", False),
    ],
)
def test_what_the_load_gave_up_is_told_from_what_was_ended(error, silent):
    """By the error, where no answer came."""
    made = planted([link("web-db", "outage", {"*": lambda *_: (3000.0, Outcome.UNKNOWN, error)})])
    requests = requests_of(made.history)
    assert set(requests.silent[~requests.ok]) == {silent}


def test_a_delay_is_no_timeout():
    """What is late by the delay gave nothing up; what ends sooner than the delay did."""
    late = planted([link("orders-db", "latency", {"*": slower(2000)}, delay_ms=2000)]).only()
    ends = planted([link("orders-db", "latency", {"*": gives_up(1.0, Outcome.FAIL)}, delay_ms=2000)]).only()
    many = planted([link("orders-db", "latency", {"*": waits(Outcome.OK)}, delay_ms=2000)]).only()
    assert (late.gave_up_s, late.waits_s) == (None, None)
    assert (many.harm, many.waits_s) == (Harm.DOWN, None)
    assert ends.gave_up_s == pytest.approx(1.0, abs=0.1)

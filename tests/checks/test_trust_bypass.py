"""A connection that goes round Toxiproxy: what its link's verdict is worth."""

from __future__ import annotations

from harness.checks.availability import Availability
from harness.checks.judge import judge
from harness.checks.trust import fault_felt
from harness.record import History, Word
from tests.builders import history, steady, window


def _history(past: float) -> History:
    one = window("slow", 5, 10, "web-db", delay_ms=100)
    readings = [(second, "web-db", "received_bytes", 100.0 * second) for second in range(16)]
    readings += [(7.0, "web-db", "bypass_connections", past)]
    return history(steady(20, 0, 15), [one], readings, end_s=15)


def _felt(past: float) -> Word:
    built = _history(past)
    return fault_felt(built, built.windows[0]).word


def test_a_bypass_makes_a_links_verdict_unknown():
    """Whatever crossed the link as well; without one the fault was felt."""
    assert _felt(0.0) is Word.PASS
    assert _felt(2.0) is Word.UNKNOWN


def test_no_check_counts_where_connections_went_past_a_fault():
    """What passed did not meet it."""
    sound, past = (judge(_history(count), [Availability(ok_ratio_min=0.9)])[0] for count in (0.0, 2.0))
    assert sound.word is Word.PASS
    assert past.word is Word.UNKNOWN
    assert past.sentence.startswith("web-db bypassed, so this does not count")


def test_a_bypass_that_could_not_be_looked_for_is_said():
    """The fault was felt; by all, nobody knows."""
    one = window("slow", 5, 10, "web-db", delay_ms=100)
    readings = [(second, "web-db", "received_bytes", 100.0 * second) for second in range(16)]
    unseen = [*readings, (7.0, "web-db", "bypass_unchecked", 1.0)]
    said = [fault_felt(history(steady(20, 0, 15), [one], made, end_s=15), one) for made in (readings, unseen)]
    assert [verdict.word for verdict in said] == [Word.PASS, Word.PASS]
    assert ["could not be checked" in verdict.sentence for verdict in said] == [False, True]


def test_any_total_of_a_link_tells_that_it_was_crossed():
    """That of bytes stands still for a while where many connections ended at once."""
    one = window("slow", 5, 10, "web-db", delay_ms=100)
    readings = [(second, "web-db", "received_bytes", 7.0) for second in range(16)]
    readings += [(second, "web-db", "round_trips", float(second)) for second in range(16)]
    assert fault_felt(history(steady(20, 0, 15), [one], readings, end_s=15), one).word is Word.PASS

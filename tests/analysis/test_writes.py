"""What became of each write, on ledgers written by hand and on any that can be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from harness.analysis.writes import COUNTED, IN_FLIGHT_S, Fate, Judged, Ledger, Request, common_prefix, judge
from harness.record import Outcome, Word

DISASTER_S = 20.0


def done(key: str, at_s: float, *, started_s: float | None = None, status: int = 201) -> Request:
    began_s = at_s - 0.01 if started_s is None else started_s
    return Request(key, "POST /checkout", began_s, began_s, at_s, Outcome.OK, status)


def refused(key: str, at_s: float, status: int = 422) -> Request:
    return Request(key, "POST /checkout", at_s, at_s, at_s, Outcome.FAIL, status)


def not_sent(key: str, at_s: float) -> Request:
    return Request(key, "POST /checkout", at_s, at_s, None, Outcome.FAIL, 0)


def no_answer(key: str, at_s: float) -> Request:
    return Request(key, "POST /checkout", at_s, at_s, None, Outcome.UNKNOWN, 0)


def error(key: str, at_s: float, status: int = 503) -> Request:
    return Request(key, "POST /checkout", at_s, at_s, at_s, Outcome.UNKNOWN, status)


def judged(*requests: Request, found: dict[str, int] | None, **more: object) -> Judged:
    return judge(Ledger(requests), found, DISASTER_S, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("requests", "count", "fate"),
    [
        ([done("k", 5)], 1, Fate.KEPT),
        ([done("k", 5, status=202)], 1, Fate.KEPT),
        ([done("k", 5)], 0, Fate.LOST),
        ([done("k", 5, status=202)], 0, Fate.LOST),
        ([done("k", 5)], 2, Fate.DUPLICATED),
        ([no_answer("k", 5)], 2, Fate.DUPLICATED),
        ([no_answer("k", 5)], 0, Fate.UNKNOWN),
        ([no_answer("k", 5)], 1, Fate.UNKNOWN),
        ([error("k", 5)], 0, Fate.UNKNOWN),
        ([error("k", 5)], 1, Fate.UNKNOWN),
        ([refused("k", 5)], 1, Fate.PHANTOM),
        ([refused("k", 5)], 0, Fate.REFUSED),
        ([refused("k", 5, 409)], 1, Fate.UNKNOWN),
        ([refused("k", 5, 409)], 0, Fate.REFUSED),
        ([not_sent("k", 5)], 0, Fate.REFUSED),
        ([not_sent("k", 5)], 1, Fate.UNKNOWN),
        ([error("k", 5), done("k", 6)], 1, Fate.KEPT),
        ([error("k", 5), done("k", 6)], 0, Fate.LOST),
        ([done("k", 5), refused("k", 6)], 0, Fate.LOST),
        ([no_answer("k", 5), refused("k", 6)], 1, Fate.UNKNOWN),
        ([no_answer("k", 5), refused("k", 6)], 0, Fate.UNKNOWN),
        ([refused("k", 5, 303)], 1, Fate.UNKNOWN),
    ],
)
def test_what_was_told_and_what_is_there_make_the_fate(requests, count, fate):
    """A key with several requests is one write: done where any answer said so."""
    result = judged(*requests, found={"k": count} if count else {})
    assert [one.fate for one in result.writes] == [fate]
    assert result.writes[0].requests == len(requests)


def test_the_rpo_is_the_age_of_the_oldest_lost_write():
    """By when it was acknowledged; the window is from the first to the last of the lost."""
    result = judged(done("a", 5), done("b", 16.5), done("c", 19.0), found={"a": 1})
    assert (result.rpo_s, result.lost_window_s, result.lost_after, result.holes) == (3.5, (16.5, 19.0), 0, 0)
    assert result.word(4.0) is Word.PASS
    assert result.sentence(4.0) == "2 writes lost, the oldest 3.5 s before the disaster, within the RPO of 4 s"
    assert result.word(3.0) is Word.FAIL
    assert result.sentence(3.0) == "2 writes lost, 1 of them outside the RPO of 3 s (b)"
    assert result.sentence(0.0) == "2 writes lost outside the RPO of 0 s (b, c)"


def test_a_write_lost_after_the_disaster_is_excused_by_no_objective():
    """What the recovered system acknowledged and lost again fails any RPO, and does not count as its age."""
    result = judged(done("a", 5), done("late", 40), found={"a": 1})
    assert (result.rpo_s, result.lost_after, result.lost_window_s) == (0.0, 1, (40, 40))
    assert result.word(3600.0) is Word.FAIL
    assert "1 of them acknowledged after the disaster (late)" in result.sentence(3600.0)


@pytest.mark.parametrize(
    ("started_s", "answered_s", "after"),
    [
        (19.9, 20.05, False),  # the answer was on its way when the server died
        (19.9, 21.3 + IN_FLIGHT_S - 0.1, False),
        (19.9, 21.3 + IN_FLIGHT_S + 0.1, True),  # it waited through the outage, and what came back answered
        (20.5, 21.0, False),  # the disaster takes its time: the server was still there
        (21.4, 21.6, True),
    ],
)
def test_an_answer_on_the_edge_of_the_disaster_belongs_to_what_gave_it(started_s, answered_s, after):
    """Sent before the disaster was in and answered soon after, it was the old server's word; else the new one's."""
    result = judged(done("a", 5), done("k", answered_s, started_s=started_s), found={"a": 1}, settled_s=21.3)
    assert result.lost_after == after
    assert result.rpo_s == 0.0


def test_a_read_back_that_failed_is_unknown_and_never_no_loss():
    """Nothing is kept, nothing is lost, and the RPO is not zero but nobody's to tell."""
    result = judged(done("a", 5), done("b", 6), found=None, why_unread="connection refused")
    assert result.counts == {"kept": 0, "lost": 0, "duplicated": 0, "phantom": 0, "unknown": 2}
    assert (result.rpo_s, result.word(0.0)) == (None, Word.UNKNOWN)
    assert "could not be read back" in result.sentence(0.0)
    assert "connection refused" in result.sentence(0.0)


def test_without_a_write_before_the_disaster_nothing_is_proved():
    """A drill in which nothing was at stake does not pass."""
    result = judged(error("a", 5), done("b", 30), found={"b": 1})
    assert (result.rpo_s, result.word(0.0)) == (0.0, Word.UNKNOWN)
    assert result.sentence(0.0) == "no write was acknowledged before the disaster, so there was nothing to lose"


def test_a_key_of_this_load_that_no_request_bore_is_a_phantom():
    """Keys of other clients are not: they begin otherwise. A ledger that ends early accuses nobody."""
    requests = (done("load-7-a", 5), done("load-7-b", 6))
    there = {"load-7-a": 1, "load-7-b": 1, "load-7-x": 1, "load-8-y": 1, "cron": 3}
    result = judge(Ledger(requests), there, DISASTER_S)
    assert ([one.key for one in result.of(Fate.PHANTOM)], result.strangers) == (["load-7-x"], 2)
    assert result.sentence(0.0) == "1 write there though no client was told so (load-7-x)"
    early = judge(Ledger(requests, whole=False), there, DISASTER_S)
    assert (early.counts["phantom"], early.counts["unknown"], early.word(0.0)) == (0, 1, Word.UNKNOWN)
    assert judge(Ledger(requests), there, DISASTER_S, prefix="load-").counts["phantom"] == 2


@pytest.mark.parametrize(
    ("keys", "prefix"),
    [
        (["shop-1-0001", "shop-1-0002"], "shop-1-"),
        (["order00017", "order00018"], ""),
        (["9f1c-aa", "9e77-bb"], ""),
        (["only-one"], ""),
        ([], ""),
    ],
)
def test_the_prefix_of_a_load_ends_where_words_do(keys, prefix):
    """What all keys share by chance, digits of a counter or the first letter of random ones, is none."""
    assert common_prefix(keys) == prefix


def test_a_hole_is_a_lost_write_older_than_one_that_is_kept():
    """Losing the newest is a lag; losing one that was acknowledged before a kept one was even sent is damage."""
    result = judged(done("a", 5), done("b", 6), done("c", 7), done("d", 8), found={"a": 1, "c": 1})
    assert (result.counts["lost"], result.holes) == (2, 1)


REQUESTS = some.builds(
    lambda key, at_s, took_s, end: end(f"k-{key}", at_s + took_s),
    some.integers(0, 6),
    some.floats(-3, 60),
    some.floats(0, 5),
    some.sampled_from([done, refused, not_sent, no_answer, error]),
)
THERE = some.one_of(some.none(), some.dictionaries(some.integers(0, 8).map("k-{}".format), some.integers(0, 3)))


@settings(max_examples=150, deadline=None)
@given(some.lists(REQUESTS, max_size=25), THERE, some.floats(0, 10), some.booleans())
def test_whatever_happened_the_account_adds_up(requests, there, rpo_s, whole):
    """Each key has one fate; only acknowledged writes are lost, each of them within the window and no older than the
    RPO; the order of the ledger does not matter; a wider objective never makes it worse."""
    result = judge(Ledger(tuple(requests), whole), there, DISASTER_S, prefix="k-")
    assert len({one.key for one in result.writes}) == len(result.writes)
    assert sum(result.counts[fate] for fate in COUNTED) + result.refused == len(result.writes)
    assert {one.key for one in requests} <= {one.key for one in result.writes}
    acknowledged = {one.key for one in requests if one.acknowledged}
    lost = result.of(Fate.LOST)
    assert {one.key for one in lost} <= acknowledged
    for one in lost:
        assert result.lost_window_s[0] <= one.acknowledged_s <= result.lost_window_s[1]
        assert one.after or DISASTER_S - one.acknowledged_s <= result.rpo_s
    if there is None:
        assert (result.word(rpo_s), result.rpo_s, lost) == (Word.UNKNOWN, None, [])
    elif result.word(rpo_s) is Word.PASS:
        assert result.rpo_s <= rpo_s + 1e-9
        assert all(there[key] == 1 for key in acknowledged if there.get(key))
    words = [Word.PASS, Word.UNKNOWN, Word.FAIL]
    assert words.index(result.word(rpo_s + 5)) <= words.index(result.word(rpo_s))
    assert result.sentence(rpo_s)
    assert judge(Ledger(tuple(reversed(requests)), whole), there, DISASTER_S, prefix="k-") == result


@settings(max_examples=100, deadline=None)
@given(some.lists(some.floats(0, 19.9), min_size=2, max_size=20, unique=True), some.data())
def test_a_tail_that_is_cut_off_is_found_to_the_write(times, data):
    """Of writes one after another a suffix is lost: as many, as old, and without a hole."""
    times = sorted(times)
    kept = data.draw(some.integers(0, len(times)))
    requests = tuple(done(f"k-{i}", at_s, started_s=at_s) for i, at_s in enumerate(times))
    result = judge(Ledger(requests), {f"k-{i}": 1 for i in range(kept)}, DISASTER_S)
    assert (result.counts["kept"], result.counts["lost"], result.holes) == (kept, len(times) - kept, 0)
    assert result.rpo_s == pytest.approx(DISASTER_S - times[kept] if kept < len(times) else 0.0)

"""Attempts become operations: by key, trace, body, likeness, in that order of belief; amplification counts them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.amplification import amplification, by_phase, expected
from harness.analysis.operations import By, of_phase, operations
from tests.attempts import BUSY, HUNG, INVALID, LIMITED, LINK, OK, attempt, attempts, calls, operation
from tests.attempts import operations as many
from tests.builders import history, steady, window

NO_KEY = {"key": "", "request_hash": 0}
GET = {"method": "GET", "path": "/items/{}", "request_bytes": 0}


def _of(rows, **more):
    return operations(attempts(rows), LINK, **more)


def test_a_key_makes_one_operation():
    """Its tries in order, the gaps from the end of one to the start of the next, and how it ended."""
    (one,) = _of(operation("a", 1.0, (BUSY, HUNG, OK), (0.1, 0.2)))
    assert (one.by, one.sure, one.succeeded, one.gave_up) == (By.KEY, True, True, False)
    assert one.gaps_s == pytest.approx((0.1, 0.2))
    assert [tries.started_s for tries in one.attempts] == pytest.approx([1.0, 1.12, 1.82])


def test_another_link_is_another_matter():
    """Only attempts on the link are its operations."""
    assert len(_of([*calls(10, 0, 2), *calls(10, 0, 2, link="other")])) == 20


def test_keys_are_believed_where_one_is_seen_twice():
    """Equal bodies under load are not joined when their keys differ."""
    rows = many(50, (BUSY, BUSY), (0.1,), request_hash=7)
    assert {len(one.attempts) for one in _of(rows)} == {2}
    assert all(one.sure for one in _of(rows))


@pytest.mark.parametrize("how", ["trace", "body"])
def test_a_new_key_for_each_try_is_seen_through(how):
    """By the trace, or by a body that no other operation has."""
    rows = []
    for number in range(12):
        same = {"trace": f"request-{number}"} if how == "trace" else {}
        for index, row in enumerate(many(1, start_s=10 + number, request_hash=100 + number, **same)):
            rows.append(replace(row, key=f"{number}-{index}"))
    found = _of(rows)
    assert [len(one.attempts) for one in found] == [3] * 12
    assert {(one.by, one.sure, one.same_key, one.same_request) for one in found} == {(By(how), True, False, True)}


def test_keys_that_differ_with_bodies_that_do_not_join_nothing():
    """Nothing says that two failed payments of one amount are tries of one."""
    rows = [replace(row, key=f"k{n}", request_hash=7) for n, row in enumerate(calls(5, 10, 20, BUSY))]
    assert {(len(one.attempts), one.by, one.sure) for one in _of(rows)} == {(1, By.KEY, True)}


def test_a_traceparent_is_its_trace():
    """Each try has a span of its own."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01"
    rows = operation("", 1, (BUSY, OK), (0.1,), request_hash=5)
    rows = [replace(row, trace=trace.format(f"00f067aa0ba902b{n}")) for n, row in enumerate(rows)]
    (one,) = _of(rows)
    assert (one.by, len(one.attempts), one.sure) == (By.TRACE, 2, True)


def test_calls_of_one_trace_that_cannot_be_told_from_tries_are_not_sure():
    """Requests for `/items/{}` that were not whole may be for three items."""
    rows = operation("", 1, (BUSY, BUSY, BUSY), (0.01, 0.01), trace="t", method="GET", path="/items/{}")
    assert [(len(one.attempts), one.sure) for one in _of(rows)] == [(3, False)]
    assert [one.sure for one in _of([replace(row, path="/items") for row in rows])] == [True]


def test_calls_of_one_trace_are_told_apart_by_what_they_ask_for():
    """Three items that failed once each are no retries; one that was asked for three times is."""
    rows = operation("", 1, (BUSY, BUSY, BUSY), (0.01, 0.01), trace="t", **GET)
    items = [replace(row, request_hash=n) for n, row in enumerate(rows, 7)]
    assert [len(one.attempts) for one in _of(items)] == [1, 1, 1]
    assert [(len(one.attempts), one.sure) for one in _of([replace(row, request_hash=7) for row in rows])] == [(3, True)]


def test_two_who_ask_for_one_thing_are_not_surely_one():
    """However many targets there are: without a body of its own, a request says only what is asked for."""
    rows = [replace(row, request_hash=n // 2 + 1) for n, row in enumerate(calls(5, 10, 20, BUSY, key="", **GET))]
    found = _of(rows)
    assert {(len(one.attempts), one.by, one.sure) for one in found} == {(2, By.LIKENESS, False)}
    with_bodies = _of([replace(row, request_bytes=9) for row in rows])
    assert {(len(one.attempts), one.by, one.sure) for one in with_bodies} == {(2, By.BODY, True)}


def test_after_a_success_the_same_call_is_a_new_operation():
    """A page that is asked for twice is no retry; with one key it is."""
    rows = operation("", 1, (OK, OK), (0.1,), trace="t")
    assert [len(one.attempts) for one in _of(rows)] == [1, 1]
    (one,) = _of([replace(row, key="k") for row in rows])
    assert one.tries_after_success == 1


def test_a_poller_is_not_taken_for_retries_with_certainty():
    """What is asked again and again is joined, and not sure."""
    rows = operation("", 1, (BUSY,) * 6, (0.1, 0.2, 2.0, 0.1, 0.2), method="GET", path="/feed")
    (one,) = _of(rows)
    assert (one.by, one.sure) == (By.LIKENESS, False)
    assert [(len(one.attempts), one.sure) for one in _of(rows, gap_max_s=1)] == [(3, True), (3, True)]
    far = operation("", 1, (BUSY, BUSY), (11,), method="GET", path="/feed")
    assert [len(one.attempts) for one in _of(far)] == [1, 1]


def test_likeness_under_load_is_never_sure():
    """Where two of a kind are under way at once, even a said gap tells nothing."""
    rows = [attempt(1 + n / 40, HUNG, method="GET", path="/feed") for n in range(200)]
    assert not any(one.sure for one in _of(rows, gap_max_s=1))


def test_a_client_that_gave_up_may_be_seen_to_leave_late():
    """The next try may begin a moment before the tap sees the old connection end."""
    rows = [attempt(1, HUNG, trace="t", request_hash=5), attempt(1.49, OK, trace="t", request_hash=5)]
    (one,) = _of(rows)
    assert one.gaps_s == (0.0,)


def test_a_body_that_changes_under_one_key_is_seen():
    """The key says that it is one operation, the hashes that it is not."""
    rows = operation("a", 1, (BUSY, OK), (0.1,))
    assert _of([rows[0], replace(rows[1], request_hash=0)])[0].same_request  # it was not whole: nothing is known of it
    (one,) = _of([rows[0], replace(rows[1], request_hash=99)])
    assert (one.same_key, one.same_request) == (True, False)


@pytest.mark.parametrize(
    ("last", "gave_up"), [(BUSY, True), (HUNG, True), (LIMITED, True), (INVALID, False), (OK, False)]
)
def test_who_is_told_no_for_good_did_not_give_up(last, gave_up):
    """A 422 ends an operation rightly; a 429 asks for more patience."""
    (one,) = _of(operation("a", 1, (BUSY, last), (0.1,)))
    assert one.gave_up is gave_up


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 20)), max_size=20), st.sampled_from(["key", "none"]))
def test_no_attempt_is_lost_or_counted_twice(made, how):
    """Whatever the grouping believes, every attempt is in one operation."""
    rows = []
    for number, (tries, start_s) in enumerate(made):
        key = f"k{number}" if how == "key" else ""
        rows += operation(key, start_s, (BUSY,) * tries, (0.1,) * tries)
    found = _of(rows)
    assert sum(len(one.attempts) for one in found) == len(rows)
    if how == "key":
        assert sorted(len(one.attempts) for one in found) == sorted(tries for tries, _ in made)
    assert all(one.attempts[0].started_s == one.start_s for one in found)


def test_an_operation_belongs_to_every_window_that_it_lived_in():
    """As samples do."""
    built = history(steady(10, 0, 30), [window("w", 10, 20)], end_s=30)
    found = _of([*many(1, start_s=9.9), *many(1, start_s=5), *many(1, start_s=25)])
    counts = {phase.name: len(of_phase(found, phase, built.phases)) for phase in built.phases}
    assert counts == {"baseline": 1, "w": 1, "recovery": 1}


def test_amplification_is_attempts_per_operation():
    """Three tries of each in the window, one before and after, and the rate of what crossed."""
    rows = [*calls(10, 0, 10), *many(100, start_s=10), *calls(10, 20.5, 30)]
    built = history(steady(10, 0, 30), [window("w", 10, 20)], end_s=30, attempts=attempts(rows))
    phases = by_phase(built, _of(rows))
    assert [round(one.ratio, 3) for one in phases.values()] == [1, 3, 1]
    assert phases["w"].expected == 3
    assert phases["baseline"].per_s == pytest.approx(10)
    assert phases["w"].per_s == pytest.approx(30, rel=0.05)
    assert {one.sure for one in phases.values()} == {1.0}


@pytest.mark.parametrize(("failed", "retries", "ratio"), [(0, 2, 1), (1, 2, 3), (0.5, 2, 1.75), (0.5, 1000, 2)])
def test_independent_failures_amplify_by_a_known_law(failed, retries, ratio):
    """(1 - f^(R+1)) / (1 - f), and R + 1 where all fail."""
    assert expected(failed, retries) == pytest.approx(ratio)


def test_a_span_without_operations_has_no_ratio():
    """Nothing is divided by nothing."""
    assert amplification([], 0, 10).ratio == 0

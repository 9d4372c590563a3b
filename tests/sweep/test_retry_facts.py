"""Whether a client tries again, by what crossed its link in a sweep: each sound, each that does not, each unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.sweep.facts import Carries, Seen
from tests.attempts import BUSY, HUNG, LINK, OK, REFUSED, attempt, calls, operations
from tests.builders import steady
from tests.sweep.calling import CUT, END_S, FAULT, LINKS, RATE, bare, called, fact, facts, random_calls, through


def test_tries_of_one_key_are_counted_an_operation():
    """Three attempts of each operation that failed: the client retries, surely."""
    rows = [*calls(RATE, 0, 12), *operations(60, (BUSY,) * 3, start_s=12.0), *calls(RATE, 24, END_S)]
    found = fact(called(rows)).retries
    assert (found.seen, found.ratio, found.told_by) == (Seen.YES, 3.0, "operations")


def test_operations_that_are_tried_once_are_no_retries():
    """One attempt each, with a trace of its own, however often it failed."""
    traced = [attempt(n / RATE, REFUSED if 12 <= n / RATE < 24 else OK, trace=f"t{n}") for n in range(600)]
    found = fact(called(traced)).retries
    assert (found.seen, found.ratio, found.told_by) == (Seen.NO, 1.0, "operations")


def test_one_kind_of_call_that_is_tried_again_is_told_among_others():
    """Reads are tried three times and writes once: the client retries."""
    rows = [
        *through(tries=3),
        *(attempt(n / 2, REFUSED if 12 <= n / 2 < 24 else OK, path="/orders", trace=f"t{n}") for n in range(60)),
    ]
    assert fact(called(rows)).retries.seen is Seen.YES


@pytest.mark.parametrize("tries", [2, 3])
def test_calls_without_a_name_are_counted_for_each_request(tries):
    """Where nothing tells tries apart, more calls for each request than in calm are seen to be more."""
    found = fact(called(through(tries=tries))).retries
    assert (found.seen, found.told_by) == (Seen.YES, "requests")
    assert found.ratio == pytest.approx(tries, rel=0.05)
    assert found.low < tries < found.high


def test_as_many_calls_as_in_calm_are_no_retries():
    """One call for each request, failed or not."""
    found = fact(called(through())).retries
    assert (found.seen, found.told_by) == (Seen.NO, "requests")
    assert found.ratio == pytest.approx(1.0, abs=0.02)


def test_a_caller_that_tries_again_is_not_its_callee():
    """Web asks api three times as often, and api makes one call for each: web retries, api does not."""
    asked = through(BUSY, tries=3, link="web-api", path="/orders")
    asking = through(REFUSED, tries=3)
    built = called([*asked, *asking], entry="web")
    assert fact(built).retries.seen is Seen.NO
    assert fact(built, "web-api").retries.seen is Seen.YES
    assert fact(built, "web-api").retries.ratio == pytest.approx(3.0, rel=0.05)


def test_what_a_client_was_asked_must_be_seen():
    """Without a tap on the way to it, a caller that tries again would look like the client: unknown."""
    found = fact(called(through(tries=3), entry="web", others={LINK: 0})).retries
    assert found.seen is Seen.UNKNOWN
    assert "what api itself was asked was not seen" in found.reason


def test_all_that_asks_a_client_must_be_seen():
    """One of two links to it has a tap: what comes by the other is not known, so the calls are not either."""
    links = {**LINKS, "batch-api": ("batch", "api")}
    rows = [*through(OK, link="web-api", path="/orders"), *through(tries=3)]
    seen_one = called(rows, entry="web", links=links, others={"web-api": 0, LINK: 0})
    assert fact(seen_one).retries.seen is Seen.UNKNOWN
    seen_both = called(rows, entry="web", links=links)
    assert fact(seen_both).retries.seen is Seen.YES


def test_what_is_asked_again_by_chance_is_no_retry():
    """Each of sixty items is asked for every three seconds, fault or no fault: alike, but no tries of one operation."""
    items = [replace(row, request_hash=1 + index % 60) for index, row in enumerate(through())]
    found = fact(called(items)).retries
    assert (found.seen, found.told_by) == (Seen.NO, "requests")


def test_few_failures_tell_nothing():
    """Seven failed calls are too few, and the reason says how many it takes."""
    rows = [*bare(0, 12), *[attempt(12 + n, REFUSED) for n in range(7)], *bare(24, END_S)]
    found = fact(called(rows)).retries
    assert found.seen is Seen.UNKNOWN
    assert found.reason == "only 7 calls failed before the heal, and 20 are needed"


def test_few_requests_say_what_rate_would_tell():
    """A link that few requests use has a wide interval: unknown, with the rate that it takes."""
    sparse = [row for index, row in enumerate(through()) if index % 8 in (0, 5, 7)]
    found = fact(called([*sparse[:30], *sparse[75:]])).retries
    assert found.seen is Seen.UNKNOWN
    assert "times the --rate tells" in found.reason


def test_no_retry_is_claimed_only_where_one_would_have_shown():
    """Of 40 requests or so in calm the number of calls may have been half as many again, or nearly twice: unknown."""
    words = {}
    for seed in range(40):
        rows, samples = random_calls(seed, share=0.16)
        found = fact(called(rows, samples=samples)).retries
        words.setdefault(found.seen, []).append(found)
    assert set(words) == {Seen.NO, Seen.UNKNOWN}
    assert all(one.high < 1.76 for one in words[Seen.NO])
    assert all(one.reason.endswith("tells") or "calls failed" in one.reason for one in words[Seen.UNKNOWN])


def test_calls_that_hang_until_the_heal_are_no_reason_to_try_again():
    """A client without a timeout waits: that it made one call says nothing of retries."""
    rows = [*bare(0, 12), *[attempt(12 + n / RATE, (*HUNG[:2], 12.5 - n / RATE)) for n in range(240)]]
    found = fact(called([*rows, *bare(24.6, END_S)])).retries
    assert found.seen is Seen.UNKNOWN
    assert found.reason == "none of 240 calls failed before the heal"


def test_fewer_calls_than_in_calm_hide_tries():
    """Two tries of one call, where ten different ones followed in calm, are not told from none."""
    calm = [attempt(n / RATE / 10, OK, method="GET", path="/items/{}", request_bytes=0) for n in range(2400)]
    found = fact(called([*calm, *bare(*FAULT, REFUSED, 2, path="/items/{}")])).retries
    assert found.seen is Seen.UNKNOWN
    assert "tries hide among so few" in found.reason


def test_a_broken_client_tells_nothing_of_itself():
    """Its own death is no fault on the link."""
    killed = CUT.__class__("kill api", "kill", *FAULT, None, "api", True)
    assert facts(called(through(), windows=[killed])).windows == ()


def test_chance_is_no_retry():
    """In 200 sweeps of a client that tries once, at random, it is never said to retry; and mostly known not to."""
    seen = []
    for seed in range(200):
        rows, samples = random_calls(seed, share=0.7)
        seen.append(fact(called(rows, samples=samples)).retries.seen)
    assert Seen.YES not in seen
    assert seen.count(Seen.NO) > 150


def test_what_is_not_http_is_said_to_be_so():
    """By its connections, or by lines that only look like requests; and where there is no tap, or nothing came."""
    odd = [attempt(n / 10, ("unknown", 0, 0.01), method="", path="", error="malformed", link="a-b") for n in range(50)]
    links = {**LINKS, "a-b": ("a", "b"), "a-c": ("a", "c"), "a-d": ("a", "d"), "a-e": ("a", "e")}
    built = called([*through(), *odd], links=links, others={LINK: 0, "a-b": 0, "a-c": 7, "a-d": 0})
    carried = {name: facts(built, name).carries for name in ("a-b", "a-c", "a-d", "a-e", LINK)}
    assert list(carried.values()) == [
        Carries.OTHER,
        Carries.OTHER,
        Carries.NOTHING,
        Carries.UNTAPPED,
        Carries.HTTP,
    ]


def test_a_slow_link_is_no_reason_to_try_again():
    """Calls that come late, and well, are not failures."""
    found = fact(called(through(("ok", 200, 0.12)), samples=steady(RATE, 0, END_S, 140.0))).retries
    assert found.seen is Seen.UNKNOWN

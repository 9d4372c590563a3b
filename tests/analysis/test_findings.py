"""Findings against planted truth: each is named when it is there, and none in a calm run."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.figures import figures
from harness.analysis.findings import findings, none_in_words
from harness.analysis.readings import Topology
from harness.analysis.round_trips import count
from harness.record import Outcome
from tests.builders import Sample, generator_readings, history, link_readings, window

LINK = "api-postgres"
TOPOLOGY = Topology({LINK: ("api", "postgres")}, ("api", "postgres"), cpus=2)
MIX = {"GET /catalogue": 0.5, "GET /orders": 0.3, "POST /checkout": 0.2}
SOUND = {"GET /catalogue": 2.0, "GET /orders": 2.0, "POST /checkout": 4.0}
END_S = 40.0


def _load(seed=1, slow=(99.0, 99.0), slower_ms=None, rate=60, dead=(99.0, 99.0)):
    """Requests of a shop; between `slow` each takes `slower_ms` of its endpoint longer, between `dead` all fail."""
    source = np.random.default_rng(seed)
    samples = []
    for index in range(int(rate * END_S)):
        at_s, endpoint = index / rate, str(source.choice(list(MIX), p=list(MIX.values())))
        took_ms = float(source.lognormal(np.log(8), 0.3))
        if slow[0] <= at_s < slow[1]:
            took_ms += (slower_ms or {}).get(endpoint, 0.0)
        outcome = Outcome.FAIL if dead[0] <= at_s < dead[1] else Outcome.OK
        samples.append(Sample(at_s, took_ms, outcome, endpoint))
    return samples


def _cpu(service, cores):
    return [(at, service, "cpu_cores", cores) for at in np.arange(0, END_S, 0.25)]


def _find(samples, trips=SOUND, windows=(), extra=(), **link):
    readings = link_readings(samples, LINK, trips, end_s=END_S, **link) + generator_readings(END_S) + list(extra)
    return findings(history(samples, windows, readings, end_s=END_S), TOPOLOGY)


def test_a_calm_run_of_a_sound_stack_has_none():
    """No finding is made up, and the sentence that says so carries the numbers."""
    samples = _load()
    built = history(samples, (), link_readings(samples, LINK, SOUND, end_s=END_S), end_s=END_S)
    assert findings(built, TOPOLOGY) == ()
    said = none_in_words(figures(built, (), ()), TOPOLOGY)
    assert said.startswith("Nothing limited this run: 2,400 of 2,400 requests were ok")


@pytest.mark.parametrize("planted", [5, 10, 21, 60])
def test_round_trips_are_read_within_a_third_of_one(planted):
    """The regression reads a planted N+1 within 0.3, and the other endpoints beside it."""
    samples = _load()
    trips = {**SOUND, "GET /catalogue": planted + 1.0}
    built = history(samples, (), link_readings(samples, LINK, trips, end_s=END_S), end_s=END_S)
    read = {one.endpoint: one.per_request for one in count(built, LINK)}
    assert read == pytest.approx(trips, abs=0.3)


def test_an_n_plus_one_is_named_with_its_endpoint_and_link():
    """A query in a loop comes first among the findings."""
    first = _find(_load(), {**SOUND, "GET /catalogue": 22.0})[0]
    assert (first.kind, first.subject) == ("round trips", LINK)
    assert "GET /catalogue crosses api-postgres 22 times" in first.sentence


def test_a_saturated_pool_is_named_with_its_phase():
    """One connection, always in use, with requests waiting: by the delay of the window that slowed its link."""
    samples = _load(slow=(15, 25), slower_ms=dict.fromkeys(MIX, 400.0))
    windows = [window("database slow", 15, 25, LINK, delay_ms=10)]
    found = [one for one in _find(samples, windows=windows, connections=1) if one.kind == "pool"]
    assert len(found) == 1
    assert "only 1 connection to postgres; in database slow it was in use" in found[0].sentence


@pytest.mark.parametrize(
    ("windows", "named"),
    [
        ([window("slow", 15, 25, LINK, delay_ms=100)], True),
        ([replace(window("frozen", 15, 25, service="postgres"), fault="freeze")], False),
        ([replace(window("silent", 15, 25, LINK), fault="blackhole")], False),
    ],
    ids=["slow", "the service is frozen", "nothing comes through"],
)
def test_a_pool_that_waits_for_what_does_not_answer_is_not_too_small(windows, named):
    """Any size of it would be in use."""
    samples = _load(slow=(15, 25), slower_ms=dict.fromkeys(MIX, 2000.0))
    busy = [(at, LINK, "busy_connections", 4.0) for at in np.arange(15.1, 25, 0.25)]
    readings = link_readings(samples, LINK, SOUND, end_s=END_S, connections=4) + generator_readings(END_S)
    readings = [one for one in readings if one[2] != "busy_connections" or not 15 <= one[0] < 25] + busy
    built = history(samples, windows, readings, end_s=END_S, links=TOPOLOGY.links)
    assert any(one.kind == "pool" for one in findings(built, TOPOLOGY)) is named


def test_a_single_connection_is_named_even_where_it_has_cost_little():
    """A pool of one is a bottleneck that waits for its day."""
    samples = [Sample(s.at_s, 60.0, s.outcome, s.endpoint) for s in _load()]
    found = _find(samples, connections=1, busy=0.12)
    assert [one.kind for one in found] == ["pool"]
    assert "one after another" in found[0].sentence


@pytest.mark.parametrize("busy", [0.0, 0.3])
def test_a_sound_pool_is_not_named(busy):
    """Ten connections, a third of them in use while the database is slow, are no finding of a pool."""
    samples = _load(slow=(15, 25), slower_ms=dict.fromkeys(MIX, 40.0))
    windows = [window("database slow", 15, 25, LINK, delay_ms=20)]
    assert not [one for one in _find(samples, windows=windows, busy=busy) if one.kind == "pool"]


def test_a_slow_link_tells_what_each_endpoint_lost():
    """The loss by the delay is how often a request waits for the link, one time after another."""
    samples = _load(slow=(15, 25), slower_ms={"GET /catalogue": 40.0, "POST /checkout": 80.0})
    (found,) = _find(samples, windows=[window("database slow", 15, 25, LINK, delay_ms=20)])
    assert found.kind == "slow link"
    assert found.evidence["POST /checkout: serial_traversals"] == pytest.approx(4, abs=0.3)
    assert found.evidence["GET /catalogue: serial_traversals"] == pytest.approx(2, abs=0.3)
    assert found.sentence.endswith("GET /orders lost nothing.")


def test_a_link_that_is_waited_for_once_is_said_so():
    """Not 0.9 times, one after another."""
    samples = _load(slow=(15, 25), slower_ms={"POST /checkout": 180.0})
    (found,) = _find(samples, windows=[window("database slow", 15, 25, LINK, delay_ms=200)])
    assert "(it waits for api-postgres once)" in found.sentence


def test_overlapping_windows_are_not_blamed_on_one_link():
    """What two faults did together says nothing of either."""
    samples = _load(slow=(15, 25), slower_ms=dict.fromkeys(MIX, 40.0))
    windows = [window("a", 15, 25, LINK, delay_ms=20), window("b", 20, 30, LINK, delay_ms=20)]
    assert not [one for one in _find(samples, windows=windows) if one.kind == "slow link"]


def test_what_goes_down_with_a_link_is_a_hard_dependency():
    """An outage names the endpoints that cannot do without the service."""
    windows = [window("database gone", 15, 25, LINK, cuts=True)]
    (found,) = _find(_load(dead=(15, 25)), windows=windows, closed=(15, 25))
    assert found.kind == "hard dependency"
    assert "600 requests were not ok" in found.sentence


def test_an_endpoint_that_lost_a_third_is_not_said_to_have_gone_on():
    """The count is that of the endpoints named; what lost some is said with its share; what lost none went on."""
    source = np.random.default_rng(2)
    lost = {"POST /checkout": 0.9, "GET /catalogue": 0.35, "GET /orders": 0.0}
    samples = [
        replace(one, outcome=Outcome.FAIL) if 15 <= one.at_s < 25 and source.random() < lost[one.endpoint] else one
        for one in _load()
    ]
    within = [one for one in samples if 14.9 <= one.at_s < 25 and one.outcome is Outcome.FAIL]
    checkouts = sum(one.endpoint == "POST /checkout" for one in within)
    (found,) = _find(samples, windows=[window("database slow", 15, 25, LINK, delay_ms=400)])
    assert (
        f"POST /checkout mostly failed while database slow was in: {checkouts} requests were not ok" in found.sentence
    )
    said = re.search(r"; (\d+) % of GET /catalogue were not ok either; GET /orders went on\.", found.sentence)
    assert said
    assert int(said[1]) == pytest.approx(100 * (1 - found.evidence["GET /catalogue: ok_ratio"]), abs=0.5)


def test_an_endpoint_without_answers_is_not_said_to_have_failed():
    """Its work may have been done."""
    samples = [replace(one, outcome=Outcome.UNKNOWN) if 15 <= one.at_s < 25 else one for one in _load()]
    (found,) = _find(samples, windows=[window("database slow", 15, 25, LINK, delay_ms=400)])
    assert "POST /checkout mostly got no answer while database slow was in" in found.sentence


@pytest.mark.parametrize("dead", [(0, 40), (0, 5)])
def test_a_run_that_failed_is_not_said_to_have_had_no_limit(dead):
    """Where requests were not ok, that no bottleneck was seen says little."""
    built = history(_load(dead=dead), end_s=END_S)
    said = none_in_words(figures(built, (), ()), TOPOLOGY)
    assert said.startswith("No bottleneck was seen, but that says little")


def test_a_service_that_uses_up_its_core_is_named():
    """As fast as its processor lets it, and no faster."""
    assert [one.subject for one in _find(_load(), extra=_cpu("api", 0.98))] == ["api"]
    assert _find(_load(), extra=_cpu("api", 0.6)) == ()


def test_a_machine_without_a_processor_to_spare_is_named():
    """Then latencies are the machine's as much as the stack's."""
    extra = [*_cpu("api", 0.85), *_cpu("postgres", 0.88)]
    assert [one.subject for one in _find(_load(), extra=extra)] == ["machine"]


def test_an_empty_history_has_none():
    """A run that was killed before its first request can still be reported."""
    assert findings(history([], end_s=0), TOPOLOGY) == ()

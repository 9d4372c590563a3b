"""The matrix of sweeps whose truth was planted: the harm, and the numbers behind it."""

from __future__ import annotations

import json

import pytest

from harness.record import Mark, Outcome
from harness.sweep.cells import Harm, exit_code, fail_on
from harness.sweep.matrix import matrix
from tests.sweep.planted import (
    ENDPOINTS,
    link,
    planted,
    refused,
    service,
    slower,
    some,
    waits,
)

ALL = {*ENDPOINTS}


def test_a_hard_dependency_is_down():
    """Where every request is refused while the link is cut, the cell and each endpoint are down."""
    cell = planted([link("web-db", "outage", {"*": refused()})]).only()
    assert (cell.harm, set(cell.down)) == (Harm.DOWN, ALL)
    assert cell.whole is not None
    assert (cell.whole.served, cell.whole.lost) == (0, 1.0)
    assert cell.bad


def test_one_endpoint_alone_is_down():
    """The cell is down for the one endpoint that needs the link, and says that the others are unharmed."""
    cell = planted([link("web-reviews", "outage", {"GET /reviews": refused()})]).only()
    assert (cell.harm, cell.down) == (Harm.DOWN, ("GET /reviews",))
    assert {one.endpoint: one.harm for one in cell.effects if one.endpoint != "GET /reviews"} == {
        "GET /catalogue": Harm.UNHARMED,
        "POST /checkout": Harm.UNHARMED,
    }


def test_a_graceful_fallback_is_unharmed():
    """A cut that nobody notices is unharmed, and back at once."""
    cell = planted([link("web-search", "outage")]).only()
    assert (cell.harm, cell.bad) == (Harm.UNHARMED, False)
    assert cell.back_s == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("fault_ms", [30, 100])
def test_a_slow_link_is_slower_by_what_it_is(fault_ms):
    """The median's shift is the delay that was planted, within its interval; it is no failure."""
    cell = planted([link("web-db", "latency", {"*": slower(fault_ms)}, delay_ms=fault_ms)]).only()
    worst = cell.worst
    assert cell.harm is Harm.SLOWER
    assert worst is not None
    assert worst.slower_ms == pytest.approx(fault_ms, abs=6)
    assert worst.slower_low_ms is not None
    assert worst.slower_high_ms is not None
    assert worst.slower_low_ms < fault_ms < worst.slower_high_ms
    assert not cell.bad


def test_two_seconds_slower_is_slower_and_not_degraded():
    """The end of the window, whose answers come after the heal, is left out as far as the answers need; it is bad."""
    cell = planted([link("web-db", "latency", {"*": slower(2000)}, delay_ms=2000)]).only()
    assert cell.harm is Harm.SLOWER
    assert cell.whole is not None
    assert cell.whole.served == cell.whole.requests
    assert cell.bad


def test_a_little_loss_of_one_endpoint_hides_no_long_wait_of_another():
    """One endpoint loses 4 %, which is told; that another takes two seconds longer is bad all the same."""
    hit = {"GET /catalogue": some(0.04, refused()), "GET /reviews": slower(2004)}
    made = planted([link("web-db", "latency", hit, delay_ms=2000, window_s=12.0)], rate_per_s=200)
    cell = made.only()
    assert cell.worst is not None
    assert (cell.harm, cell.worst.endpoint, cell.bad) == (Harm.DEGRADED, "GET /catalogue", True)
    assert exit_code(made.matrix, Harm.SLOWER) == 1


def test_a_bad_95th_percentile_is_not_hidden_by_a_median_that_moved_a_little():
    """Either may be bad: most take 60 ms longer, a fifth two seconds."""
    mixed = some(0.2, slower(2000))
    hit = {"*": lambda into, left, calm: mixed(into, left, calm + 60)}
    cell = planted([link("web-db", "latency", hit, delay_ms=2000)]).only()
    assert (cell.harm, cell.bad) == (Harm.SLOWER, True)


def test_a_fifth_that_is_slow_is_seen_though_the_median_stands():
    """Where the median does not move the 95th percentile tells."""
    cell = planted([link("web-db", "latency", {"*": some(0.2, slower(300))}, delay_ms=300)]).only()
    worst = cell.worst
    assert cell.harm is Harm.SLOWER
    assert worst is not None
    assert worst.slower_ms is not None
    assert worst.slower_ms < 20
    assert worst.shift_ms == pytest.approx(300, rel=0.2)


def test_a_loss_of_a_third_is_degraded():
    """The share that was served, of the endpoint that was hit worst, and the loss within its interval."""
    cell = planted([service("search", "freeze", {"GET /catalogue": some(0.38, refused())})]).only()
    worst = cell.worst
    assert cell.harm is Harm.DEGRADED
    assert worst is not None
    assert worst.endpoint == "GET /catalogue"
    assert worst.ok_ratio == pytest.approx(0.62, abs=0.05)
    assert worst.lost_low < 0.38 < worst.lost_high


def test_what_only_the_heal_answered_was_not_served():
    """Requests that hang until the heal and are then answered well are no success of the window."""
    cell = planted([link("web-search", "blackhole", {"*": waits(Outcome.OK)})]).only()
    assert cell.whole is not None
    assert (cell.harm, cell.whole.served) == (Harm.DOWN, 0)


@pytest.mark.parametrize("watched_s", [4.0, 6.0, 12.0])
def test_the_time_to_come_back_is_measured_from_the_heal(watched_s):
    """Three dark seconds after the heal are three seconds, however short the calm is that follows."""
    cell = planted([service("db", "kill", {"*": refused()}, dark_s=3.0)], between_s=watched_s).only()
    assert cell.back_s == pytest.approx(3.0, abs=0.2)
    assert cell.watched_s == pytest.approx(watched_s)


def test_what_was_not_back_at_the_next_window_is_not_back():
    """The runner's mark is believed, the time that was watched is told, and the next cell is unknown for it."""
    dark = link("web-db", "outage", {"*": refused()}, dark_s=10.0, not_back=True)
    first, second = planted([dark, link("web-search", "outage")]).matrix.cells
    assert (first.harm, first.during, first.back_s) == (Harm.NOT_BACK, Harm.DOWN, None)
    assert first.reason == "goodput was not back 10 s after"
    assert (second.harm, second.reason) == (Harm.UNKNOWN, f"the stack was not back from {first.planned.window}")


def test_ten_dark_seconds_are_not_back_without_a_mark_too():
    """What the samples show needs no word of the runner's; nor does its word need them."""
    cell = planted([link("web-db", "outage", {"*": refused()}, dark_s=10.0)]).only()
    assert (cell.harm, cell.reason) == (Harm.NOT_BACK, "goodput was not back 10 s after")
    cell = planted([link("web-db", "outage", {"*": refused()}, dark_s=4.0, not_back=True)], between_s=6.0).only()
    assert (cell.harm, cell.reason) == (Harm.NOT_BACK, "goodput was not back 6 s after")


def test_what_was_not_back_is_told_as_the_gate_saw_it():
    """A backlog, with goodput full: not that goodput was away."""
    plant = link("web-db", "outage", {"*": refused()}, not_back=True, lacking="requests were still queued")
    cell = planted([plant], between_s=10.0).only()
    assert (cell.harm, cell.reason, cell.back_s) == (Harm.NOT_BACK, "requests were still queued 10 s after", None)


def test_an_endpoint_that_stays_dark_did_not_come_back():
    """One endpoint of little traffic that the goodput of all can do without is missed, and spoils no later cell."""
    stuck = {"POST /checkout": refused()}
    made = planted([link("web-db", "outage", stuck), *(link("web-search", f"f{i}", stuck) for i in range(2))])
    after_s = made.history.windows[0].end_s
    frame = made.history.samples
    dark = (frame["endpoint"] == "POST /checkout") & (frame["intended_ns"] >= after_s * 1e9)
    frame.loc[dark, "outcome"] = "fail"
    first, second, _ = matrix(made.sweep, [("runs/1", made.history)]).cells
    assert first.harm is Harm.NOT_BACK
    assert first.reason.startswith("POST /checkout was not back")
    assert second.harm is Harm.UNHARMED
    assert {one.endpoint: one.reason for one in second.effects if one.reason} == {
        "POST /checkout": f"it was not back from {first.planned.window}"
    }


def test_a_service_that_died_by_itself_is_not_back():
    """A part of the stack that ends while something else is broken ended for it, be it on a link or not."""
    for name in ("search", "worker"):
        cell = planted(
            [link("web-db", "outage", {"*": refused()})],
            marks=[Mark("died", 16.0, {"service": name}), Mark("end", 16.1, {"reason": f"{name} died at 16.0 s"})],
        ).only()
        assert (cell.harm, cell.reason) == (Harm.NOT_BACK, f"{name} died")


def test_toxiproxy_and_the_load_process_are_no_part_of_the_stack():
    """Where they end nothing is known of it."""
    for name in ("toxiproxy", "the load process"):
        cell = planted(
            [link("web-db", "outage", {"*": refused()})], marks=[Mark("died", 16.0, {"service": name})]
        ).only()
        assert (cell.harm, cell.reason) == (Harm.UNKNOWN, f"{name} died, which is no part of the stack")


def test_what_was_killed_did_not_die_by_itself():
    """A mark of its death while it was killed is the fault, one after its heal is a harm."""
    for at_s, harm in ((13.0, Harm.DOWN), (21.0, Harm.NOT_BACK)):
        marks = [Mark("died", at_s, {"service": "db"})]
        assert planted([service("db", "kill", {"*": refused()})], marks=marks).only().harm is harm


def test_the_entry_that_was_killed_is_down_as_it_must_be():
    """It is told, and is neither bad nor a reason to fail."""
    made = planted([service("web", "kill", {"*": refused()})])
    cell = made.only()
    assert (cell.harm, cell.as_must_be, cell.bad) == (Harm.DOWN, True, False)
    assert exit_code(made.matrix, Harm.DOWN) == 0


def test_a_stack_that_aged_is_not_slowed_by_the_fault():
    """Response times that had risen before the window went in, long after the last heal, are no harm of the window."""
    plants = [link("web-db", "noop"), link("web-search", "noop")]
    made = planted(plants, drift=lambda at_s: 1 + 3 * (at_s > 20.5), rate_per_s=150)
    assert made.matrix.cells[1].harm is Harm.UNHARMED


@pytest.mark.parametrize("rate_per_s", [20.0, 60.0, 200.0])
def test_a_slowdown_is_not_taken_for_that_of_a_stack_that_came_back(rate_per_s):
    """The second after a heal is slow as connections are made anew: a link that is slow then is not called unharmed."""
    plants = [
        link("web-search", "reset", {"*": refused()}),
        link("web-db", "latency", {"*": slower(100)}, delay_ms=100),
    ]
    coming_back = planted(plants, drift=lambda at_s: 1 + 9 * (20 <= at_s < 21.2), rate_per_s=rate_per_s, between_s=1.2)
    cell = coming_back.matrix.cells[1]
    assert (cell.harm, cell.bad) in ((Harm.UNKNOWN, False), (Harm.SLOWER, False))
    assert cell.harm is Harm.SLOWER or cell.reason.startswith("it was slow already when the fault went in")
    calm = planted(plants, rate_per_s=rate_per_s, between_s=1.2).matrix.cells[1]
    assert calm.harm is Harm.SLOWER


def test_a_slowdown_that_is_more_than_a_stack_that_came_back_was_slow_by_is_told():
    """By all of it: two seconds are bad, whatever the second before was like."""
    plants = [
        link("web-search", "reset", {"*": refused()}),
        link("web-db", "latency", {"*": slower(2000)}, delay_ms=2000, window_s=12.0),
    ]
    cell = planted(plants, drift=lambda at_s: 1 + 9 * (20 <= at_s < 21.2), rate_per_s=20, between_s=1.2).matrix.cells[1]
    assert (cell.harm, cell.bad) == (Harm.SLOWER, True)


def test_latency_at_two_strengths_is_two_columns_links_before_services():
    """The weaker first; rows of links, then of services."""
    made = planted(
        [
            service("db", "kill"),
            link("web-db", "latency", delay_ms=2000),
            link("web-db", "outage"),
            link("web-db", "latency", delay_ms=300),
        ]
    ).matrix
    assert made.columns == ("latency 300 ms", "latency 2000 ms", "outage", "kill")
    assert made.rows == (("link", "web-db"), ("service", "db"))
    found = made.cell("link", "web-db", "latency 300 ms")
    assert found is not None
    assert found.planned.delay_ms == 300


def test_the_matrix_is_json_and_the_same_each_time():
    """No infinity, no set, no order that changes."""
    plants = [link("web-db", "outage", {"*": refused()}), service("db", "freeze", {"*": waits()})]
    first, second = (json.dumps(planted(plants).matrix.to_json(), allow_nan=False) for _ in range(2))
    assert first == second
    assert json.loads(first)["counts"]["down"] == 2


def test_a_sweep_is_a_survey():
    """Whatever it found, 0; 4 where a cell is unknown; 1 only for a harm that was named, or for a worse one."""
    bad = planted([link("web-db", "outage", {"*": refused()}), link("web-search", "outage")]).matrix
    assert exit_code(bad) == 0
    assert [exit_code(bad, fail_on(word)) for word in ("slower", "degraded", "down", "not-back")] == [1, 1, 1, 0]
    unknown = planted([link("web-mail", "outage", crossed=False)]).matrix
    assert (exit_code(unknown), exit_code(unknown, Harm.SLOWER)) == (4, 4)
    with pytest.raises(ValueError, match="not-back"):
        fail_on("broken")


def test_a_little_harm_does_not_fail_a_build():
    """A shift of 100 ms is told, and no failure even where slower is."""
    made = planted([link("web-db", "latency", {"*": slower(100)}, delay_ms=100)]).matrix
    assert exit_code(made, Harm.SLOWER) == 0

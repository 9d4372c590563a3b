"""What a sweep cannot know of a cell is unknown, with the reason: unharmed would be a pass on nothing."""

from __future__ import annotations

import pytest

from harness.record import Mark
from harness.sweep.cells import Harm
from harness.sweep.matrix import matrix
from tests.builders import generator_readings
from tests.sweep.planted import link, planted, refused, service, waits


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"readings": []}, "its traffic was not read"),
        ({"calm_s": 0.2}, "fewer than 20 requests in the calm"),
        ({"marks": [Mark("end", 13.0, {"reason": "interrupted"})]}, "it was cut short"),
        ({"fails": lambda _: 0.9}, "it failed before anything was broken"),
    ],
)
def test_what_cannot_be_known_is_unknown_with_its_reason(more, reason):
    """No traffic readings, too few requests, no end, no health before: each says which."""
    if more.get("readings") == []:
        more = {"readings": generator_readings(30)}
    cell = planted([link("web-db", "outage", {"*": refused()})], **more).only()
    assert (cell.harm, cell.during) == (Harm.UNKNOWN, Harm.UNKNOWN)
    assert cell.reason.startswith(reason)


def test_few_requests_that_fare_well_are_unknown():
    """Nothing is known to be unharmed on 14 requests."""
    cell = planted([link("web-db", "outage")], rate_per_s=2.0).only()
    assert (cell.harm, cell.reason) == (Harm.UNKNOWN, "fewer than 20 requests while it was in")


def test_a_link_that_nothing_crossed_is_unknown():
    """Unharmed would be a pass on nothing."""
    cells = planted([link("web-mail", fault, crossed=False) for fault in ("outage", "blackhole")]).matrix.cells
    assert {(cell.harm, cell.reason) for cell in cells} == {(Harm.UNKNOWN, "no traffic crossed it")}


def test_what_goes_round_toxiproxy_makes_its_link_unknown():
    """Nobody knows then what the fault did, whatever the requests say."""
    made = planted([link("web-db", "outage"), link("web-search", "outage")])
    at_s = made.history.windows[0].start_s + 2
    past = [(at_s, "web-db", "bypass_connections", 3.0), (at_s, "web-search", "bypass_connections", 0.0)]
    cells = planted(
        [link("web-db", "outage"), link("web-search", "outage")], readings=[*_rows(made.history), *past]
    ).matrix.cells
    assert [cell.harm for cell in cells] == [Harm.UNKNOWN, Harm.UNHARMED]
    assert cells[0].reason == "connections went round Toxiproxy"


def test_any_total_that_grew_tells_that_a_link_was_crossed():
    """Bytes that stand still, as they do after connections were closed from both ends, do not hide the round trips."""
    made = planted([link("web-mail", "outage", crossed=False)])
    trips = [(0.5 * step, "web-mail", "round_trips", float(step)) for step in range(24)]
    cell = planted([link("web-mail", "outage", crossed=False)], readings=[*_rows(made.history), *trips]).only()
    assert cell.harm is Harm.UNHARMED


def test_connections_that_are_reset_need_not_be_seen():
    """They end between two readings: traffic just before tells as well. Silence is another matter."""
    made = planted([link("web-mail", "outage", crossed=False)])
    before = [(0.5 * step, "web-mail", "received_bytes", 100.0 * min(step, 23)) for step in range(60)]
    rows = [row for row in _rows(made.history) if row[1] != "web-mail"]
    cells = [planted([link("web-mail", fault)], readings=[*rows, *before]).only() for fault in ("reset", "blackhole")]
    assert [cell.harm for cell in cells] == [Harm.UNHARMED, Harm.UNKNOWN]


def test_a_service_is_crossed_where_any_of_its_links_is():
    """db has two clients, and one of them is enough."""
    mail, db = planted([service("mail", "kill", crossed=False), service("db", "kill")]).matrix.cells
    assert (mail.reason, db.harm) == ("no traffic crossed it", Harm.UNHARMED)
    rows = [row for row in _rows(planted([service("db", "kill")]).history) if row[1] != "web-db"]
    still = [(float(step), "web-db", "received_bytes", 0.0) for step in range(24)]
    assert planted([service("db", "kill")], readings=[*rows, *still]).only().harm is Harm.UNHARMED


def test_what_crossed_once_a_link_was_cut_does_not_count():
    """Of a cut link the traffic before it tells, and nothing else."""
    rows = [row for row in _rows(planted([link("web-mail", "outage")]).history) if row[1] != "web-mail"]
    within = [(float(step), "web-mail", "received_bytes", max(0.0, step - 13.0)) for step in range(24)]
    cell = planted([link("web-mail", "outage")], readings=[*rows, *within]).only()
    assert cell.reason == "no traffic crossed it"


def test_the_entry_is_crossed_by_what_the_load_sent():
    """No link leads to it, and none need be read."""
    readings = generator_readings(24)
    assert planted([service("web", "kill", {"*": refused()})], readings=readings).only().harm is Harm.DOWN


@pytest.mark.parametrize(
    "limited", [{"cpu_cores": 0.99}, {"dropped": 9.0}], ids=["its core was used up", "arrivals were dropped"]
)
def test_a_limited_generator_makes_its_windows_unknown(limited):
    """A core used up, or arrivals dropped in the calm."""
    plants = [link("web-db", "outage")]
    rows = [row for row in _rows(planted(plants).history) if row[1] != "generator"]
    cell = planted(plants, readings=[*rows, *generator_readings(30, **limited)]).only()
    assert cell.harm is Harm.UNKNOWN
    assert "generator was limited" in cell.reason


def test_late_arrivals_make_their_window_unknown_and_no_other():
    """A generator that lagged in one window tells nothing of that one, and the truth of the next."""
    made = planted([link("web-db", "outage"), link("web-search", "outage")])
    first = made.history.windows[0]
    samples = made.history.samples
    inside = samples["intended_ns"].between(first.start_s * 1e9, first.end_s * 1e9)
    samples.loc[inside, "service_ms"] -= 60.0
    cells = matrix(made.sweep, [("runs/1", made.history)]).cells
    assert [cell.harm for cell in cells] == [Harm.UNKNOWN, Harm.UNHARMED]
    assert cells[0].reason == "the load generator was limited: arrivals started late"


def test_what_is_down_stays_down_where_arrivals_are_a_little_late():
    """Tens of milliseconds say nothing on whether anything was served; hundreds do."""
    for late_ms, harm in ((60.0, Harm.DOWN), (300.0, Harm.UNKNOWN)):
        made = planted([link("web-db", "blackhole", {"*": waits()})])
        made.history.samples["service_ms"] -= late_ms
        first = made.history.windows[0]
        calm = made.history.samples["intended_ns"] < first.start_s * 1e9
        made.history.samples.loc[calm, "service_ms"] += late_ms
        assert matrix(made.sweep, [("runs/1", made.history)]).cells[0].harm is harm


def test_a_fault_that_hit_nothing_is_not_blamed_for_what_came_after():
    """Nothing crossed the link: that goodput went away later is no harm of it, and makes the next cell unknown."""
    hit_nothing = link("web-mail", "outage", crossed=False, not_back=True, dark_s=10.0)
    first, second = planted([hit_nothing, link("web-db", "outage")]).matrix.cells
    assert (first.harm, first.reason) == (Harm.UNKNOWN, "no traffic crossed it")
    assert second.reason == f"the stack was not back from {first.planned.window}"


@pytest.mark.parametrize(("behaviours", "harm"), [({}, Harm.UNKNOWN), ({"*": refused()}, Harm.DOWN)])
def test_a_stack_that_a_limited_generator_watched_is_not_called_away(behaviours, harm):
    """Goodput went away as the load process used up its core after the heal: what was seen before that stands."""
    plant = link("web-db", "outage", behaviours, not_back=True, dark_s=10.0)
    rows = [row for row in _rows(planted([plant]).history) if row[1] != "generator"]
    limited = [(float(s), "generator", "cpu_cores", 0.3 if s <= 20 else 1.0) for s in range(1, 31)]
    cell = planted([plant], readings=[*rows, *limited]).only()
    assert (cell.harm, cell.back_s) == (harm, None)
    assert cell.reason == ("after it, the load generator was limited: it used up its core" if not behaviours else "")


def test_arrivals_dropped_in_one_window_spoil_no_other_and_no_harm():
    """What is down stays down where users ran out in waiting; what looks unharmed then is unknown."""
    plants = [link("web-db", "blackhole", {"*": waits()}), link("web-search", "outage"), link("web-reviews", "outage")]
    made = planted(plants)
    at_s = [window.start_s + 2 for window in made.history.windows[:2]]
    dropped = [(second, "generator", "dropped", 7.0) for second in at_s]
    cells = planted(plants, readings=[*_rows(made.history), *dropped]).matrix.cells
    assert [cell.harm for cell in cells] == [Harm.DOWN, Harm.UNKNOWN, Harm.UNHARMED]
    assert cells[0].dropped_arrivals == 7


def test_a_cell_that_was_not_run_says_how_the_sweep_ended():
    """Its window is in no run."""
    made = planted([link("web-db", "outage")], marks=[Mark("end", 24.0, {"reason": "interrupted"})])
    history = made.history
    late = planted([link("web-db", "outage"), link("web-search", "outage")]).sweep
    cell = matrix(late, [("runs/1", history)]).cells[1]
    assert (cell.harm, cell.reason) == (Harm.UNKNOWN, "it was not run: the sweep was interrupted before it")
    assert matrix(late, []).cells[0].reason == "it was not run: no run of it was begun"


def test_a_later_run_has_a_calm_of_its_own():
    """A stack started anew is compared with itself: twice as slow as the one before is unharmed."""
    first, second = planted([link("web-db", "outage")]), planted([link("web-search", "noop")], drift=lambda _: 2.0)
    sweep = planted([link("web-db", "outage"), link("web-search", "noop")]).sweep
    cells = matrix(sweep, [("runs/1", first.history), ("runs/2", second.history)]).cells
    assert [(cell.harm, cell.run) for cell in cells] == [(Harm.UNHARMED, "runs/1"), (Harm.UNHARMED, "runs/2")]


def _rows(history):
    """The readings of a history as builders make them."""
    return list(history.resources.itertuples(index=False, name=None))

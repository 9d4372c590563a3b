"""What the sentences say of planted sweeps, word for word."""

from __future__ import annotations

import re

import pytest

from harness.record import Mark, Outcome
from harness.sweep.matrix import matrix
from harness.sweep.sentences import Group, sentences
from harness.sweep.words import word
from tests.sweep.planted import gives_up, link, planted, refused, service, slower, some, waits


def said(plants, group=None, **more):
    """The sentences of a group, or all of them."""
    return [one.text for one in sentences(planted(plants, **more).matrix) if group in (None, one.group)]


def test_a_hard_dependency_is_named_with_what_was_served():
    """The client, the service, and the share of requests while the link was cut."""
    assert said([link("web-db", "outage", {"*": refused()})]) == [
        "web cannot live without db: with web-db cut 0 % of requests were served."
    ]


def test_an_endpoint_that_needs_a_service_is_named():
    """And that the others do not notice, where they do not."""
    assert said([link("web-reviews", "outage", {"GET /reviews": refused()})]) == [
        "GET /reviews cannot live without reviews; the other endpoints do not notice."
    ]


def test_endpoints_beside_it_that_do_notice_are_not_said_not_to():
    """Where another endpoint is slower the sentence keeps to what was served."""
    plants = [link("web-reviews", "outage", {"GET /reviews": refused(), "GET /catalogue": slower(300)})]
    assert said(plants, Group.HARD) == [
        "GET /reviews cannot live without reviews: with web-reviews cut 0 % of its requests were served."
    ]


def test_a_service_behind_a_told_link_is_not_told_again():
    """Killing db says nothing that cutting web-db has not said."""
    plants = [service("db", "kill", {"*": refused()}), link("web-db", "outage", {"*": refused()})]
    assert len(said(plants, Group.HARD)) == 1
    alone = [service("db", "kill", {"*": refused()}), link("web-db", "outage", crossed=True)]
    assert said(alone, Group.HARD) == ["web cannot live without db: with db killed 0 % of requests were served."]


def test_what_is_only_missed_in_silence_is_no_hard_dependency():
    """Who lives with a link that is cut can live without the service; what is missing is a timeout."""
    plants = [link("web-search", "outage"), link("web-search", "blackhole", {"*": waits()})]
    assert said(plants, Group.HARD) == []
    assert said(plants, Group.FEWER) == ["With web-search silent 0 % of requests were served."]


def test_a_service_that_is_late_is_no_hard_dependency():
    """It was there; that nobody waited for it is told as such."""
    plants = [link("web-db", "latency", {"*": gives_up(1.0)}, delay_ms=2000)]
    assert said(plants) == [
        "With web-db slow by 2000 ms 0 % of requests were served.",
        "web gives up on db after 1.0 s.",
    ]


def test_who_waits_for_ever_is_told_with_how_long_was_looked():
    """No timeout in the whole of the window."""
    plants = [link("web-search", "blackhole", {"*": waits()}, window_s=20)]
    assert said(plants, Group.WAITS) == ["web waits for ever for search: no timeout was seen in 20 s."]


def test_a_frozen_service_says_no_more_than_its_silent_link():
    """Who waits for db is told once."""
    plants = [service("db", "freeze", {"*": waits()}, window_s=12), link("web-db", "blackhole", {"*": waits()})]
    assert said(plants, Group.WAITS) == ["web waits for ever for db: no timeout was seen in 8 s."]


def test_where_one_endpoint_waits_it_is_named():
    """The others have their timeouts, or no need."""
    plants = [link("web-reviews", "blackhole", {"GET /reviews": waits()}, window_s=10)]
    assert said(plants, Group.WAITS) == ["web waits for ever for reviews in GET /reviews: no timeout was seen in 10 s."]


def test_who_gives_up_is_told_with_its_patience():
    """The dependency's timeout as it is seen from outside."""
    plants = [link("orders-db", "blackhole", {"*": gives_up(1.0, Outcome.OK)})]
    assert said(plants, Group.GAVE_UP) == ["orders gives up on db after 1.0 s."]


def test_what_came_back_late_is_told_from_the_heal_on():
    """Three seconds after the database was there again."""
    plants = [service("db", "kill", {"*": refused()}, dark_s=3.0), link("orders-db", "outage", {"*": refused()})]
    assert said(plants, Group.BACK_LATE) == ["orders came back 3 s after db was started again."]
    cut = [link("web-db", "outage", {"*": refused()}, dark_s=3.0)]
    assert said(cut, Group.BACK_LATE) == ["web came back 3 s after web-db was whole again."]


def test_what_did_not_come_back_is_told_with_how_long_was_watched():
    """And is not also told to have come back."""
    plants = [service("db", "kill", {"*": refused()}, dark_s=10.0, not_back=True)]
    assert said(plants, Group.NOT_BACK) == [
        "After db was killed the stack did not come back: goodput was not back 10 s after."
    ]
    assert said(plants, Group.BACK_LATE) == []


def test_what_is_slower_is_told_once_a_row():
    """Both strengths of one link in one sentence, with the endpoint that was hit worst."""
    plants = [
        link("web-db", "latency", {"GET /reviews": slower(104)}, delay_ms=100),
        link("web-db", "latency", {"GET /reviews": slower(2004)}, delay_ms=2000),
    ]
    assert said(plants, sigma=0.0) == [
        "With web-db slow by 100 ms GET /reviews takes 104 ms longer; "
        "with it slow by 2000 ms GET /reviews takes 2.00 s longer."
    ]


def test_every_endpoint_that_is_slower_is_named():
    """The latest first; beside others that lost requests; and in one word where there is no other."""
    hit = {"GET /catalogue": some(0.5, refused()), "GET /reviews": slower(304), "POST /checkout": slower(2004)}
    assert said([link("web-db", "latency", hit, delay_ms=2000, window_s=12)], Group.SLOWER, sigma=0.0) == [
        "With web-db slow by 2000 ms POST /checkout takes 2.00 s and GET /reviews 304 ms longer."
    ]
    every = {"GET /catalogue": slower(100), "GET /reviews": slower(304), "POST /checkout": slower(2004)}
    assert said([link("web-db", "latency", every, delay_ms=2000, window_s=12)], Group.SLOWER, sigma=0.0) == [
        "With web-db slow by 2000 ms every endpoint takes 100 ms to 2.00 s longer."
    ]


def test_a_median_that_stood_is_not_said_to_have_moved():
    """Where a fifth is slow the sentence is of the slowest twentieth."""
    plants = [link("web-db", "latency", {"GET /catalogue": some(0.2, slower(300))}, delay_ms=300)]
    (text,) = said(plants, sigma=0.0)
    assert text == "With web-db slow by 300 ms the slowest twentieth of GET /catalogue takes 300 ms longer."


def test_a_share_that_was_served_is_told_of_its_endpoint():
    """The endpoint that was hit worst."""
    plants = [service("search", "freeze", {"GET /catalogue": some(0.38, refused())})]
    (text,) = said(plants)
    assert text.startswith("With search frozen 6")
    assert text.endswith(" % of GET /catalogue were served.")


def test_shares_of_one_row_are_one_sentence():
    """Each with its fault, the endpoint named once."""
    lost = {"GET /catalogue": some(0.5, refused())}
    plants = [link("web-search", fault, lost) for fault in ("outage", "blackhole", "reset")]
    (text,) = said(plants)
    assert re.fullmatch(
        r"With web-search cut \d\d % of GET /catalogue, with it silent \d\d %, with it reset \d\d % were served\.", text
    )


def test_cells_that_are_alike_are_told_together():
    """A row of which all is so, then the columns in which the same links are."""
    plants = [link(name, fault) for fault in ("outage", "reset") for name in ("web-db", "web-reviews", "web-search")]
    plants += [link("web-reviews", "blackhole", {"*": refused()}), link("web-search", "blackhole", {"*": refused()})]
    assert said(plants, Group.UNHARMED) == [
        "Not noticed: every fault of web-db; outage and reset of web-reviews and web-search."
    ]


def test_a_restart_that_nobody_notices_is_told():
    """What may be restarted in one line, all else that is unharmed in another."""
    plants = [service("search", "kill"), link("web-search", "outage"), link("web-reviews", "outage")]
    assert said(plants) == [
        "A restart of search is not noticed.",
        "Not noticed: outage of web-search and web-reviews.",
    ]


def test_the_entry_is_told_apart():
    """That the load finds nobody at the entry is no dependency."""
    plants = [service("web", "kill", {"*": refused()}), service("web", "freeze", {"*": waits()})]
    assert said(plants) == ["web is the entry: with it killed or frozen nothing is served, as it must be."]


def test_what_is_unknown_is_one_line_a_reason():
    """All cells of one reason together, the most frequent reason first."""
    plants = [
        link("web-db", "outage", {"*": refused()}, dark_s=10.0, not_back=True),
        link("web-search", "outage"),
        link("web-mail", "outage", crossed=False),
        link("web-mail", "blackhole", crossed=False),
    ]
    assert said(plants, Group.UNKNOWN) == [
        "No traffic crossed it: every fault of web-mail.",
        "The stack was not back from outage web-db {}: outage of web-search.",
    ]


def test_an_unknown_cell_makes_no_claim():
    """Clients that waited while the generator was limited are no finding."""
    plants = [link("web-db", "blackhole", {"*": waits()}), link("web-db", "outage", {"*": gives_up(1.0)})]
    ended = [Mark("died", 14.0, {"service": "the load process"}), Mark("end", 24.0, {"reason": "complete"})]
    texts = said(plants, marks=ended)
    assert [text for text in texts if "waits" in text] == []
    assert any(text.startswith("The load process died") for text in texts)
    made = planted(
        [link("web-search", "blackhole", {"*": waits()}), link("orders-db", "blackhole", {"*": gives_up(1.0)})]
    )
    made.history.samples["service_ms"] -= 300.0 * (made.history.samples["intended_ns"] > 12e9)
    told = sentences(matrix(made.sweep, [("runs/1", made.history)]))
    assert [one.group for one in told] == [Group.UNKNOWN]


def test_the_worst_comes_first():
    """Groups in their order, whatever the order of the cells; and within a group all before some."""
    plants = [
        link("web-mail", "outage", crossed=False),
        link("web-search", "outage"),
        link("web-db", "latency", {"*": slower(100)}, delay_ms=100),
        link("web-reviews", "outage", {"GET /reviews": refused()}),
        link("web-db", "outage", {"*": refused()}),
    ]
    told = sentences(planted(plants).matrix)
    assert [one.group for one in told] == [
        Group.HARD,
        Group.HARD,
        Group.SLOWER,
        Group.UNHARMED,
        Group.UNKNOWN,
    ]
    assert "db" in told[0].text
    assert told[0].windows == ("outage web-db {}",)


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (link("web-db", "outage", {"*": refused()}), "down"),
        (link("web-db", "outage", {"GET /reviews": refused()}), "1 of 3 down"),
        (link("web-db", "outage"), "unharmed"),
        (link("web-db", "latency", {"*": slower(104)}, delay_ms=100), "+104 ms"),
        (link("web-mail", "outage", crossed=False), "?"),
        (link("web-db", "outage", {"*": refused()}, dark_s=10.0), "not back"),
        (service("web", "kill", {"*": refused()}), "down (entry)"),
    ],
)
def test_a_cell_in_a_word(plant, expected):
    """What stands in the matrix."""
    assert word(planted([plant], sigma=0.0).only()) == expected

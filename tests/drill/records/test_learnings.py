"""Learnings and follow-ups: who does what until when, and what is late."""

from __future__ import annotations

from datetime import date

import pytest

from harness.drill.records import chain
from harness.drill.records.learnings import close, learn, overdue, read
from harness.errors import HarnessError
from tests.drill.records.chains import QUIET, body


def test_a_learning_is_read_with_the_drill_that_taught_it(five):
    """Noted where nobody is asked for anything."""
    learn(five, 2, " keep two dumps\n")
    (found,) = read(chain.read_chain(five))
    assert (found.seq, found.about, found.drill, found.text) == (6, 2, "database-loss", "keep two dumps")
    assert (found.state, found.owner, found.due, found.closed_by) == ("noted", "", None, 0)


def test_learnings_of_one_drill_are_its_own(five):
    """The page of a drill shows what that drill taught."""
    learn(five, 2, "of the second")
    learn(five, 4, "of the fourth")
    assert [one.text for one in read(chain.read_chain(five), about=4)] == ["of the fourth"]


def test_a_follow_up_is_late_after_its_day_until_it_is_closed(five):
    """On its day it is not; closed, it never is, and its record says by which record."""
    learn(five, 1, "buy a disk", owner="ben", due="2026-10-15")
    learn(five, 1, "keep two dumps", owner="ana", due="2026-10-01")
    records = chain.read_chain(five)
    assert overdue(records, date(2026, 10, 1)) == []
    assert [one.owner for one in overdue(records, date(2026, 11, 1))] == ["ana", "ben"]
    closing = close(five, 7, "done by cron")
    (late,) = overdue(chain.read_chain(five), date(2026, 11, 1))
    assert late.seq == 6
    closed = read(chain.read_chain(five))[1]
    assert (closed.state, closed.closed_by, closed.text) == ("closed", closing.seq, "keep two dumps")
    assert closing.body["text"] == "done by cron"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"about": 9}, r"record 9 is no drill; the last ones are: 1 \(database-loss\)"),
        ({"about": 6}, "record 6 is no drill"),
        ({"text": " "}, "a learning is a sentence"),
        ({"owner": "ana"}, "an owner and a day"),
        ({"due": "2026-12-31"}, "an owner and a day"),
        ({"owner": "ana", "due": "31.12.2026"}, "a day is written as 2026-12-31; given '31.12.2026'"),
        ({"state": "done"}, "unknown state 'done'; allowed: closed, noted, open"),
        ({"state": "open"}, "an owner and a day"),
        ({"state": "noted", "owner": "ana"}, "what is only noted has no owner"),
    ],
)
def test_what_is_no_learning_is_refused(five, given, says):
    """By what was given, and nothing is written."""
    learn(five, 1, "the sixth record")
    with pytest.raises(HarnessError, match=says):
        learn(five, **{"about": 1, "text": "keep two dumps", **given})
    assert len(chain.read_chain(five)) == 6


def test_what_is_no_open_follow_up_is_not_closed(five):
    """A drill, a number that is not there, one that is closed: with what is open."""
    learn(five, 1, "keep two dumps", owner="ana", due="2026-10-01")
    learn(five, 1, "buy a disk", owner="ben", due="2026-10-15")
    close(five, 6)
    for number, why in ((1, "it is none"), (99, "it is none"), (6, "record 8 closed it")):
        with pytest.raises(HarnessError, match=f"{number} is no open follow-up: {why}; open are: 7"):
            close(five, number)


def test_a_learning_may_be_written_between_drills(five):
    """The chain goes on over all kinds."""
    learn(five, 5, "keep two dumps")
    chain.append(five, "drill", body(), **QUIET)
    assert [one.kind for one in chain.read_chain(five)][-3:] == ["drill", "learning", "drill"]

"""Whether a fault on a service was felt: what crossed its links, what the load sent to it, or its own end."""

from __future__ import annotations

import pytest

from harness.checks.trust import fault_felt
from harness.record import Mark, Word
from tests.builders import history, steady, window

LINKS = {"api-postgres": ("api", "postgres"), "api-payments": ("api", "payments")}
CROSSING = [(6, 0), (9, 900), (12, 1500), (19, 1900)]


def _felt(windows, readings=(), marks=None, samples=(), entry="api"):
    """The word and the sentence of the last window."""
    resources = [(at, link, "received_bytes", value) for link, values in readings for at, value in values]
    built = history(samples or steady(50, 0, 30), windows, resources, end_s=30, marks=marks, links=LINKS, entry=entry)
    verdict = fault_felt(built, built.windows[-1])
    return verdict.word, verdict.sentence


@pytest.mark.parametrize(
    ("service", "link", "word"),
    [
        ("postgres", "api-postgres", Word.PASS),
        ("api", "api-postgres", Word.PASS),
        ("api", "api-payments", Word.PASS),
        ("postgres", "api-payments", Word.UNKNOWN),
    ],
)
def test_traffic_on_any_of_its_links_is_felt(service, link, word):
    """As the server of a link or as its client; and not what crossed a link of others."""
    found, sentence = _felt([window("squeeze", 10, 20, service=service)], [(link, CROSSING)], entry="")
    assert found is word, sentence


def test_a_service_that_is_gone_felt_it_by_the_traffic_before():
    """Nothing crosses while it is gone, and that is no reason to doubt."""
    gone = window("kill", 10, 20, service="postgres", cuts=True)
    assert _felt([gone], [("api-postgres", [(6, 0), (9, 900), (12, 900), (19, 900)])])[0] is Word.PASS
    assert _felt([gone], [("api-postgres", [(6, 900), (9, 900), (12, 900), (19, 900)])])[0] is Word.UNKNOWN


def test_the_entry_is_felt_by_what_the_load_sends_to_it():
    """No link of ours leads to it."""
    assert _felt([window("squeeze", 10, 20, service="api")])[0] is Word.PASS
    assert _felt([window("squeeze", 10, 20, service="api")], samples=steady(50, 0, 9))[0] is Word.UNKNOWN


def test_a_cut_in_the_shadow_of_another_is_felt_by_the_traffic_before_the_first():
    """A service that is killed while its link is closed, and a link that is closed while its service is gone."""
    readings = [("api-postgres", [(6, 0), (9, 900), (12, 900), (24, 900)])]
    closed, gone = window("a", 10, 20, "api-postgres", cuts=True), window("b", 15, 25, service="postgres", cuts=True)
    assert _felt([closed, gone], readings)[0] is Word.PASS
    gone, closed = window("a", 10, 20, service="postgres", cuts=True), window("b", 15, 25, "api-postgres", cuts=True)
    assert _felt([gone, closed], readings)[0] is Word.PASS


def test_another_place_that_was_cut_says_nothing_of_this_one():
    """The traffic before somebody else's cut is not the traffic before this one."""
    other = window("a", 10, 20, "api-payments", cuts=True)
    gone = window("b", 18, 25, service="postgres", cuts=True)
    assert _felt([other, gone], [("api-postgres", [(6, 0), (9, 900), (14, 900), (24, 900)])])[0] is Word.UNKNOWN


def test_a_service_that_ended_under_a_squeeze_has_felt_it():
    """Nothing crosses to what was killed for its memory; its end is evidence enough, in its window and of itself."""
    squeezed = window("memory", 10, 20, service="postgres")
    word, sentence = _felt([squeezed], marks=[Mark("fell", 10.2, {"service": "postgres"})])
    assert (word, sentence) == (Word.PASS, "postgres ended under it at 10.2 s.")
    assert _felt([squeezed], marks=[Mark("fell", 25.0, {"service": "postgres"})])[0] is Word.UNKNOWN
    assert _felt([squeezed], marks=[Mark("fell", 10.2, {"service": "payments"})])[0] is Word.UNKNOWN

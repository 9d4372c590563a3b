"""The facts of a sweep's links in its report: each place that shows them, and no place where no link had a tap."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.record import Mark
from harness.report import sweep as report
from tests.attempts import OK, REFUSED, attempt, attempts
from tests.sweep.planted import LINKS, link, planted, refused, sweep_folder

TRIES = 3
LINE = "web calls db 3.0 times as often with web-db cut as in calm: it retries, or asks anew for what it keeps in calm"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep in which web tries to reach the db three times, and nothing that crosses web-search is HTTP."""
    path = tmp_path_factory.mktemp("sweep") / "20260101T000000Z"
    made = planted([link("web-db", "outage", {"*": refused()})])
    (window,) = made.history.windows
    rows = []
    for at_s in made.history.samples["intended_ns"].to_numpy() / 1e9:
        is_cut = window.start_s <= at_s < window.end_s
        more = {"method": "GET", "path": "/<b>", "request_bytes": 0, "link": "web-db"}
        rows += [attempt(at_s + n / 100, REFUSED if is_cut else OK, **more) for n in range(TRIES if is_cut else 1)]
    told = [Mark("tap", None, {"link": name, "http": 1, "others": 0}) for name in ("web-db", "web-mail")]
    told.append(Mark("tap", None, {"link": "web-search", "http": 0, "others": 4}))
    made.history = replace(made.history, attempts=attempts(rows), marks=(*made.history.marks, *told))
    sweep_folder(path, made)
    report.build(path)
    return path


def test_the_page_has_a_line_a_link(folder):
    """Whether each retries and has a breaker, with how it is known; and each window's numbers."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'id="facts"' in page
    assert LINE in page
    assert "carries no HTTP/1.1, so its calls cannot be told apart" in page
    assert "has no tap, so its calls were not seen" in page
    assert "<summary>web-db, every fault that its calls felt</summary>" in page
    assert "<b>" not in page


def test_the_summary_has_a_line_a_link(folder):
    """The same words, for a pull request."""
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert f"- web-db: {LINE}; calls went on with web-db cut: no breaker seen" in summary
    assert "- web-mail: nothing crossed it" in summary


def test_programs_read_the_facts_as_numbers(folder):
    """In matrix.json, a link at a time, by name."""
    found = json.loads((folder / "matrix.json").read_text(encoding="utf-8"))["facts"]
    assert [one["link"] for one in found] == sorted(LINKS)
    of_db = next(one for one in found if one["link"] == "web-db")
    assert (of_db["retries"], of_db["breaker"]) == ("yes", "no")
    (window,) = of_db["windows"]
    assert (window["calls"], window["failed"]) == pytest.approx((TRIES * 480, TRIES * 480), abs=3)
    assert window["retries"]["ratio"] == pytest.approx(TRIES, abs=0.01)


def test_a_sweep_without_taps_says_nothing_of_them(tmp_path):
    """As one of before there were any: no section, no line, an empty list."""
    path = sweep_folder(tmp_path / "old", planted([link("web-db", "outage", {"*": refused()})]))
    assert report.build(path).facts == ()
    assert 'id="facts"' not in (path / "report.html").read_text(encoding="utf-8")
    assert "Retries and breakers" not in (path / "summary.md").read_text(encoding="utf-8")

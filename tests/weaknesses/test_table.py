"""The matrix of hand-built results: caught, missed, alarms, and what is never caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report.weaknesses import build, page
from harness.weaknesses.record import read, write
from harness.weaknesses.table import NOT_RUN, Seen, bound_in_words, headline, row, table
from tests.weaknesses.planted import FAIL, PASS, UNKNOWN, digests, done, planned

QUESTIONS = {"late": "Is it | late?", "gone": "Is it gone?"}


@pytest.fixture
def named(tmp_path):
    return {one.name: one for one in planned(tmp_path)}


def _all_well(named):
    """Every weakness caught, every calm run quiet."""
    record = {one.key: done(one) for one in named.values()}
    for name, words in (("slow in late", [FAIL]), ("fragile in late", [FAIL, FAIL]), ("fragile in gone", [PASS, FAIL])):
        record[named[name].key] = done(named[name], *words)
    return record


def _table(named, record):
    trials = list(named.values())
    return table(trials, record, digests(trials), variable="WEAKNESS", stack="embedded")


@pytest.mark.parametrize(
    ("name", "words", "seen", "cells"),
    [
        ("slow in late", [PASS, PASS, FAIL], "caught", ["caught", "passes"]),
        ("slow in late", [FAIL, UNKNOWN], "caught", ["caught", "unknown"]),
        ("slow in late", [PASS, FAIL, PASS], "missed", ["missed", "fails too"]),
        ("slow in late", [PASS, PASS, UNKNOWN], "unknown", ["unknown", "passes"]),
        ("fragile in gone", [PASS, FAIL], "caught", ["passes", "caught"]),
        ("fragile in gone", [PASS, PASS], "missed", ["missed", "missed"]),
        ("fragile in gone", [PASS, UNKNOWN], "unknown", ["passes", "unknown"]),
        ("calm late 1", [], "no alarm", ["passes", "passes"]),
        ("calm late 1", [PASS, FAIL], "false alarm", ["passes", "false alarm"]),
        ("calm late 1", [PASS, UNKNOWN], "unknown", ["passes", "unknown"]),
    ],
)
def test_a_run_is_what_its_checks_said(named, name, words, seen, cells):
    """Caught by a check that should see it, and by no other; an alarm in calm by any."""
    made = row(named[name], done(named[name], *words))
    assert (made.seen, list(made.cells.values())) == (seen, cells)


@pytest.mark.parametrize("name", ["slow in late", "calm late 1"])
def test_a_run_in_doubt_is_unknown_whatever_was_said(named, name):
    """It is never caught, and never an alarm."""
    made = row(named[name], done(named[name], FAIL, FAIL, FAIL, doubt="Generator-limited: late."))
    assert (made.seen, made.why) == (Seen.UNKNOWN, "Generator-limited: late.")
    assert {*made.cells.values()} == {Seen.UNKNOWN}


def test_a_check_that_was_not_asked_has_not_missed(named):
    """Where the baseline was bad already, a check of recovery said nothing."""
    one = done(named["fragile in gone"])
    made = row(named["fragile in gone"], replace(one, said=one.said[:1]))
    assert (made.seen, made.cells["Recovers"]) == (Seen.UNKNOWN, Seen.UNKNOWN)
    assert "Recovers was not asked" in made.why


def test_the_sentence_is_of_the_check_that_tells(named):
    """That failed where it was caught, that should have where it was missed."""
    late = named["slow in late"]
    assert row(late, done(late, PASS, FAIL, FAIL)).why == "LatencyBelow says fail."
    assert row(late, done(late, PASS, FAIL, PASS)).why == "LatencyBelow says pass."


def test_all_caught_and_no_alarm_exits_0(named):
    """And says how much no alarm in so few runs is worth."""
    shown = _table(named, _all_well(named))
    assert (shown.exit_code, shown.is_whole) == (0, True)
    assert headline(shown) == "2 of 2 weaknesses caught; no false alarm in 5 calm runs"
    assert bound_in_words(shown) == "No false alarm in 5 runs means at most 60 % of runs, at 95 %."


@pytest.mark.parametrize(
    ("name", "words", "exit_code", "says"),
    [
        ("fragile in gone", [PASS, PASS], 1, "1 of 2 weaknesses caught, 1 missed; no false"),
        ("fragile in gone", [UNKNOWN, PASS], 4, "1 of 2 weaknesses caught, 1 unknown; no false"),
        ("calm late 2", [FAIL], 1, "2 of 2 weaknesses caught; 1 false alarm in 5 calm runs"),
        ("calm late 2", [UNKNOWN], 4, "2 of 2 weaknesses caught; no false alarm in 4 calm runs, 1 unknown"),
    ],
)
def test_what_is_not_well_is_told_and_exits_so(named, name, words, exit_code, says):
    """A weakness that one of its scenarios misses is missed; unknown is counted apart."""
    shown = _table(named, {**_all_well(named), named[name].key: done(named[name], *words)})
    assert shown.exit_code == exit_code
    assert says in headline(shown)
    assert (bound_in_words(shown) == "") == ("1 false alarm" in says)


def test_what_other_code_gave_was_not_run(named):
    """A stale result is not shown as new."""
    record = _all_well(named)
    stale = named["slow in late"].key
    shown = _table(named, {**record, stale: replace(record[stale], digest="before")})
    assert (shown.exit_code, shown.is_whole) == (4, False)
    assert [one.trial.name for one in shown.rows if one.why == NOT_RUN] == ["slow in late"]


def test_a_record_is_read_as_it_was_written(named, tmp_path):
    """Word for word."""
    write(tmp_path / "matrix/embedded.json", _all_well(named))
    assert read(tmp_path / "matrix/embedded.json") == _all_well(named)
    assert read(tmp_path / "nothing.json") == {}


def test_the_page_has_a_row_a_weakness_and_one_of_the_calm(named):
    """What it quotes cannot break its tables."""
    record = _all_well(named) | {named["calm gone 2"].key: done(named["calm gone 2"], FAIL)}
    text = page(_table(named, record), QUESTIONS, {"greedy": "no check | of ours"})
    assert "| `slow` | **caught** | – | LatencyBelow says fail. |" in text
    assert "| `fragile` | fails too | **caught** | Availability says fail. |" in text
    assert "| *calm, 3* | no alarm in 3 | no alarm in 3 | no alarm |" in text
    assert "| *calm, 2* | **1 alarm in 2** | no alarm in 2 | 1 false alarm: Availability says fail. |" in text
    assert "- `greedy`: no check \\| of ours" in text
    assert "Is it \\| late?" in text


def test_the_same_results_give_the_same_bytes(named, tmp_path):
    """Page and picture; no date, no path of a machine."""
    written = []
    for name in ("one", "two"):
        build(_table(named, _all_well(named)), tmp_path / name, QUESTIONS, {})
        written.append([(tmp_path / name / file).read_bytes() for file in ("matrix.md", "matrix.png")])
    assert written[0] == written[1]
    assert str(tmp_path).encode() not in written[0][0]

"""The page and what it stands on: who counts, who does not, and that it is the same again."""

from __future__ import annotations

from harness.backup.killrate.good import Good, goods
from harness.backup.killrate.page import Tried, page, summary
from harness.backup.killrate.result import Kept, Result
from harness.backup.killrate.trials import Trial, trials
from harness.backup.mutants import MUTANTS, NOOP, find

ONE = Good("custom", "pg_dump -Fc", 18, "custom")
GOOD = (Trial(ONE), Result("good", word="pass"))
AGAIN = (Trial(ONE, NOOP), Result("noop", word="pass"))


def _mutant(name, word="fail", detectors=("restore",), **more):
    return Trial(ONE, find(name)), Result(name, word=word, detectors=detectors if word == "fail" else (), **more)


def test_all_caught_and_no_alarm_is_a_pass():
    """Then and only then the exit code is 0."""
    tried = Tried([GOOD, AGAIN, _mutant("truncated"), _mutant("empty")])
    assert tried.headline == "2 of 2 mutants caught (100 %); no false alarm on 2 good backups"
    assert tried.exit_code == 0
    assert Tried([GOOD]).exit_code == 1


def test_a_survivor_is_named_with_what_was_done():
    """It fails all of it."""
    tried = Tried([GOOD, _mutant("truncated"), _mutant("stale", "pass", damage="three days older")])
    assert tried.headline == "1 of 2 mutants caught (50.0 %); no false alarm on 1 good backups"
    assert "- `stale` on custom: three days older (pass)" in page(tried)
    assert "survived: `stale` on custom: three days older (pass)" in summary(tried)
    assert tried.exit_code == 1


def test_unknown_is_not_caught():
    """A verifier that could not tell has not seen it."""
    assert Tried([GOOD, _mutant("stale", "unknown")]).exit_code == 1


def test_one_survivor_of_many_is_not_rounded_away():
    """1,999 of 2,000 is not 100 %."""
    tried = Tried([GOOD, *[_mutant("truncated")] * 1999, _mutant("stale", "pass")])
    assert "1999 of 2000 mutants caught (99.9 %)" in tried.headline
    assert tried.exit_code == 1


def test_a_false_alarm_fails_even_with_all_caught():
    """Unknown on a good backup is one too."""
    for word in ("fail", "unknown"):
        bad = (Trial(ONE), Result("good", word=word, detectors=("globals",)))
        tried = Tried([bad, AGAIN, _mutant("truncated")])
        assert tried.exit_code == 1
        assert "1 false alarm on 2 good backups" in tried.headline


def test_a_detector_that_is_loud_on_the_good_backup_catches_nothing():
    """What it says of a mutant says nothing of the damage."""
    loud = (Trial(ONE), Result("good", word="fail", detectors=("globals",)))
    only = Tried([loud, _mutant("empty", detectors=("globals",))])
    assert "0 of 1 mutants caught" in only.headline
    also = Tried([loud, _mutant("empty", detectors=("globals", "row counts"))])
    assert "1 of 1 mutants caught" in also.headline


def test_what_changes_nothing_is_named_and_not_counted():
    """Nor what does not fit."""
    same = _mutant("bit-flipped", "pass", changes_nothing=True, damage="a bit of a date")
    other = (Trial(ONE, find("extension-missing")), Result("x", fits=False, damage="the database has no extension"))
    tried = Tried([GOOD, _mutant("truncated"), same, other])
    assert "1 of 1 mutants caught (100 %)" in tried.headline
    assert "- `bit-flipped` changes nothing on: custom" in page(tried)
    assert "- `extension-missing` finds nothing to damage on: custom" in page(tried)


def test_the_page_is_the_same_again():
    """It holds neither times nor how long anything took."""
    rows = [GOOD, _mutant("truncated", took_s=1.5)]
    slower = [GOOD, _mutant("truncated", took_s=9.9)]
    assert page(Tried(rows)) == page(Tried(slower))


def test_results_go_on_where_they_were_ended(tmp_path):
    """A line that a kill cut is tried again."""
    kept, one = Kept(tmp_path / "some" / "results.jsonl"), Result("one", word="fail", detectors=("restore",))
    kept.add(one)
    with (tmp_path / "some" / "results.jsonl").open("a") as file:
        file.write('{"key": "two", "wo')
    assert Kept(tmp_path / "some" / "results.jsonl").found == {"one": one}


def test_every_kind_is_tried_on_every_version():
    """Each mutant on a good backup of the newest version, and what is in the rows on all of them."""
    found = trials(goods((15, 16, 18)))
    newest = {one.mutant.name for one in found if one.mutant and one.good.major == 18}
    assert newest == {one.name for one in (*MUTANTS, NOOP)}
    for major in (15, 16):
        there = {one.mutant.name for one in found if one.mutant and one.good.major == major}
        assert {one.name for one in MUTANTS if one.on_content} <= there
    whole = {(one.good.name, one.mutant.name) for one in trials(goods((18,)), thorough=True) if one.mutant}
    assert ("base-tar", "amount-changed") in whole
    assert len({one.key for one in found}) == len(found)

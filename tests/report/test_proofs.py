"""The sections of proofs: what is in them, which charts, and that there is none where there is nothing to show."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from harness import Amplification, Breaker, Retries, report
from harness.record import Notice, Verdict, Word
from harness.report.proofs import LANES_MAX, LINKS_MAX, points, proofs
from tests import breakers
from tests.attempts import BUSY, HUNG, LINK, OK, attempts, calls, operation, operations
from tests.builders import history, run_folder, steady, window

WINDOW = window("payments slow", 10, 30, LINK)
ROWS = {"offered": 1200, "loaded": 1130, "quarantined": 41, "rejected": 12, "deduplicated": 10, "lost": 7, "twice": 3}


def jittered(number: int) -> list[float]:
    rng = random.Random(number)
    return [rng.uniform(0, 0.2), rng.uniform(0, 0.4)]


def seen(rows, **more):
    return history(steady(20, 0, 50), [WINDOW], end_s=50, attempts=attempts(rows), **more)


def retried(**more):
    """Calm, then operations that are tried three times with full jitter, then calm."""
    return seen([*calls(20, 0, 10), *operations(150, (HUNG,) * 3, jittered, every_s=0.13), *calls(20, 30, 50)], **more)


def notice(at_s: float, status: str, name: str, service: str) -> Notice:
    return Notice(at_s, status, name, {"service": service}, fingerprint=name + service)


def verdicts(built, *checks):
    return [check.check(built) for check in checks]


def names(built, judged=()):
    return {one.name: [picture.name for picture in one.pictures] for one in proofs(built, judged)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with retries, a breaker and rows, as its report is built."""
    built = retried()
    judged = verdicts(
        built,
        Retries(LINK, attempts=3, backoff_factor_min=2, jitter=True),
        Amplification(LINK, ratio_max=3),
        Breaker(LINK, opens_within_s=3),
    )
    judged.append(Verdict("Rows: feed to etl", Word.FAIL, "7 rows of <b>batch-7</b> were lost.", ROWS))
    made = run_folder(tmp_path_factory.mktemp("runs") / "run", built, judged)
    report.build(made)
    return made


def test_a_run_without_taps_has_no_section():
    """Nor has one without alerts and accounts, whatever was judged."""
    built = history(steady(20, 0, 50), [WINDOW], end_s=50)
    assert proofs(built, verdicts(built, Retries(LINK), Breaker(LINK, opens_within_s=3))) == []
    assert proofs(replace(built, notices=()), ()) == []


def test_calm_attempts_make_no_section():
    """A tap that saw each call once, and no silence, has nothing to show."""
    assert names(seen(calls(20, 0, 50))) == {}


def test_each_proof_has_its_section_and_charts():
    """Retries with their lanes and gaps, the breaker, the rows, the alerts; in this order."""
    built = replace(retried(), notices=(notice(13, "firing", "PaymentsDown", "payments"),))
    judged = [
        *verdicts(built, Retries(LINK), Breaker(LINK, opens_within_s=3)),
        Verdict("Rows: feed to etl", Word.FAIL, "", ROWS),
    ]
    assert list(names(built, judged).items()) == [
        ("retries", ["attempts-api-payments", "backoff-api-payments"]),
        ("breaker", ["breaker-api-payments"]),
        ("rows", ["rows-feed-to-etl"]),
        ("alerts", ["alerts"]),
    ]


def test_the_same_run_gives_the_same_bytes_again(folder):
    """Charts of proofs too: no die is cast for where a point lies."""

    def written():
        return {file.name: file.read_bytes() for file in (folder.report, folder.summary, *folder.charts.iterdir())}

    before = written()
    assert {"attempts-api-payments.png", "backoff-api-payments.png", "rows-feed-to-etl.png"} < set(before)
    report.build(folder)
    assert written() == before


def test_a_section_shows_its_verdicts_with_their_points(folder):
    """Between what users felt and the bottlenecks: the sentence, each point's sentence, the charts, all escaped."""
    text = folder.report.read_text(encoding="utf-8")
    order = [text.index(f'id="{name}"') for name in ("felt", "retries", "breaker", "rows", "bottlenecks")]
    assert order == sorted(order)
    section = text[order[2] : order[3]]
    assert "The breaker never opened" in section
    assert "Its 6 points" in section
    assert "It never opened in calm." in section
    assert "&lt;b&gt;batch-7&lt;/b&gt;" in text
    assert "<b>batch-7" not in text


def test_every_chart_of_a_proof_has_its_text(folder):
    """What kind of picture it is, and what it shows; and no two drawings share an id."""
    text = folder.report.read_text(encoding="utf-8")
    labels = re.findall(r'<figure role="img" aria-label="([^"]+)"', text)
    assert len(labels) == text.count("<figure")
    assert any(one.startswith("Gaps between tries on api-payments by their number") for one in labels)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_summary_tells_what_the_charts_show(folder):
    """A line a chart, under the heading of its section."""
    text = folder.summary.read_text(encoding="utf-8")
    assert "What was tried again:\n\n- 150 of 750 operations on api-payments were tried again" in text
    assert "What became of the rows:\n\n- Of 1,200 rows" in text


def test_a_check_of_some_calls_is_shown_by_those(folder):
    """`calls` and `gap_max_s` of a check are in its evidence, so that its chart is of what it judged."""
    rows = [*operations(20, (BUSY, BUSY, BUSY)), *operations(5, (BUSY, OK), (0.1,), method="GET", path="/health")]
    built = seen([*calls(20, 0, 10), *rows])
    judged = verdicts(built, Retries(LINK, calls="POST /charges"))
    (section,) = [one for one in proofs(built, judged) if one.name == "retries"]
    assert section.pictures[0].name == "attempts-api-payments-post-charges"
    assert section.pictures[0].title.startswith("20 of 220 operations on api-payments (POST /charges) were tried again")


def test_links_that_no_check_asked_of_are_shown_where_they_tried_most():
    """At most so many, and only what is surely one operation: a client that polls is no client that tries again."""
    rows = [one for n in range(9) for one in operations(n + 1, (BUSY, BUSY, OK), (0.1, 0.2), link=f"api-s{n}")]
    polls = operation("", 10, [BUSY] * 100, [0.1] * 99, link="api-polled")
    shown = names(seen([*rows, *polls]))["retries"]
    assert [one for one in shown if one.startswith("attempts")] == [f"attempts-api-s{n}" for n in (8, 7, 6, 5)]
    assert LINKS_MAX == 4


def test_names_of_files_hold_no_path():
    """A link or a call may hold anything, and two may become one name."""
    rows = [one for link in ("a/../b", "a b") for one in operations(6, (BUSY, OK), (0.1,), link=link)]
    assert names(seen(rows))["retries"] == ["attempts-a-b", "attempts-a-b-2"]


def test_a_lane_for_each_of_the_telling_operations():
    """Those that tried most are drawn, not all, and the others evenly over the time."""
    from harness.analysis.operations import operations as found_on
    from harness.analysis.operations import telling

    built = seen([*operations(100), *operations(2, (BUSY,) * 5, (0.1,) * 4, start_s=25)])
    assert built.attempts is not None
    lanes = telling(found_on(built.attempts, LINK), LANES_MAX)
    assert len(lanes) == LANES_MAX
    assert sorted(len(one.attempts) for one in lanes)[-3:] == [3, 5, 5]
    starts = [one.start_s for one in lanes if len(one.attempts) == 3]
    assert starts == sorted(starts)
    assert starts[0] == pytest.approx(10.0)
    assert starts[-1] > 19


def test_points_are_those_of_a_check_that_has_several():
    """A verdict of one point is its own sentence."""
    verdict = Breaker(LINK, opens_within_s=3).check(breakers.seen(breakers.sound()))
    assert len(points(verdict)) == 6
    assert points(verdict)[0][0] is Word.PASS
    assert points(Verdict("Retries: x", Word.UNKNOWN, "No tap.", {"tap": "unknown: no tap"})) == []

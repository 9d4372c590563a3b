"""The charts of proofs and the sentences over them: what is drawn is what was seen, and no text lies off it."""

from __future__ import annotations

import random
import warnings
from dataclasses import replace

import pytest

from harness.analysis.alert_lanes import Lane, alert_lanes
from harness.analysis.alerts import firings
from harness.analysis.backoff import backoff
from harness.analysis.breaker import calls_of, states
from harness.analysis.operations import operations as operations_of
from harness.analysis.rows import RowFlow, row_flow
from harness.record import Verdict, Word
from harness.report import proof_titles as titles
from harness.report.charts import alerts, attempts, breaker, flow
from harness.report.charts import backoff as gaps
from tests import breakers
from tests.attempts import BUSY, HUNG, LINK, OK, REFUSED, operation, operations
from tests.attempts import attempts as frame
from tests.builders import window
from tests.report.test_proofs import ROWS, WINDOW, jittered, notice

LONG = window("payments refuses connections for a while, and more", 10, 30, LINK)


def found(rows):
    return operations_of(frame(rows), LINK)


def opened(rows):
    built = breakers.seen(rows)
    seen = calls_of(built, LINK)
    return seen, states(built, seen)


def gaps_of(count, law):
    return [law(number) for number in range(count)]


def constant(number: int) -> list[float]:
    return [random.Random(number).uniform(0.09, 0.11) for _ in range(3)]


NOTICES = (
    notice(13, "firing", "PaymentsDown", "payments"),
    notice(18, "firing", "CheckoutErrorsAboveTheBudgetOfTheWholeMonth", "api"),
    notice(36, "resolved", "PaymentsDown", "payments"),
)
DUE = Verdict("Alert: PaymentsDown", Word.PASS, "", {"fires: due_s": 18.0, "fires: within_s": 8.0})
NEVER = Verdict("Alert: NeverCame", Word.FAIL, "", {"payments slow: fires: due_s": 22.0})
PICTURES = {
    "attempts": lambda: attempts.attempts(
        found([*operations(12, [REFUSED] * 10, lambda _: [0.05 * 2**k for k in range(9)], every_s=1)]), [LONG], 50, "T"
    ),
    "one attempt more": lambda: attempts.attempts(found(operation("a", 10, (BUSY, OK), (0,))), [LONG], 50, "T"),
    "backoff": lambda: gaps.gaps(gaps_of(150, jittered), backoff(gaps_of(150, jittered)), "T", 2.0),
    "no backoff": lambda: gaps.gaps([(0.0, 0.0)], backoff([(0.0, 0.0)]), "T", 2.0),
    "breaker": lambda: breaker.breaker(*opened(breakers.sound()), [LONG], 60, "T"),
    "flow": lambda: flow.flow(RowFlow(**ROWS), "T"),
    "few loaded": lambda: flow.flow(RowFlow(1000, loaded=5, quarantined=5, deduplicated=990, twice=3), "T"),
    "nothing loaded": lambda: flow.flow(RowFlow(1_000_000, lost=1_000_000), "T"),
    "alerts": lambda: alerts.alerts(alert_lanes(firings(NOTICES), [DUE, NEVER]), [LONG], 60, "T"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_lies_on_the_picture(name):
    """Nothing is clipped at an edge, and panels keep their room."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = PICTURES[name]()
        drawn.draw_without_rendering()
    wide, high = drawn.bbox.width, drawn.bbox.height
    for axis in drawn.axes:
        assert all(label.get_window_extent().x0 >= 0 for label in axis.get_yticklabels())
        for text in [*axis.texts, axis.xaxis.label]:
            box = text.get_window_extent()
            assert not text.get_text() or (box.x0 >= 0 and box.x1 <= wide and box.y0 >= 0 and box.y1 <= high), text
    assert sum(axis.get_position().width for axis in drawn.axes) > 0.5


@pytest.mark.parametrize("name", ["flow", "few loaded", "alerts", "attempts"])
def test_names_do_not_lie_on_one_another(name):
    """Ends of rows, alerts and operations are read apart."""
    drawn = PICTURES[name]()
    drawn.draw_without_rendering()
    boxes = [text.get_window_extent() for text in drawn.axes[-1].texts if text.get_text()]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            over = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(over) <= 1


def test_pictures_are_made_of_few_artists():
    """Thirty operations of ten attempts are some dozens of artists: a run's end does not wait for its report."""
    lanes = found(operations(30, [REFUSED] * 10, lambda _: [0.1] * 9))
    drawn = attempts.attempts(lanes, [LONG], 50, "T")
    assert sum(len(axis.collections) + len(axis.lines) + len(axis.patches) for axis in drawn.axes) < 20


def test_how_often_operations_were_tried_is_said():
    """How many of how many, the most attempts, and how it ended."""
    rows = [*operations(4, (BUSY, BUSY, BUSY)), *operation("x", 20, (BUSY, OK), (0.1,)), *operation("y", 21, (OK,))]
    assert titles.attempts_title(found(rows), LINK) == (
        "5 of 6 operations on api-payments were tried again, with 3 attempts at most; 1 came through"
    )
    after = operation("x", 20, (BUSY, OK, OK), (0.1, 0.1))
    assert titles.attempts_title(found(after), LINK) == (
        "1 of 1 operations on api-payments was tried again, with 3 attempts at most; 1 came through, "
        "1 went on after a success"
    )


def test_what_is_a_guess_is_said_to_be_one():
    """Operations that nothing but likeness tells apart."""
    polls = operation("", 10, [BUSY] * 5, [0.1] * 4)
    assert titles.attempts_title(found(polls), LINK).endswith("(told by likeness, which is a guess)")


@pytest.mark.parametrize(
    ("gaps_s", "said"),
    [
        (
            gaps_of(150, jittered),
            "Gaps on l grow ×2.05 with each try, from 96 ms to 196 ms, with full jitter, over 150 operations",
        ),
        (
            gaps_of(40, constant),
            "Gaps on l do not grow (×1.00, 0.98 to 1.02): about 100 ms each, jittered a little, over 40 operations",
        ),
        ([(0.001, 0.001)], "Tries on l follow one another at once: gaps of 1.0 ms, over 1 operation"),
        (
            [(0.1, 0.05), (0.01, 0.19), (0.2, 0.02)],
            "Whether gaps on l grow is not known (×0.84, 0.02 to 37.00) over 3 operations; 40 are needed",
        ),
    ],
)
def test_the_law_of_backoff_is_said(gaps_s, said):
    """Grown, not grown, at once, or too few to tell."""
    law = backoff(gaps_s)
    assert law is not None
    assert titles.backoff_title(law, "l") == said


def test_the_law_runs_through_the_means_and_is_surest_in_their_middle():
    """Up to the cap: what is drawn is what was estimated."""
    law = backoff([(0.1 * 1.02**n, 0.2 / 1.02**n, 0.4, 0.8, 0.8, 0.8) for n in range(5)])
    assert law is not None
    assert len(law.law_s) == 4
    assert [middle for _, middle, _ in law.law_s] == pytest.approx([0.1, 0.2, 0.4, 0.8], rel=0.05)
    wide = [high / low for low, _, high in law.law_s]
    assert wide[2] < wide[1] < wide[0]  # the gaps at the cap say where the line ends
    assert law.law_s[1][1] / law.law_s[0][1] == pytest.approx(law.factor)


def test_when_a_breaker_opened_and_closed_is_said():
    """After its window began, how many times, and when it closed after the fault."""
    _, seen = opened(breakers.sound())
    assert titles.breaker_title(seen, breakers.WINDOWS, LINK) == (
        "The breaker on api-payments opened 0.6 s after payments slow began, 4 times in all, "
        "and closed 2.1 s after the fault"
    )
    _, stuck = opened(breakers.sound(closes=False))
    assert titles.breaker_title(stuck, breakers.WINDOWS, LINK).endswith("and did not close again")
    _, none = opened(breakers.simulated(3, threshold=0)[0])
    said = titles.breaker_title(none, breakers.WINDOWS, LINK)
    assert said == "The breaker on api-payments never opened in payments slow, though 805 calls failed or were slow"


def test_where_no_check_asked_no_breaker_is_spoken_of():
    """Calls that stop need no breaker."""
    _, seen = opened(breakers.sound())
    said = titles.breaker_title(seen, breakers.WINDOWS, LINK, judged=False)
    assert said.startswith("Calls on api-payments stopped 0.6 s after payments slow began")


def test_every_state_is_drawn_in_its_lane():
    """Closed, half-open, open: as many boxes as there were."""
    seen, told = opened(breakers.sound())
    drawn = breaker.breaker(seen, told, breakers.WINDOWS, 60, "T")
    boxes = [len(one.get_paths()) for one in drawn.axes[1].collections]
    assert boxes == [2, 4, 4]
    assert [label.get_text() for label in drawn.axes[1].get_yticklabels()] == ["closed", "half-open", "open"]


def test_what_became_of_rows_is_said():
    """Each end by its number; and what is wrong, or that nothing is."""
    assert titles.rows_title(RowFlow(**ROWS)) == (
        "Of 1,200 rows 1,130 were loaded, 41 quarantined, 12 rejected, 10 deduplicated; 7 lost, 3 loaded twice"
    )
    assert titles.rows_title(RowFlow(20, loaded=20)) == "Of 20 rows 20 were loaded; none lost, none twice"


def test_the_flow_is_that_of_the_verdict():
    """From the bare numbers of its evidence; none where no row was offered."""
    assert row_flow({**ROWS, "lost: rows": 7, "lost": 7, "account": "pass: all"}) == RowFlow(**ROWS)
    assert row_flow({"read": "unknown: no answer"}) is None
    assert row_flow({"offered": 0, "loaded": 0}) is None


def test_alerts_are_said_with_the_first_and_what_is_not_resolved():
    """How soon after its window; all that did not end."""
    heard = firings(NOTICES)
    assert titles.alerts_title(heard, [WINDOW]) == (
        "2 alerts fired, PaymentsDown first, 3.0 s after payments slow began; 1 of 2 not resolved"
    )
    assert titles.alerts_title(heard[:1], [WINDOW]) == "PaymentsDown fired 3.0 s after payments slow began; resolved"
    assert titles.alerts_title([], [WINDOW]) == "No alert came"
    early = replace(heard[0], fired_s=-4.3)
    again = titles.alerts_title([early, heard[0], replace(heard[1], resolved_s=30.0)], [WINDOW])
    assert again == "2 alerts fired 3 times, PaymentsDown first, in the warm-up; all 3 resolved"
    assert Lane("PaymentsDown", (early,)).in_words() == "in the warm-up"


def test_an_alert_that_never_came_has_a_lane_with_its_bound():
    """It is due all the same; the others are in the order in which they fired."""
    lanes = alert_lanes(firings(NOTICES), [DUE, NEVER])
    assert [lane.in_words() for lane in lanes] == [
        "13.0 s, due by 18.0 s",
        "18.0 s, not resolved",
        "never, due by 22.0 s",
    ]
    assert lanes[-1].name == "NeverCame"
    drawn = alerts.alerts(lanes, [WINDOW], 60, "T")
    assert [segment[0][0] for segment in drawn.axes[0].collections[1].get_segments()] == [18.0, 22.0]


def test_an_attempt_is_a_bar_from_start_to_end():
    """On the run's clock at the left, from the operation's first attempt at the right, coloured by outcome."""
    drawn = attempts.attempts(found(operation("x", 20, (HUNG, OK), (0.3,))), [WINDOW], 50, "T")
    when, how = ([path.vertices[:, 0] for one in axis.collections for path in one.get_paths()] for axis in drawn.axes)
    assert (min(when[0]), max(when[0])) == pytest.approx((20.8, 20.82))
    assert (min(how[0]), max(how[0])) == pytest.approx((0.8, 0.82))
    assert (min(how[1]), max(how[1])) == pytest.approx((0.0, 0.5))

"""The sentences over the charts, and the look that all of them share."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from harness.analysis.amounts import milliseconds, percent
from harness.analysis.figures import figures
from harness.analysis.series import Usage, series
from harness.record import Verdict, Word
from harness.report import titles
from harness.report.charts import look, over_time
from tests.builders import failing, history, steady, unknown, window
from tests.synthetic_shop import SERVICES, synthetic_shop

SLOW = window("database slow", 10, 20, "api-postgres", delay_ms=100)


def _shown(slow_ms: float, *, failed: bool = False):
    during = steady(20, 10, 20, took_ms=slow_ms)
    built = history(
        steady(20, 0, 10, took_ms=24) + (failing(during) if failed else during) + steady(20, 20, 30, took_ms=24),
        [SLOW],
        end_s=30,
    )
    return figures(built, (), ()), built


def test_the_title_says_what_the_faults_did_with_its_numbers():
    """p99 before and in the worst window, and where requests were not ok."""
    assert titles.requests_title(*_shown(2100.0)) == "p99 rose from 24 ms to 2.10 s in database slow"
    said = titles.requests_title(*_shown(2100.0, failed=True))
    assert said == "p99 rose from 24 ms to 2.10 s in database slow; 100 % of requests were not ok there"


def test_what_got_no_answer_is_not_said_to_have_failed():
    """A request without an answer may have been done: titles count it as not ok."""
    built = history([*steady(20, 0, 10), *(unknown(at_s) for at_s in range(10))], end_s=10)
    assert titles.requests_title(figures(built, (), ()), built).endswith("210 requests; 10 were not ok")


def test_the_title_does_not_make_a_story_of_nothing():
    """Where no window moved p99 by a third it says so."""
    assert titles.requests_title(*_shown(26.0)) == "p99 stayed near 24 ms in every window"


def test_the_endpoint_that_lost_most_is_named():
    """The title over the endpoints names one, its p95 before and in the window."""
    shown = figures(synthetic_shop(1), (), ())
    said = titles.endpoints_title(shown, ["baseline", "database slow"], ["GET /catalogue", "POST /checkout"])
    assert said.startswith("GET /catalogue slowed most: p95 from 3.3 ms to 43 ms in database slow")


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 360, "0 %"), (360, 360, "100 %"), (1, 1000, "0.1 %"), (1, 3, "33 %"), (0, 0, "none")],
)
def test_shares_are_said_in_percent(part, whole, said):
    """A share is said in as many digits as tell it from nothing and from all."""
    assert percent(part, whole) == said


def test_one_in_many_is_not_said_to_be_none():
    """Rounding does not turn some into none, or most into all."""
    assert percent(1, 50_000) != "0 %"
    assert percent(49_999, 50_000) != "100 %"


def test_a_small_change_is_still_a_change():
    """An endpoint that fails fast is not said to take no time at all."""
    shown, _ = _shown(0.5)
    during, before = shown.row("database slow"), shown.row("baseline")
    assert during is not None
    assert titles.times_in_words(during, before) == "×0.021"


@pytest.mark.parametrize(("value", "said"), [(0.42, "0.4 ms"), (9.4, "9.4 ms"), (71.2, "71 ms"), (1008, "1.01 s")])
def test_times_are_said_as_people_say_them(value, said):
    """Milliseconds up to a second, then seconds."""
    assert milliseconds(value) == said


@pytest.mark.parametrize(
    ("value_ms", "said"), [(1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s")]
)
def test_the_ticks_of_a_latency_axis(value_ms, said):
    """A log axis is read in 1, 10, 100 ms, 1 s, 10 s."""
    assert value_ms in look.TICKS_MS
    assert look.time_in_words(value_ms) == said


def test_services_keep_their_own_colours():
    """No two services share a colour, however often each is named, and the generator is grey."""
    named_twice = [*SERVICES, *SERVICES]
    assert len({look.colour_of(name, named_twice) for name in SERVICES}) == len(SERVICES)
    assert look.colour_of("generator", named_twice) == look.GENERATOR


def test_objectives_are_taken_from_the_verdicts():
    """A latency check's limit is a line with its name."""
    verdicts = [
        Verdict("Latency", Word.PASS, "", {"limit_ms": 1500.0, "percentile": 99.0}),
        Verdict("Latency", Word.PASS, "", {"limit_ms": 100.0, "percentile": 95}),
        Verdict("Availability", Word.PASS, "", {"ok_ratio_min": 0.99}),
    ]
    assert over_time.objectives(verdicts) == [("p95 below 100 ms", 100.0), ("p99 below 1,500 ms", 1500.0)]


def test_every_window_is_named_at_the_top_of_the_chart():
    """The names of the windows stand over the first panel, and the title over all."""
    made = synthetic_shop(1)
    drawn = over_time.requests(series(made), made.windows, 63.0, "What is to be seen", ())
    assert {window.name for window in made.windows} <= {text.get_text() for text in drawn.axes[0].texts}
    assert drawn.get_suptitle() == "What is to be seen"


DIED = (
    window("database slow for the shop and for all of it", 3, 30, "api-postgres", delay_ms=20),
    window("payments gone", 3.2, 30, "api-payments", cuts=True),
)


@pytest.mark.parametrize(
    ("windows", "end_s"),
    [(DIED, 3.9), (DIED, 3.21), ((window("x" * 300, 1, 9),), 10.0), ([window(f"w{n}", 1, 9) for n in range(25)], 10.0)],
)
def test_names_of_windows_leave_the_chart_its_room(windows, end_s):
    """A run that died in its first window, a name that is no name, more windows than lines: all lies on the picture."""
    over = series(synthetic_shop(1, windows=windows[:2], end_s=end_s))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for drawn in (over_time.requests(over, windows, end_s, "", ()), over_time.heatmap(over, windows, end_s, "")):
            drawn.draw_without_rendering()
            wide = drawn.bbox.width
            assert all(axis.get_position().width > 0.8 for axis in drawn.axes)
            assert all(text.get_window_extent().x0 >= 0 for text in drawn.axes[0].texts)
            assert all(text.get_window_extent().x1 <= wide for text in drawn.axes[0].texts)
            assert drawn.axes[-1].xaxis.label.get_window_extent().y0 >= 0


def test_the_heatmap_reaches_to_the_end_of_the_run():
    """What is less than a second at the end is drawn as wide as it lasted."""
    over = series(synthetic_shop(1, windows=(), end_s=3.9))
    shown = over_time.heatmap(over, (), 3.9, "").axes[0].child_axes[0]
    assert [image.get_extent()[:2] for image in shown.images] == [[0.0, 2.0], [2.0, 3.9]]


def test_an_answer_after_minutes_is_drawn():
    """What took longer than the scale of the heatmap lies in its last cell."""
    made = history(steady(5, 0, 20, took_ms=300_000), end_s=20)
    assert over_time.heatmap(series(made), (), 20.0, "").axes


def test_labels_at_the_ends_of_lines_do_not_lie_on_one_another():
    """p95 and p99 that end at one value are still read apart."""
    made = history(steady(50, 0, 20, took_ms=100), end_s=20)
    drawn = over_time.requests(series(made), (), 20.0, "", ())
    drawn.canvas.draw()
    labels = [text for text in drawn.axes[1].texts if text.get_text() in ("p50", "p95", "p99")]
    boxes = sorted((text.get_window_extent() for text in labels), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))


def test_the_busiest_service_is_named_over_what_was_used():
    """With its cores on average, and the load generator's beside it."""
    at_s = np.arange(0.0, 10.0)
    cpu = [Usage(name, at_s, np.full(10, cores)) for name, cores in (("api", 0.5), ("db", 0.2), ("generator", 0.1))]
    assert titles.usage_title(cpu, 10.0) == (
        "Of the services api used the most processor, 0.50 cores on average; the load generator 0.10"
    )

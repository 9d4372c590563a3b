"""Which requests belong to which phase."""

from __future__ import annotations

import pytest

from harness.analysis.phases import in_phase, select, spans
from tests.builders import fail, history, ok, window

WINDOWS = [window("slow", 10, 20, "api-postgres")]


def _names(built, phase, endpoint=None):
    return {
        name: built.samples["intended_ns"].to_numpy()[mask].tolist() for name, mask in select(built, phase, endpoint)
    }


@pytest.mark.parametrize(
    ("at_s", "took_ms", "phases"),
    [
        (5, 10, {"baseline"}),
        (9.99, 50, {"slow"}),  # in flight when the fault came
        (10, 10, {"slow"}),
        (19.99, 500, {"slow"}),  # answered after it was gone
        (20, 10, {"recovery"}),
        (9.5, 500, {"slow"}),  # answered at the very start of the window
    ],
)
def test_a_request_belongs_to_a_window_when_any_part_of_its_life_fell_into_it(at_s, took_ms, phases):
    """A request belongs to each window that it was exposed to, else to the baseline or the recovery."""
    built = history([ok(at_s, took_ms)], WINDOWS, end_s=30)
    assert {one.name for one in built.phases if in_phase(built.samples, one, built.phases).any()} == phases


def test_a_request_across_two_windows_belongs_to_both():
    """A slow request is counted in every window that it met."""
    built = history([ok(12, 10_000)], [window("a", 10, 15), window("b", 20, 25)], end_s=40)
    assert [name for name, mask in select(built, "faults") if mask.any()] == ["a", "b"]


def test_what_was_answered_between_two_windows_belongs_to_no_phase():
    """Neither baseline nor recovery is watered down with the time between faults."""
    built = history([ok(17, 10)], [window("a", 10, 15), window("b", 20, 25)], end_s=40)
    assert not any(in_phase(built.samples, one, built.phases).any() for one in built.phases)


def test_without_windows_faults_means_the_whole_run():
    """A check on `faults` still judges a calm run."""
    assert _names(history([ok(1), ok(2)], end_s=10), "faults") == {"run": [10**9, 2 * 10**9]}


def test_an_endpoint_is_named_with_or_without_its_method():
    """`/checkout` means every method of it."""
    built = history([ok(1, endpoint="GET /checkout"), fail(2, endpoint="POST /checkout"), ok(3)], end_s=10)
    assert len(_names(built, "run", "/checkout")["run"]) == 2
    assert len(_names(built, "run", "POST /checkout")["run"]) == 1


@pytest.mark.parametrize(
    ("phase", "endpoint", "hint"), [("recovry", None, "recovery"), ("run", "GET /chekout", "GET /checkout")]
)
def test_an_unknown_name_is_met_with_the_nearest(phase, endpoint, hint):
    """The error names what there is, and what was probably meant."""
    built = history([ok(1, endpoint="GET /checkout")], WINDOWS, end_s=30)
    with pytest.raises(ValueError, match="did you mean") as caught:
        select(built, phase, endpoint)
    assert hint in str(caught.value)


def test_spans_go_with_select():
    """Each phase that is selected has its start and end, in the same order."""
    built = history([ok(1)], WINDOWS, end_s=30)
    assert spans(built, "faults") == [("slow", 10.0, 20.0)]
    assert spans(built, "run") == [("run", 0.0, 30)]

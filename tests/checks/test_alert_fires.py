"""AlertFires: each way in which an alert can be wrong is named, and what cannot be known is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import AlertBound, AlertFires
from harness.record import Mark, Word
from tests.builders import window
from tests.notices import LABELS, NAME, WINDOWS, alert, told

CHECK = AlertFires(NAME, within_s=5, labels={"severity": "critical"}, resolves_within_s=10)
SOUND = alert(23, 44)
TWICE = (*WINDOWS, window("payments slow (2)", 60, 75, "api-payments"))


@pytest.mark.parametrize("notices", [SOUND, alert(23, 44, repeats_s=(25, 30, 35)), [*SOUND, *alert(1, name="Other")]])
def test_an_alert_as_it_should_be_passes(notices):
    """What is sent again is no second alert, and another alert is no matter."""
    verdict = CHECK.check(told(notices))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.sentence == (
        "PaymentsBreakerOpen fired 3.0 s after payments slow began, within 5 s wanted; it fired once; "
        "PaymentsBreakerOpen was resolved 4.0 s after the fault ended, within 10 s wanted."
    )
    assert verdict.evidence["once: repeats"] == len(notices) - 2 - (notices[-1].name == "Other")


@pytest.mark.parametrize(
    ("notices", "says"),
    [
        pytest.param([], "did not fire after payments slow began, within 5 s wanted; nothing else fired", id="never"),
        pytest.param(
            alert(21, 44, labels={"service": "etl"}, name="Other"), "what fired is Other of etl.", id="another one"
        ),
        pytest.param(alert(29, 44), "fired 9.0 s after payments slow began, within 5 s wanted.", id="late"),
        pytest.param(alert(60, 65), "fired 40.0 s after payments slow began", id="after the fault"),
        pytest.param(alert(23), "was not resolved in the 40 s after the fault ended, within 10 s", id="never resolves"),
        pytest.param(
            alert(23, 55), "was resolved 15.0 s after the fault ended, within 10 s wanted.", id="resolves late"
        ),
        pytest.param(
            alert(22, 23, 24, 25, 26, 44), "fired 3 times for one payments slow, from 22.0 s to 26.0 s", id="flaps"
        ),
        pytest.param([*alert(22, None, 30, 44)], "fired 2 times", id="flaps, and one end was not told"),
        pytest.param(
            alert(23, 44, labels={**LABELS, "severity": "warning"}),
            "fired with severity=warning, severity=critical wanted.",
            id="wrong label",
        ),
        pytest.param(alert(23, 44, labels={}), "fired without a label severity, severity=critical", id="no label"),
        pytest.param(
            alert(23, 44, annotations={"runbook_url": " "}), "came without a link to a runbook", id="no runbook"
        ),
        pytest.param(alert(12, 44), "fired at 12.0 s, before payments slow began at 20 s.", id="in calm, and on"),
        pytest.param([*alert(3, 9), *SOUND], "fired at 3.0 s, before payments slow began at 20 s.", id="in calm"),
        pytest.param([*alert(-2, 9), *SOUND], "fired at -2.0 s, before payments slow began", id="in the warm-up"),
    ],
)
def test_each_weakness_is_named(notices, says):
    """The sentence says what came, what was wanted."""
    verdict = CHECK.check(told(notices))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("built", "says"),
    [
        pytest.param(told(None), "No webhook was open in this run", id="no webhook"),
        pytest.param(told([], knows=False), "nothing shows that the stack knows the webhook; name the", id="not told"),
        pytest.param(told([], ()), "Nothing was injected, so PaymentsBreakerOpen was not due", id="no fault"),
        pytest.param(told([], end_s=24), "4 s were watched, and 5 s are its bound; let the run go on", id="cut short"),
        pytest.param(told([], [window("blip", 20, 22)]), "the fault lasted 2 s, and what is over before", id="a blip"),
        pytest.param(told(alert(23), end_s=45), "was not resolved in the 5 s after the fault ended", id="not resolved"),
        pytest.param(
            told([], marks=[Mark("outpost", 80, {"error": "the outpost at x did not answer", "malformed": 0})]),
            "but not all that was sent was heard: the outpost at x did not answer.",
            id="a dead outpost",
        ),
        pytest.param(
            told(SOUND, marks=[Mark("outpost", 80, {"error": "", "malformed": 2, "malformed_last": "no JSON"})]),
            "fired once, but 2 messages came that Alertmanager would not send, the last: no JSON.",
            id="malformed",
        ),
    ],
)
def test_what_cannot_be_known_is_unknown(built, says):
    """With what it would take."""
    verdict = CHECK.check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert says in verdict.sentence


def test_what_still_fires_from_an_earlier_fault_hides_whether_it_fires_for_this_one():
    """It says neither yes nor no to the second."""
    verdict = replace(CHECK, after="payments slow (2)").check(told(alert(23), TWICE))
    assert verdict.word is Word.UNKNOWN
    assert "still fired from 23.0 s on when payments slow (2) began" in verdict.sentence


def test_an_alert_that_came_shows_that_the_stack_knows_the_webhook():
    """An Alertmanager that was configured by hand needs no word of ours."""
    assert CHECK.check(told(SOUND, knows=False)).word is Word.PASS
    assert CHECK.check(told(alert(1, name="Watchdog"), knows=False)).word is Word.FAIL


def test_it_is_wanted_after_each_fault():
    """Those that overlap are one; once is once for each."""
    both = [*SOUND, *alert(62, 76)]
    check = replace(CHECK, resolves_within_s=4)
    assert check.check(told(both, TWICE)).word is Word.PASS
    verdict = check.check(told(SOUND, TWICE))
    assert verdict.word is Word.FAIL
    assert "did not fire after payments slow (2) began" in verdict.sentence
    assert replace(check, after="payments slow").check(told(SOUND, TWICE)).word is Word.PASS
    overlapping = (*WINDOWS, window("shipping slow", 30, 41, "api-shipping"))
    assert check.check(told(SOUND, overlapping)).word is Word.PASS


def test_of_several_with_one_name_the_one_that_is_meant_is_looked_at():
    """By its service, or by its labels; each fires once."""
    api, etl = alert(23, 44), alert(29, 44, labels={"service": "etl", "severity": "critical"})
    assert replace(CHECK, service="api").check(told([*api, *etl])).word is Word.PASS
    verdict = replace(CHECK, service="etl").check(told([*api, *etl]))
    assert "fired 9.0 s after" in verdict.sentence
    verdict = replace(CHECK, service="billing").check(told([*api, *etl]))
    assert "did not fire for billing after payments slow began" in verdict.sentence
    assert "what fired is PaymentsBreakerOpen of api and PaymentsBreakerOpen of etl." in verdict.sentence
    verdict = replace(CHECK, labels={"service": "etl"}, within_s=10).check(told([*api, *etl]))
    assert verdict.evidence["once: alerts"] == 1


def test_the_bound_says_what_it_is_made_of():
    """And is the sum of that."""
    bound = AlertBound(scrape_s=1, evaluation_s=2, for_s=3, group_wait_s=0, symptom_s=0.5)
    verdict = AlertFires(NAME, bound=bound).check(told(alert(27.4, 44)))
    assert verdict.word is Word.PASS
    assert (
        "7.4 s after payments slow began, within 7.5 s (symptom 0.5 + scrape 1 + evaluation 2 + for 3 + delivery 1)"
        in (verdict.sentence)
    )
    assert AlertFires(NAME, bound=bound).check(told(alert(27.6, 44))).word is Word.FAIL


def test_what_is_wrong_without_a_fault_is_wanted_after_the_start_of_the_run():
    """In the warm-up too, since the clock begins later than the stack."""
    asked = AlertFires(NAME, after="run", within_s=5)
    assert asked.check(told(alert(3))).word is Word.PASS
    assert asked.check(told(alert(-2))).word is Word.PASS
    assert "fired in the warm-up" in asked.check(told(alert(-2))).sentence
    assert "fired 9.0 s after the run began" in asked.check(told(alert(9))).sentence
    assert "did not fire after the run began" in asked.check(told([])).sentence


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: AlertFires(NAME), "given neither"),
        (lambda: replace(CHECK, bound=AlertBound(scrape_s=1, evaluation_s=1, for_s=0, group_wait_s=0)), "given both"),
        (lambda: AlertFires(NAME, within_s=-1), "within_s must be more than 0"),
        (lambda: AlertFires(NAME, within_s=1, after="baseline"), 'after is "faults", "run" or the name of a window'),
        (lambda: AlertBound(scrape_s=-1, evaluation_s=1, for_s=0, group_wait_s=0), "scrape_s must be 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(made, says):
    """Where it is made."""
    with pytest.raises(ValueError, match=says):
        made()

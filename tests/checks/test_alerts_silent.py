"""AlertsSilent: no alert in calm, and no more said of that than so many evaluations can show."""

from __future__ import annotations

import pytest

from harness import AlertsSilent
from harness.record import Mark, Word
from tests.notices import alert, told

CHECK = AlertsSilent(evaluation_s=1)
SOUND = alert(23, 44)


@pytest.mark.parametrize(
    ("check", "notices", "says"),
    [
        (
            CHECK,
            SOUND,
            "No alert fired in baseline: 0 in 20 evaluations says that at most 15 % of them raise one (3/n).",
        ),
        (CHECK, [*alert(-2, -1), *SOUND], "No alert fired in baseline"),
        (AlertsSilent(evaluations=600), SOUND, "0 in 600 evaluations says that at most 0.5 % of them"),
        (AlertsSilent(evaluation_s=1, but=("Watchdog",)), alert(-2, name="Watchdog"), "(3/n), Watchdog left out."),
        (AlertsSilent(evaluation_s=1, phase="run", but=(SOUND[0].name,)), SOUND, "0 in 80 evaluations"),
    ],
)
def test_silence_passes_with_what_it_shows(check, notices, says):
    """An alert that the fault raised, or that is named, is no false one."""
    verdict = check.check(told(notices))
    assert verdict.word is Word.PASS, verdict.sentence
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("check", "notices", "says"),
    [
        (CHECK, alert(7, 9), "PaymentsBreakerOpen fired at 7.0 s, in baseline; none wanted."),
        (CHECK, alert(-2, 9), "PaymentsBreakerOpen fired before it began and went on into baseline; none wanted."),
        (CHECK, [*alert(7, 9), *alert(8, name="Other")], "fired at 7.0 s, in baseline, and 1 more alert; none wanted."),
        (AlertsSilent(phase="run", evaluation_s=1, but=("Other",)), SOUND, "in run; none wanted, Other left out."),
    ],
)
def test_an_alarm_in_calm_is_named(check, notices, says):
    """One is enough."""
    verdict = check.check(told(notices))
    assert verdict.word is Word.FAIL, verdict.sentence
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (told(None), "No webhook was open in this run"),
        (told([], knows=False), "nothing shows that the stack knows the webhook"),
        (told([]), "its 20 s hold no evaluation of the rules, which come each 60 s; say evaluation_s, or watch longer"),
        (told([], marks=[Mark("outpost", 80, {"error": "it died"})]), "but not all that was sent was heard: it died."),
    ],
)
def test_silence_of_which_nothing_is_known_is_unknown(built, says):
    """A telephone that is not plugged in does not ring."""
    verdict = AlertsSilent().check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert says in verdict.sentence


def test_it_is_asked_before_anything_is_broken():
    """A stack that raises alarms in calm is not fit for a fault."""
    assert AlertsSilent(phase="run", but=("A",)).at_baseline() == AlertsSilent(but=("A",))


def test_names_are_a_tuple():
    """A single one with a comma."""
    with pytest.raises(ValueError, match="write a comma"):
        AlertsSilent(but="Watchdog")  # type: ignore[arg-type]

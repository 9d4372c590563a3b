"""A runbook is executed step after step; what a step does not show ends it, and nothing of a step is left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil
import pytest

from harness.errors import RunbookError
from harness.record import Word
from harness.runbook.executing import Executor
from harness.runbook.model import Execution, StepResult
from harness.waiting import wait_until
from tests.runbook.books import book, decision, step


def _execute(folder: Path, environment: Mapping[str, str] | None = None, **sections) -> Execution:
    options = {name: sections.pop(name) for name in ("answers", "ask", "cancelled", "sabotage") if name in sections}
    return Executor(book(folder, **sections), environment or {}, folder=folder, **options).run()


def _by_id(execution: Execution) -> dict[str, StepResult]:
    return {one.step: one for one in execution.results}


def test_all_steps_are_executed_in_their_order(tmp_path: Path):
    """The rollback is not: nothing failed."""
    write = {name: step(name, f"echo {name} >> log; cat log", f": `/{name}/`") for name in ("a", "b", "c", "d", "e")}
    done = _execute(tmp_path, look=write["a"], do=write["b"], prove=write["c"], back=write["d"], after=write["e"])
    assert (tmp_path / "log").read_text().split() == ["a", "b", "c", "e"]
    assert (done.word, done.failed_at, done.rolled_back) == (Word.PASS, "", False)
    assert (_by_id(done)["d"].executed, _by_id(done)["d"].sentence) == (False, "not needed: nothing failed")


def test_a_step_that_fails_is_followed_by_the_rollback(tmp_path: Path):
    """And by nothing else; the first that failed is named, with what it showed."""
    done = _execute(
        tmp_path, do=step("bad", "echo no room; exit 3") + step("next"), back=step("back"), after=step("after")
    )
    found = _by_id(done)
    assert (done.word, done.failed_at, done.rolled_back) == (Word.FAIL, "bad", True)
    assert found["bad"].sentence == "it ended with exit code 3, expected 0; its last line: no room"
    assert {name for name, one in found.items() if one.executed} == {"bad", "back"}
    assert found["after"].sentence == "not reached: stopped at bad"


def test_what_fails_before_anything_was_changed_needs_no_rollback(tmp_path: Path):
    """A pre-flight that does not find what the runbook is about."""
    done = _execute(tmp_path, look=step("look", "false"), back=step("back"))
    assert (done.failed_at, done.rolled_back) == ("look", False)


def test_a_command_without_an_error_that_shows_nothing_fails(tmp_path: Path):
    """Silence is not health."""
    done = _execute(tmp_path, prove=step("prove", "true", ": exit 0, `/ready/`"))
    assert (done.failed_at, _by_id(done)["prove"].sentence) == (
        "prove", "/ready/ is nowhere in what it wrote; it wrote nothing"
    )  # fmt: skip


def test_sh_stops_at_the_first_command_that_fails(tmp_path: Path):
    """And at a variable that is not set: `sh -eu`."""
    assert _execute(tmp_path, do=step("do", "false\necho on")).failed_at == "do"
    assert _execute(tmp_path, do=step("do", 'echo "$NOBODY_SET_IT"\necho on')).failed_at == "do"


def test_a_step_is_asked_again_until_it_shows_what_it_should(tmp_path: Path):
    """And no longer than its time-out."""
    count = "echo x >> count; test $(wc -l < count) -ge 3 && echo ready"
    assert _execute(tmp_path, do=step("do", count, ", until: `/ready/`")).word is Word.PASS
    never = _by_id(_execute(tmp_path, do=step("do", "echo waiting", ", until: `/ready/`", seconds=1.2)))["do"]
    assert never.word is Word.FAIL
    assert 1.0 < never.took_s < 6
    assert never.sentence == "/ready/ is nowhere in what it wrote; its last line: waiting, for all of its 1.2 s"


def test_a_decision_goes_one_way(tmp_path: Path):
    """Steps of the other way are passed over; the answer is kept."""
    ways = step("one-way", more="When which is one.") + step("other-way", more="When which is other.")
    found = _by_id(_execute(tmp_path, look=decision("which"), do=ways, answers={"which": "other"}))
    assert (found["which"].answer, found["one-way"].executed, found["other-way"].executed) == ("other", False, True)
    assert found["one-way"].sentence == "passed over: which is other, not one"


def test_nobody_decides_for_a_human(tmp_path: Path):
    """Without an answer it stops there, and says which is wanted: neither well nor failed."""
    done = _execute(tmp_path, look=decision("which"), after=step("after"))
    assert (done.word, done.stopped_at, done.failed_at) == (Word.UNKNOWN, "which", "")
    assert "--answer which=one|other" in _by_id(done)["which"].sentence
    assert not any(one.executed for one in done.results)


def test_a_human_may_be_asked(tmp_path: Path):
    """Where no answer was given beforehand."""
    assert _execute(tmp_path, look=decision("which"), ask=lambda step: step.options[0]).word is Word.PASS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"answers": {"wich": "one"}}, "unknown decision 'wich'.*did you mean 'which'"),
        ({"answers": {"which": "none"}}, "unknown option 'none'"),
        ({"sabotage": "which"}, "unknown step 'which'"),
        ({"sabotage": "doo"}, "unknown step 'doo'.*did you mean 'do'"),
    ],
)
def test_what_the_runbook_does_not_know_is_refused(tmp_path: Path, options: dict, said: str):
    """Before anything is executed."""
    with pytest.raises(RunbookError, match=said):
        Executor(book(tmp_path, look=decision("which")), {}, **options)


def test_a_sabotaged_step_does_nothing_and_is_noticed(tmp_path: Path):
    """By its own expectation, or by that of a later step."""
    sections = {"do": step("do", "touch made"), "prove": step("prove", "ls", ": `/^made$/`")}
    assert _execute(tmp_path, **sections, sabotage="do").failed_at == "prove"
    assert _execute(tmp_path, **sections).word is Word.PASS


def test_a_step_finds_what_it_needs(tmp_path: Path):
    """The harness that executes it, its own id, the runbook's name, what the caller gave, and where evidence goes."""
    show = 'echo "$RUNBOOK $STEP $GIVEN $EVIDENCE"; harness --version; pwd'
    output = _by_id(_execute(tmp_path, {"GIVEN": "given"}, do=step("do", show)))["do"].output.splitlines()
    assert output[0].startswith(f"down do given {tmp_path}/reports/evidence/down-2")
    assert output[1].startswith("harness ")
    assert output[2] == str(tmp_path)


def test_no_secret_is_kept(tmp_path: Path):
    """Of what a step wrote, and of what is said of it."""
    shown = step("do", 'echo "$SHOP_PASSWORD postgresql://shop:hunter22@db/shop"; exit 1')
    found = _by_id(_execute(tmp_path, {"SHOP_PASSWORD": "correct horse"}, do=shown))["do"]
    assert "correct horse" not in found.output + found.sentence
    assert "hunter22" not in found.output + found.sentence


def _pid(path: Path) -> int:
    assert wait_until(lambda: path.exists() and path.read_text().strip().isdecimal(), 10)
    return int(path.read_text())


def _is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("how", ["time-out", "called off", "at its end"])
def test_nothing_of_a_step_is_left_behind(tmp_path: Path, how: str):
    """Neither what it waits for, nor what it sent into the background, nor what left its process group."""
    script = "sleep 60 & echo $! > near; setsid sh -c 'echo $$ > far; exec sleep 60' & sleep 0.3"
    script += "" if how == "at its end" else "; sleep 60"
    off = threading.Event()
    if how == "called off":
        threading.Timer(1.0, off.set).start()
    began = time.monotonic()
    seconds = 1.0 if how == "time-out" else 30
    done = _execute(tmp_path, do=step("do", script, seconds=seconds), cancelled=off.is_set)
    assert time.monotonic() - began < 20
    assert done.word is {"time-out": Word.FAIL, "called off": Word.UNKNOWN, "at its end": Word.PASS}[how]
    for name in ("near", "far"):
        assert wait_until(partial(_is_gone, _pid(tmp_path / name)), 5), name


def test_each_step_is_told_as_it_begins_and_ends(tmp_path: Path):
    """For whoever keeps the time; steps that are passed over are not told of."""
    told = []
    sections = {"look": decision("which"), "do": step("do", more="When which is other.") + step("then")}
    executor = Executor(
        book(tmp_path, **sections),
        {},
        answers={"which": "one"},
        folder=tmp_path,
        on_step=lambda one, what, result: told.append((one.id, what, result and str(result.word))),
    )
    executor.run()
    assert told[:4] == [
        ("which", "began", None),
        ("which", "ended", "pass"),
        ("then", "began", None),
        ("then", "ended", "pass"),
    ]
    assert all(name != "do" for name, _, _ in told)


def test_our_own_environment_is_not_changed(tmp_path: Path):
    """A step's variables are its own."""
    before = dict(os.environ)
    _execute(tmp_path, {"GIVEN": "given"})
    assert dict(os.environ) == before

"""Executes a runbook, step after step, as the engineer would who reads it: one at a time, each judged before the next.

A step that does not show what it should ends the procedure: the rollback follows, where something had been changed. A
decision waits for an answer, and where none comes the execution stops there; nothing is decided by itself.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import harness
from harness.errors import RunbookError, one_of
from harness.masking import mask_urls, masked, secrets_in
from harness.record import Word
from harness.runbook.model import Answers, Execution, Expect, Runbook, Step, StepResult
from harness.stack.shell import Done, run
from harness.waiting import wait_until

OUTPUT_CHARACTERS = 4000
ASK_AGAIN_S = 0.5
PHASE_OF = {"pre-flight": "decide", "procedure": "restore", "verification": "verify", "rollback": "restore"}
"""Of steps that name none; what comes after the incident belongs to no phase of its recovery."""
SABOTAGED = "true"


class Executor:
    """One execution. `ask` gives the option that a human takes, None where nobody does; `say` tells what goes on;
    `on_step` is called as each step that is executed has "began" and "ended", then with its result.

    Raises RunbookError for an answer or a sabotaged step that the runbook does not know.
    """

    def __init__(
        self,
        runbook: Runbook,
        environment: Mapping[str, str],
        *,
        answers: Answers | None = None,
        ask: Callable[[Step], str | None] = lambda step: None,
        say: Callable[[str], None] = lambda sentence: None,
        cancelled: Callable[[], bool] = lambda: False,
        sabotage: str = "",
        on_step: Callable[[Step, str, StepResult | None], None] = lambda step, what, result: None,
        folder: Path | None = None,
    ) -> None:
        """`environment` is added to ours; the commands run in `folder`, else here. `sabotage` is the id of a step whose
        command is replaced by one that does nothing and says that it did. $EVIDENCE is where steps keep logs, below
        `folder`/reports/evidence unless the environment has it."""
        self._runbook, self._environment, self._folder = runbook, {**os.environ, **environment}, folder or Path.cwd()
        self._answers, self._ask, self._say = dict(answers or {}), ask, say
        self._cancelled, self._sabotage, self._on_step = cancelled, sabotage, on_step
        self._secrets = secrets_in([self._environment])
        self._taken: dict[str, str] = {}
        self._results: dict[str, StepResult] = {}
        self._failed_at, self._stopped_at, self._why = "", "", ""
        self._refuse()

    def _refuse(self) -> None:
        steps, where = {one.id: one for one in self._runbook.steps}, str(self._runbook.path)
        decisions = {name: one for name, one in steps.items() if one.options}
        for name, option in self._answers.items():
            if name not in decisions:
                raise RunbookError(one_of("decision", name, decisions, where=where))
            if option not in decisions[name].options:
                raise RunbookError(one_of("option", option, decisions[name].options, where=f"decision {name}"))
        commands = [name for name, one in steps.items() if one.command]
        if self._sabotage and self._sabotage not in commands:
            raise RunbookError(one_of("step", self._sabotage, commands, where=where))

    def run(self) -> Execution:
        """Execute it. Never raises for what a step does; StartError where there is no sh, RunbookError where there is
        no place for evidence."""
        rolled_back = False
        with tempfile.TemporaryDirectory(prefix="harness-runbook-") as private:
            self._environment |= {
                "RUNBOOK": self._runbook.name,
                "PATH": path_with_harness(Path(private), self._environment),
            }
            if not self._environment.get("EVIDENCE"):
                self._environment["EVIDENCE"] = str(self._evidence())
            for section in ("pre-flight", "procedure", "verification"):
                self._section(section)
            if self._failed_at and self._section_of(self._failed_at) in ("procedure", "verification"):
                self._say(f"{self._failed_at} failed: now the rollback")
                rolled_back = self._roll_back()
            self._section("post-incident")
        ordered = tuple(self._result(one) for one in self._runbook.steps)
        return Execution(
            self._runbook.name, self._runbook.version, ordered, self._failed_at, rolled_back, self._stopped_at
        )

    def _evidence(self) -> Path:
        """Where steps keep what must not be lost. Raises RunbookError where it cannot be made."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        made = self._folder.absolute() / "reports" / "evidence" / f"{self._runbook.name}-{now}"
        try:
            made.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunbookError(
                f"cannot make {made}: {error.strerror}; say where evidence is kept: $EVIDENCE"
            ) from error
        self._say(f"evidence is kept in {made}")
        return made

    def _section(self, section: str) -> None:
        for step in self._runbook.steps:
            if step.section == section and not self._failed_at and not self._stopped_at:
                self._execute(step)

    def _roll_back(self) -> bool:
        """Step after step, until one fails; whether there was any."""
        executed = False
        for step in self._runbook.steps:
            if step.section == "rollback" and not self._cancelled():
                result = self._execute(step)
                executed = executed or result.executed
                if result.word is Word.FAIL:
                    break
        return executed

    def _execute(self, step: Step) -> StepResult:
        if step.when is not None and self._taken.get(step.when[0]) != step.when[1]:
            why = f"passed over: {step.when[0]} is {self._taken.get(step.when[0], 'not taken')}, not {step.when[1]}"
            return self._keep(step, Word.UNKNOWN, why, time.monotonic_ns(), executed=False)
        if self._cancelled():
            self._stopped_at = self._stopped_at or step.id
            return self._keep(step, Word.UNKNOWN, "called off before it", time.monotonic_ns(), executed=False)
        self._on_step(step, "began", None)
        result = self._decide(step) if step.options else self._command(step)
        self._on_step(step, "ended", result)
        return result

    def _decide(self, step: Step) -> StepResult:
        began = time.monotonic_ns()
        option = self._answers.get(step.id) or self._ask(step)
        if option not in step.options:
            self._stopped_at = step.id
            why = f"nobody took this decision; answer it with --answer {step.id}={'|'.join(step.options)}"
            return self._keep(step, Word.UNKNOWN, why, began, executed=False)
        self._taken[step.id] = option
        return self._keep(step, Word.PASS, f"decided: {option}", began, answer=option)

    def _command(self, step: Step) -> StepResult:
        began = time.monotonic_ns()
        deadline = time.monotonic() + step.timeout_s
        command = SABOTAGED if step.id == self._sabotage else step.command
        shown = ""
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            done = run(step.id, command, self._of(step), self._folder, left_s, self._cancelled)
            wrong = _wrong(step.expect, done, step.timeout_s)
            if wrong is None or not step.expect.until or done.timed_out or self._cancelled():
                break
            shown = f"{wrong}, for all of its {step.timeout_s:g} s"
            pause_s = min(ASK_AGAIN_S, max(0.0, deadline - time.monotonic()))
            wait_until(lambda: False, pause_s, cancelled=self._cancelled)
            if time.monotonic() >= deadline:
                break
        if wrong is not None and shown:
            wrong = shown  # what it showed says more than that the last time was cut short
        if done.left:
            wrong = f"it left {', '.join(done.left)} behind; end that by hand"
        if wrong is not None and self._cancelled():
            self._stopped_at = self._stopped_at or step.id
            return self._keep(step, Word.UNKNOWN, "called off in the middle of it", began, done)
        if wrong is None:
            took_s = (time.monotonic_ns() - began) / 1e9
            return self._keep(step, Word.PASS, f"as expected after {took_s:.1f} s", began, done)
        self._failed_at = self._failed_at or step.id
        return self._keep(step, Word.FAIL, wrong, began, done)

    def _of(self, step: Step) -> dict[str, str]:
        return {**self._environment, "STEP": step.id}

    def _keep(
        self,
        step: Step,
        word: Word,
        sentence: str,
        began: int,
        done: Done | None = None,
        *,
        answer: str = "",
        executed: bool = True,
    ) -> StepResult:
        result = StepResult(
            step=step.id,
            section=step.section,
            phase=phase_of(step),
            word=word,
            sentence=self._masked(sentence),
            began_ns=began,
            ended_ns=time.monotonic_ns(),
            exit_code=done.exit_code if done else None,
            output=self._masked(done.output)[-OUTPUT_CHARACTERS:] if done else "",
            answer=answer,
            executed=executed,
            command_sha256=step.command_sha256 if executed and step.id != self._sabotage else "",
        )
        self._results[step.id] = result
        return result

    def _masked(self, text: str) -> str:
        return masked(mask_urls(text), self._secrets)

    def _section_of(self, name: str) -> str:
        return next(one.section for one in self._runbook.steps if one.id == name)

    def _result(self, step: Step) -> StepResult:
        """What came of it; of one that was never reached, why."""
        if step.id in self._results:
            return self._results[step.id]
        if step.section == "rollback" and not (self._failed_at or self._stopped_at):
            why = "not needed: nothing failed"
        else:
            why = f"not reached: stopped at {self._failed_at or self._stopped_at or 'the step before'}"
        at = time.monotonic_ns()
        return StepResult(step.id, step.section, phase_of(step), Word.UNKNOWN, why, at, at, executed=False)


def phase_of(step: Step) -> str:
    return step.phase or ("decide" if step.options else PHASE_OF.get(step.section, ""))


def _wrong(expect: Expect, done: Done, timeout_s: float) -> str | None:
    """Why that is not what was expected; None where it is."""
    if done.exit_code is None:
        return f"it had not ended within {timeout_s:g} s" if done.timed_out else "it was ended before it was done"
    if done.exit_code != expect.exit_code:
        return f"it ended with exit code {done.exit_code}, expected {expect.exit_code}{_last(done.output)}"
    if expect.pattern is not None and not expect.pattern.search(done.output):
        return f"/{expect.pattern.pattern}/ is nowhere in what it wrote{_last(done.output)}"
    return None


def _last(output: str) -> str:
    lines = output.strip().splitlines()
    return f"; its last line: {lines[-1][:200]}" if lines else "; it wrote nothing"


def path_with_harness(private: Path, environment: Mapping[str, str]) -> str:
    """$PATH with a `harness` in front that is this very one, whatever else is installed; and our Python."""
    shim = private / "harness"
    root = shlex.quote(str(Path(harness.__file__).resolve().parents[1]))
    python = f'PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}} exec {shlex.quote(sys.executable)} -P -m harness "$@"'
    shim.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return os.pathsep.join([str(private), str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])

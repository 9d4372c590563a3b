"""Conducts a drill: a run whose disaster nobody heals but its runbook.

In order: the stack, of the drill's own; load; what must be there before; the disaster; the alert; the runbook; the load
served again; the writes read back; all taken down. What happened is in the run folder, from which alone it is judged.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.drill.drilled import DrilledStack
from harness.drill.jobs import ENDS_WITHIN_S, Jobs, until_done
from harness.drill.loader import LoadedDrill
from harness.drill.planning import BEFORE_WITHIN_S
from harness.drill.served import Served
from harness.drill.writes import FOUND, Found, ReadBackError, keep_found, read_back
from harness.ending import COMPLETE
from harness.errors import HarnessError
from harness.generator import DRAIN_S, Generator
from harness.history import read_marks
from harness.interrupts import Interrupts
from harness.notices import read_notices
from harness.order import Beat
from harness.plan import Plan
from harness.runbook.executing import Executor, phase_of
from harness.runbook.model import Execution, Step, StepResult
from harness.runner import JUDGE_BEFORE_S, LOOK_S, Opener, Run
from harness.stack.errand import Errand
from harness.stack.running import RunningStack
from harness.store import RunFolder, write_json
from harness.watching import View

LOOK_AGAIN_S = 3 * LOOK_S
READ_BACK_WITHIN_S = 20.0
READ_WHAT_IS_LEFT_S = 5.0
"""The same where it did not recover."""
EXECUTION = "runbook.json"
"""In the run folder: what came of the runbook (Execution.to_json), with each step's output."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a drill is conducted by: the drill, its plan and load, the folder of its backups, `environment` as its
    runbook, its jobs and what must be there before find it, and the step that is to do nothing, if any."""

    loaded: LoadedDrill
    plan: Plan
    locustfile: Path
    backups: Path
    environment: Mapping[str, str]
    sabotage: str = ""


class DrillRun(Run):
    """One drill into a run folder."""

    _patient = True

    def __init__(
        self, orders: Orders, folder: RunFolder, command: Sequence[str], view: View, interrupts: Interrupts
    ) -> None:
        super().__init__(orders.plan, orders.locustfile, folder, command, view, interrupts)
        self._orders, self._drill = orders, orders.loaded.drill
        self._served = Served(self._drill.ok_ratio_min, self._drill.settle_s, orders.plan.baseline_end_s)
        self._called_off = threading.Event()
        self._disaster_s = 0.0
        self._is_decided, self._is_over = False, False

    def opened(self, open_stack: Opener) -> Opener:
        """The stack of the drill, which goes with its backups."""
        return lambda folder, cancelled: DrilledStack(open_stack(folder, cancelled), self._orders.backups)

    def _on_beat(self, beat: Beat) -> None:
        super()._on_beat(beat)
        self._served.hear(beat)

    def _all_live(self, stack: RunningStack, generator: Generator) -> bool:
        """Once the load was asked to end, its process may."""
        if not self._is_over:
            return super()._all_live(stack, generator)
        if self._guardian is not None:
            self._guardian.alive()
        return True

    # ----------------------------------------------------------------------------------------------------- on the clock

    def _follow(self, stack: RunningStack, generator: Generator, baseline_is_bad: Callable[[], str | None]) -> None:
        jobs = Jobs(self._drill.jobs, self._orders.environment, Path.cwd(), self._folder.logs / "jobs.log")
        jobs.start()
        try:
            if self._prepared(stack, generator, baseline_is_bad) and self._struck(stack, generator):
                self._recover(stack, generator)
        finally:
            self._called_off.set()
            jobs.stop()

    def _prepared(self, stack: RunningStack, generator: Generator, baseline_is_bad: Callable[[], str | None]) -> bool:
        """The baseline is seen and good, and what must be there is."""
        baseline_s = self._plan.baseline_end_s
        if not self._until(max(0.0, baseline_s - JUDGE_BEFORE_S), stack, generator):
            return False
        if baseline_s > 2 * JUDGE_BEFORE_S:
            self._judge_baseline(baseline_is_bad)
        if self._reason != COMPLETE or not self._until(baseline_s, stack, generator):
            return False
        return not self._drill.before or self._wait_before(stack, generator)

    def _wait_before(self, stack: RunningStack, generator: Generator) -> bool:
        lacking: list[str | None] = []
        environment, command = self._orders.environment, self._drill.before

        def ask() -> None:
            lacking.append(until_done(command, environment, Path.cwd(), BEFORE_WITHIN_S, self._called_off.is_set))

        if not self._meanwhile(ask, stack, generator):
            return False
        if lacking[0] is not None:
            self._give_up("before", f"nothing was destroyed, since what must be there before is not: {lacking[0]}")
        return lacking[0] is None

    def _struck(self, stack: RunningStack, generator: Generator) -> bool:
        """The disaster is in. From now on services end and start, and the run goes on."""
        self._disaster_s = self._at_s()
        self._shift_s = self._disaster_s - self._plan.baseline_end_s
        assert isinstance(stack, DrilledStack)
        self._marks.write("disaster", self._disaster_s)

        def inject() -> None:
            with stack.struck(self._drill.disaster):
                for step in self._plan.steps:
                    if step.action == "inject" and self._reason == COMPLETE:
                        self._inject(step, stack)

        return self._meanwhile(inject, stack, generator) and self._reason == COMPLETE

    def _recover(self, stack: RunningStack, generator: Generator) -> None:
        if not self._wait_detected(stack, generator):
            return
        done: list[Execution] = []
        if not self._meanwhile(lambda: done.append(self._execute()), stack, generator):
            return
        is_served = self._went_well(done[0]) and self._wait_served(stack, generator)
        if self._reason == COMPLETE and not self._interrupts.came():
            self._is_over = True
            within_s = READ_BACK_WITHIN_S if is_served else READ_WHAT_IS_LEFT_S
            self._meanwhile(lambda: self._read_back(stack, generator, within_s), stack, generator)

    def _wait_detected(self, stack: RunningStack, generator: Generator) -> bool:
        """The alert came, or is overdue, which is told; False where the run ended before."""
        if not self._drill.alert:
            self._mark("detected", alert="")
            return True
        while self._at_s() < self._disaster_s + self._drill.detected_within_s:
            for notice in read_notices(self._folder.notices) or ():
                is_it = notice.status == "firing" and notice.name == self._drill.alert
                if is_it and notice.at_s >= self._disaster_s:
                    self._marks.write("detected", notice.at_s, alert=notice.name)
                    self._view.say(f"{notice.at_s:7.1f} s  alert: {notice.name}")
                    return True
            if not self._until(self._at_s() + LOOK_AGAIN_S, stack, generator):
                return False
        self._mark("undetected", alert=self._drill.alert)
        self._view.say(f"{self._at_s():7.1f} s  no alert {self._drill.alert}: the runbook is begun without it")
        return True

    def _execute(self) -> Execution:
        """The runbook, to its end; kept in the run folder."""
        deadline_s = self._disaster_s + self._drill.within_s
        execution = Executor(
            self._orders.loaded.runbook,
            self._orders.environment,
            answers=self._drill.answers,
            say=self._view.say,
            cancelled=lambda: self._called_off.is_set() or self._at_s() > deadline_s,
            sabotage=self._orders.sabotage,
            on_step=self._on_step,
        ).run()
        outputs = {one.step: one.output for one in execution.results if one.output}
        write_json(self._folder.path / EXECUTION, {**execution.to_json(), "outputs": outputs})
        return execution

    def _on_step(self, step: Step, what: str, result: StepResult | None) -> None:
        phase = phase_of(step)
        if phase not in ("", "decide") and not self._is_decided:
            self._is_decided = True
            self._mark("decided")
        if what == "began":
            self._mark("step_began", step=step.id, section=step.section, phase=phase, takes_s=step.takes_s)
            self._view.say(f"{self._at_s():7.1f} s  {step.id}: {step.title}")
        elif result is not None:
            self._mark("step_ended", step=step.id, section=step.section, phase=phase, word=str(result.word))
            if result.word != "pass":
                self._view.say(f"{self._at_s():7.1f} s  {step.id} {result.word}: {result.sentence}")

    def _went_well(self, execution: Execution) -> bool:
        """The runbook went to its end, and no step failed; else why not is told."""
        self._mark("runbook_ended", word=str(execution.word))
        at = execution.failed_at or execution.stopped_at
        if not at and execution.word == "pass":
            return True
        said = next((one.sentence for one in execution.results if one.step == at), "it has no step that was executed")
        self._give_up(
            at, f"the runbook {'failed' if execution.failed_at else 'stopped'} at {at or 'its start'}: {said}"
        )
        return False

    def _wait_served(self, stack: RunningStack, generator: Generator) -> bool:
        """The load is served again, and goes on to be.

        One that was served before the runbook had changed anything tells nothing of the recovery, which is then when
        the last of its steps had shown that all is well.
        """
        ended_s = self._at_s()
        while self._at_s() < max(self._disaster_s + self._drill.within_s, ended_s + 2 * self._drill.settle_s):
            since_s = self._served.since_s(self._disaster_s)
            if since_s is not None:
                changed_s, verified_s = self._steps_s(ended_s)
                felt = self._served.hurt(self._disaster_s)
                hurt = felt and since_s >= changed_s
                at_s = since_s if hurt else verified_s
                if self._at_s() >= at_s + self._drill.settle_s:  # so long the load has gone on, writes and all
                    self._marks.write("served", at_s, hurt=hurt, felt=felt)
                    self._view.say(f"{at_s:7.1f} s  served again")
                    return True
            if not self._until(self._at_s() + LOOK_AGAIN_S, stack, generator):
                return False
        self._give_up("served", "the runbook went to its end, and the load was not served again in its time")
        return False

    def _steps_s(self, ended_s: float) -> tuple[float, float]:
        """When the first step began that changes anything, and when the last had ended that belongs to the recovery."""
        marks = [(one, one.at_s) for one in read_marks(self._folder.marks) if one.at_s is not None]
        changes = [at_s for one, at_s in marks if one.kind == "step_began" and one.data.get("phase") == "restore"]
        ended = [at_s for one, at_s in marks if one.kind == "step_ended" and one.data.get("phase")]
        return min(changes, default=self._disaster_s), max(ended, default=ended_s)

    def _give_up(self, step: str, why: str) -> None:
        self._mark("gave_up", step=step, why=why)
        self._view.say(f"{self._at_s():7.1f} s  gave up: {why}")

    def _read_back(self, stack: RunningStack, generator: Generator, within_s: float) -> None:
        """No load any more; then what is there of what it wrote."""
        generator.end()
        generator.finish(DRAIN_S + 2.0)
        writes, state = self._drill.writes, stack.state
        if writes is None:
            return
        is_entry = writes.service == state.entry_service
        at = state.entry if is_entry else f"http://{state.reached.get(writes.service, '')}"
        # only among containers are their names known
        outpost = "" if is_entry or state.kind == "embedded" else state.outpost
        url = f"{at.rstrip('/')}{writes.path}"
        try:
            found = Found(read_back(url, within_s, outpost=outpost, cancelled=self._called_off.is_set))
        except ReadBackError as error:
            found = Found(None, str(error))
        keep_found(self._folder.path / FOUND, found)

    def _meanwhile(self, do: Callable[[], None], stack: RunningStack, generator: Generator) -> bool:
        """Do what takes its time, and look on; False where the run ended before it was done. Raises what it raised."""
        errand = Errand(do, "drill")
        try:
            while errand.is_going:
                if not self._until(self._at_s() + LOOK_AGAIN_S, stack, generator):
                    return False
            errand.wait(0.0)
            return True
        finally:
            if errand.is_going:
                self._called_off.set()
                with contextlib.suppress(HarnessError):
                    errand.wait(ENDS_WITHIN_S)

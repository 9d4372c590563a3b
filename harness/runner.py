"""Executes a plan: the only part that acts on the world, and the owner of what must be undone.

In order: guardian, stack, load, warm-up, baseline, windows, recovery, heal, stack down. Whatever ends a run (its plan,
a signal, a dead process, an error), it passes through the one heal, and through the end of all that it started.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.calm import Calm
from harness.ending import BASELINE_BAD, BUDGET_SPENT, COMPLETE, INTERRUPTED, Ending
from harness.errors import HarnessError, HealIncomplete
from harness.generator import DRAIN_S, Generator, order_for
from harness.guard import Guardian
from harness.history import MarkWriter, ResourceWriter
from harness.interrupts import Interrupts
from harness.manifest import manifest, zero_utc
from harness.order import Beat
from harness.plan import Plan, Step
from harness.record import NS_PER_S, HealReport
from harness.stack import state as states
from harness.stack.monitor import beat_readings
from harness.stack.running import RunningStack
from harness.store import RunFolder, write_json
from harness.watching import View
from harness.witnesses import Witnesses, reads_of
from harness.world import Heal

LEAD_S = 0.15
"""Between the last word to the load process and its first arrival."""
JUDGE_BEFORE_S = 1.0
"""Before the first window: when the baseline is judged."""
MEANWHILE_S = 2.0
"""A shorter warm-up leaves no time for anything else."""
LOOK_S = 0.05

Opener = Callable[[RunFolder, Callable[[], bool]], RunningStack]
"""Gives the stack of a run: starts one (its state in the run folder, called off by the second), or attaches to one."""


class Run:
    """One execution of a plan into a run folder."""

    _patient = False  # the guardian heals what a harness that hangs has broken

    def __init__(
        self,
        plan: Plan,
        locustfile: Path,
        folder: RunFolder,
        command: Sequence[str],
        view: View,
        interrupts: Interrupts,
    ) -> None:
        self._plan, self._locustfile, self._folder, self._command = plan, locustfile, folder, command
        self._view, self._interrupts = view, interrupts
        self._marks = MarkWriter(folder.marks)
        self._resources = ResourceWriter(folder.resources)
        self._heals: dict[int, Heal] = {}
        self._calm = Calm(plan.baseline_end_s)
        self._shift_s = 0.0
        self._began_ns, self._zero_ns = time.monotonic_ns(), 0
        self._looked_ns = 0
        self._reason = COMPLETE
        self._guardian: Guardian | None = None
        self._witnesses: Witnesses | None = None
        self._left: list[str] = []

    def execute(
        self, open_stack: Opener, baseline_is_bad: Callable[[], str | None], meanwhile: Callable[[], None]
    ) -> Ending:
        """Run it. `baseline_is_bad` judges what is on disk so far: a sentence when nothing should be injected.

        `meanwhile` is done once while the load warms up: what would take time later.

        Raises HarnessError when the stack or the load cannot start. Either way all that was started is ended, and all
        that was broken is whole again or named.
        """
        self._marks.write("start", None, scenario=self._plan.name)
        guardian = Guardian(self._folder.stack, self._folder.logs / "guardian.log", patient=self._patient)
        generator: Generator | None = None
        stack: RunningStack | None = None
        try:
            generator = Generator(self._folder.logs / "load.log", self._on_beat)
            guardian.wait_ready()
            self._view.say("starting ...")
            stack = open_stack(self._folder, self._interrupts.came)
            stack.state = replace(stack.state, owned=(*stack.state.owned, generator.id))
            states.write(self._folder.stack, stack.state)
            write_json(self._folder.manifest, manifest(self._plan, stack.state, self._command))
            generator.order(order_for(self._plan, self._locustfile, self._folder.samples, stack.state.entry))
            generator.wait_ready(self._interrupts.came)
            self._witnesses = self._start_clock(stack, generator)
            if self._plan.scenario.warmup_s >= MEANWHILE_S:
                meanwhile()
            self._guardian = guardian
            self._follow(stack, generator, baseline_is_bad)
        except HarnessError as error:
            if self._interrupts.number is None or isinstance(error, HealIncomplete):
                self._reason = str(error)
                if stack is None or self._zero_ns == 0:
                    raise
        finally:
            report = self._undo(stack, generator, guardian)
            if self._left and not self._zero_ns:
                raise HealIncomplete(f"{self._reason}\n{'; '.join(self._left)}")
        return self._ending(stack, report)

    def _ending(self, stack: RunningStack | None, report: HealReport) -> Ending:
        goes_on = stack is not None and not stack.is_ours
        still_broken = report.broken if goes_on else tuple(self._left)
        reason = INTERRUPTED if self._interrupts.came() else self._reason
        return Ending(reason, self._interrupts.number, still_broken, goes_on)

    def _start_clock(self, stack: RunningStack, generator: Generator) -> Witnesses:
        now_ns = time.monotonic_ns()
        self._zero_ns = now_ns + int((self._plan.scenario.warmup_s + LEAD_S) * NS_PER_S)
        utc = zero_utc(self._zero_ns, now_ns)
        write_json(self._folder.manifest, manifest(self._plan, stack.state, self._command) | {"zero_utc": utc})
        self._marks.write("zero", 0.0, utc=utc)
        generator.go(self._zero_ns)
        reads = reads_of(self._plan.scenario.checks)
        return Witnesses(stack.state, self._zero_ns, self._folder, self._resources.add, reads, self._marks)

    # ------------------------------------------------------------------------------------------------ on the clock

    def _follow(self, stack: RunningStack, generator: Generator, baseline_is_bad: Callable[[], str | None]) -> None:
        events: list[tuple[float, Callable[[], None]]] = []
        if self._plan.windows and self._plan.baseline_end_s > 2 * JUDGE_BEFORE_S:
            events.append((self._plan.baseline_end_s - JUDGE_BEFORE_S, lambda: self._judge_baseline(baseline_is_bad)))
        for step in self._plan.steps:
            do = self._inject if step.action == "inject" else self._heal
            events.append((step.at_s, partial(do, step, stack)))
            if step.action == "heal" and self._plan.calm_max_s is not None:
                events.append((step.at_s, partial(self._wait_calm, step, stack, generator)))
        for at_s, act in [*events, (self._plan.scenario.end_s, lambda: None)]:
            if not self._until(at_s + self._shift_s, stack, generator):
                return
            act()
            if self._reason != COMPLETE:
                return

    def _wait_calm(self, step: Step, stack: RunningStack, generator: Generator) -> None:
        """Let the stack come back; what follows is later by as much."""
        began_s, window = self._at_s(), self._plan.windows[step.window].name
        until_s = began_s + (self._plan.calm_max_s or 0.0)
        while lacking := self._calm.lacks(began_s):
            if not self._until(self._at_s() + 2 * LOOK_S, stack, generator):
                return
            if self._at_s() > until_s:
                self._mark("not_back", window=window, lacking=lacking)
                self._reason = f"{lacking} {self._plan.calm_max_s:g} s after {window}"
                self._view.say(self._reason)
                return
        self._shift_s = self._at_s() - step.at_s

    def _judge_baseline(self, baseline_is_bad: Callable[[], str | None]) -> None:
        self._resources.flush()
        sentence = baseline_is_bad()
        self._mark("baseline_judged", good=sentence is None, sentence=sentence or "")
        if sentence is not None:
            self._view.say(f"the baseline is bad, nothing is injected: {sentence}")
            self._reason = BASELINE_BAD

    def _inject(self, step: Step, stack: RunningStack) -> None:
        if time.monotonic_ns() - self._began_ns > self._plan.begin_within_s * NS_PER_S:
            self._reason = BUDGET_SPENT
            return
        window = self._plan.windows[step.window]
        self._mark("injecting", window=window.name, fault=window.fault)
        stack.enter(window.name)
        try:
            self._heals[step.window] = self._plan.faults[step.window].inject(stack)
        except Exception as error:  # a fault may be a user's own: whatever it raises, the stack is healed
            self._reason = f"{window.name} could not be injected: {error or type(error).__name__}"
            return
        self._mark("injected", window=window.name, fault=window.fault, late_ms=self._late_ms(step))
        self._view.say(f"{self._at_s():7.1f} s  in: {window.name}")

    def _heal(self, step: Step, stack: RunningStack) -> None:
        window = self._plan.windows[step.window]
        self._mark("healing", window=window.name, fault=window.fault)
        try:
            self._heals.pop(step.window)()
        except Exception as error:
            self._reason = f"{window.name} could not be healed on its time: {error or type(error).__name__}"
            return
        self._mark("healed", window=window.name, fault=window.fault, late_ms=self._late_ms(step))
        self._view.say(f"{self._at_s():7.1f} s  healed: {window.name}")

    def _late_ms(self, step: Step) -> float:
        return round((self._at_s() - step.at_s - self._shift_s) * 1000, 3)

    def _until(self, at_s: float, stack: RunningStack, generator: Generator) -> bool:
        """Wait for a second of the clock; False when something ended the run before."""
        due_ns = self._zero_ns + int(at_s * NS_PER_S)
        while True:
            if self._interrupts.came():
                self._view.say("interrupted: healing ...")
                return False
            left_ns = due_ns - time.monotonic_ns()
            if left_ns <= 0:
                return True
            if left_ns > 2 * LOOK_S * NS_PER_S and not self._all_live(stack, generator):
                return False
            self._interrupts.wait(min(left_ns / NS_PER_S, LOOK_S))

    def _all_live(self, stack: RunningStack, generator: Generator) -> bool:
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < 2 * LOOK_S * NS_PER_S:
            return True
        self._looked_ns = now_ns
        if self._guardian is not None:
            self._guardian.alive()
        at_s = self._at_s()
        faults_in = [self._plan.windows[index].name for index in self._heals]
        self._view.clock(at_s, self._plan.phase_at(at_s, bool(faults_in)), faults_in)
        ended = generator.died()
        if ended is not None:
            self._died("the load process", ended, "load.log")
        elif (dead := stack.dead()) is not None:
            self._died(dead[0], "its process ended", Path(dead[1]).name)
        elif self._witnesses is not None and (trouble := self._witnesses.trouble()) is not None:
            self._reason = trouble
        for name in stack.fallen():
            self._mark("fell", service=name)
            self._view.say(f"{self._at_s():7.1f} s  {name} ended under the fault")
        return self._reason == COMPLETE

    def _died(self, name: str, how: str, log: str) -> None:
        self._mark("died", service=name, log=log)
        self._reason = f"{name} died at {self._at_s():.1f} s ({how}); its log is logs/{log}"
        self._view.say(self._reason)

    # ---------------------------------------------------------------------------------------------------- the undoing

    def _undo(self, stack: RunningStack | None, generator: Generator | None, guardian: Guardian) -> HealReport:
        """Heal, let the load end, take down what was started, let the guardian go. In this order, whatever fails."""
        report = HealReport()
        with contextlib.ExitStack() as last_first:
            last_first.callback(self._marks.close)
            last_first.callback(guardian.release)
            if stack is not None:
                last_first.callback(lambda: self._left.extend(stack.down()))
            last_first.callback(self._close_resources)
            if self._witnesses is not None:
                last_first.callback(self._witnesses.stop, self._view.say)
            end_s = min(self._at_s(), self._plan.scenario.end_s + self._shift_s) if self._zero_ns else None
            if stack is not None:
                report = stack.heal()
                self._try_mark("heal_report", mended="; ".join(report.mended), broken="; ".join(report.broken))
                for sentence in (*report.mended, *report.broken):
                    self._view.say(f"healing found: {sentence}")
            if generator is not None:
                if self._reason == COMPLETE and not self._interrupts.came():
                    if self._plan.calm_max_s is not None:
                        generator.end()
                    generator.finish(DRAIN_S + 2.0)
                    if not generator.done:
                        how = generator.died() or "it was not done in time"
                        self._reason = f"the load process did not end well ({how}); its log is logs/load.log"
                generator.stop()
            if self._witnesses is not None:
                self._witnesses.stop(self._view.say)
                if self._reason == COMPLETE:  # what they missed belongs to the end
                    self._reason = self._witnesses.trouble() or COMPLETE
            with contextlib.suppress(HarnessError):
                if self._interrupts.number is not None:
                    self._marks.write("interrupted", end_s, signal=self._interrupts.number)
                self._marks.write("end", end_s, reason=INTERRUPTED if self._interrupts.came() else self._reason)
        return report

    def _close_resources(self) -> None:
        with contextlib.suppress(OSError):
            self._resources.close()

    def _mark(self, kind: str, **data: str | float | bool) -> None:
        self._marks.write(kind, self._at_s(), **data)

    def _try_mark(self, kind: str, **data: str | float | bool) -> None:
        """A mark that must not stand in the way of the undoing."""
        with contextlib.suppress(HarnessError):
            self._marks.write(kind, self._at_s() if self._zero_ns else None, **data)

    def _at_s(self) -> float:
        return (time.monotonic_ns() - self._zero_ns) / NS_PER_S

    def _on_beat(self, beat: Beat) -> None:
        self._calm.hear(beat)
        beat_readings(beat, self._resources.add)
        with contextlib.suppress(HarnessError, OSError):  # a full disk is met, and told, by the marks
            self._resources.flush()
        with contextlib.suppress(Exception, SystemExit):  # a terminal that has gone must not stop us listening
            self._view.beat(beat)

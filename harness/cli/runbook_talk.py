"""What `harness runbook run` says at the terminal, and asks there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from harness.runbook.model import Runbook, Step, StepResult

LINES_MAX = 15
"""Of the outputs before a decision, all together."""


class Talk:
    """One execution, told step after step. A decision is asked with its prose and with what the steps before showed."""

    def __init__(self, book: Runbook, console: Console, cancelled: Callable[[], bool]) -> None:
        self._book, self._console, self._cancelled = book, console, cancelled
        self._seen: list[StepResult] = []

    def ask(self, step: Step) -> str | None:
        """Asks until it is one of the options; nobody where there is no terminal."""
        if not sys.stdin.isatty():
            return None
        for line in (*self.shown(), *step.prose.splitlines()):
            self._say(f"      {line}".rstrip())
        while not self._cancelled():
            self._console.print(f"  {step.title} [{' | '.join(step.options)}] ", markup=False, end="")
            line = sys.stdin.readline()
            if not line:
                return None
            if line.strip() in step.options:
                return line.strip()
        return None

    def shown(self) -> list[str]:
        """The last lines of what each step since the last decision wrote, LINES_MAX at most."""
        found: list[str] = []
        left = LINES_MAX
        said = [one for one in self._seen if one.output.strip()]
        for index, one in enumerate(reversed(said)):
            share = left // (len(said) - index)
            lines = [f"{one.step} | {line}" for line in one.output.strip().splitlines()[-share:]] if share else []
            found, left = [*lines, *found], left - len(lines)
        return found

    def tell(self, step: Step, what: str, result: StepResult | None) -> None:
        """As Executor's `on_step`."""
        if what == "began":
            number = [one.id for one in self._book.steps].index(step.id) + 1
            takes = "a decision" if step.options else f"about {step.takes_s:g} s"
            head = f"{number:>2}/{len(self._book.steps)} {step.section}: {step.id}: {step.title}"
            self._say(f"{head} ({takes}; {self._book.path}:{step.line})")
        elif result is not None:
            self._seen = [] if step.options else [*self._seen, result]
            self._say(f"      {result.word}: {result.sentence}")
            if result.word == "fail" and result.output.strip():
                for line in result.output.strip().splitlines()[-12:]:
                    self._say(f"      | {line}")

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, markup=False, soft_wrap=True)

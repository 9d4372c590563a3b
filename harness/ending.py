"""How a run ended: what the runner says, and what makes its exit code."""

from __future__ import annotations

from dataclasses import dataclass

COMPLETE, BASELINE_BAD, INTERRUPTED = "complete", "baseline", "interrupted"
BUDGET_SPENT = "the budget is spent"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: `reason` is `complete`, `baseline`, `interrupted` or a sentence.

    `still_broken` is what healing could not mend on a stack that goes on running, and what could not be taken down.
    `stack_goes_on`: it was there before the run, as it is after it.
    """

    reason: str
    signal: int | None = None
    still_broken: tuple[str, ...] = ()
    stack_goes_on: bool = False

"""How a run ended: what the runner says, and what makes its exit code."""

from __future__ import annotations

from dataclasses import dataclass

COMPLETE, BASELINE_BAD, INTERRUPTED = "complete", "baseline", "interrupted"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: `reason` is `complete`, `baseline`, `interrupted` or a sentence.

    `still_broken` is what healing could not mend on a stack that goes on running, and what could not be taken down.
    """

    reason: str
    signal: int | None = None
    still_broken: tuple[str, ...] = ()

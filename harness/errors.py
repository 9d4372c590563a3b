"""Every error that a user can meet, each with its exit code.

A message says what was given, what is allowed, what to do.

Exit codes: 0 every check passed, 1 a check failed, 2 usage or scenario error, 3 the baseline was already bad,
4 unknown, 5 healing is incomplete, 6 the stack or a tool could not start, 130 and 143 interrupted and healed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Base of all errors that are meant for a user's eyes: printed as they are, never with a traceback."""

    exit_code = 2


class ScenarioError(HarnessError):
    """A scenario file that cannot be run. Names the file and, where it is known, the line."""


class LocustfileError(HarnessError):
    """A locustfile that cannot drive load: it does not import, or it has no user."""


class ComposeFileError(HarnessError):
    """A Compose file that is missing, is not YAML, or whose x-harness does not fit its services."""


class MutationError(HarnessError):
    """A file that cannot be damaged as it was asked: it is not read as rows, or it is the one to be kept."""


class RunbookError(HarnessError):
    """A runbook that cannot be read or executed as it is. Names the file and, where it is known, the line."""


class RunFolderError(HarnessError):
    """A run folder that cannot be written, or that is not one when it is read."""


class RecordError(HarnessError):
    """A chain of drill records that cannot be read as proven, or gone on with. Names the first place that is wrong."""

    exit_code = 1


class BackupError(HarnessError):
    """A backup that cannot be looked at as it was asked: it is not there, or where it would be restored is in use."""


class StartError(HarnessError):
    """The stack or a tool could not start. Carries the last lines of the log that says why."""

    exit_code = 6


class ToxiproxyError(HarnessError):
    """Toxiproxy did not do, in time, what it was asked."""

    exit_code = 6


class TapError(HarnessError):
    """A tap did not do, in time, what it was asked."""

    exit_code = 6


class OutpostError(HarnessError):
    """The outpost did not answer in time, or what answers there is none."""

    exit_code = 6


class EngineError(HarnessError):
    """The container engine, or Compose, is not here, may not be used, or did not do what it was asked."""

    exit_code = 6


class HealIncomplete(HarnessError):
    """Something that was broken could not be put back. The message lists it, and what to do by hand."""

    exit_code = 5


class Interrupted(HarnessError):
    """A signal ended the run; what was broken is whole again."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"interrupted by signal {signal_number}; everything that was broken is healed")
        self.exit_code = 128 + signal_number


def one_of(what: str, given: str, allowed: Iterable[str], *, where: str = "") -> str:
    """A sentence for a name that is not known: what was given, what is allowed, and the nearest right name."""
    names = sorted(allowed)
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names) if names else "none"
    return f"unknown {what} {given!r}; {where + ' defines' if where else 'allowed'}: {listed}{hint}"

"""READ FIRST. A runbook as it is written, and what came of executing it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.record import Word

SECTIONS = ("symptoms", "pre-flight", "procedure", "verification", "rollback", "post-incident")
"""In this order, in each runbook. `rollback` is executed only where the procedure or the verification failed."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What a step's command must show: its exit code, and a pattern somewhere in its output (re.MULTILINE). `until`: it
    is asked again, twice a second, until it shows that or the step's time is out."""

    exit_code: int = 0
    pattern: re.Pattern[str] | None = None
    until: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a command, or a decision of a human (`options` is not empty then, and `command` is).

    `when` is (id of a decision, its option): the step is passed over where another was taken. `takes_s` is what the
    runbook says that it takes, `timeout_s` when it is given up. `phase` is one of PHASES, by which a drill times it.
    `command_line` is where the command begins in the file. `prose` is what else the step says, for the reader.
    """

    id: str
    title: str
    section: str
    line: int
    command: str = ""
    expect: Expect = field(default_factory=Expect)
    options: tuple[str, ...] = ()
    takes_s: float = 10.0
    timeout_s: float = 60.0
    when: tuple[str, str] | None = None
    phase: str = ""
    command_line: int = 0
    prose: str = ""

    @property
    def command_sha256(self) -> str:
        """Of its command, by which a record says what was executed; "" for a decision."""
        return hashlib.sha256(self.command.encode()).hexdigest() if self.command else ""


PHASES = ("decide", "fetch", "restore", "verify")
"""By which a drill splits the time of recovery. A step says its own (`Phase: fetch`), else decisions and pre-flight are
decide, the procedure is restore, verification is verify."""


@dataclass(frozen=True, slots=True)
class Runbook:
    """A file of runbooks/. `version` is the SHA-256 of its bytes. `alerts` wake the engineer who reads it."""

    name: str
    path: Path
    title: str
    version: str
    steps: tuple[Step, ...]
    alerts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    drills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step. `word` is pass, fail, or unknown where it was not executed (passed over, never reached, a
    decision that nobody took). Times are monotonic nanoseconds. `output` is its last 4,000 characters, masked.
    `command_sha256` is that of the step's command, as the runbook has it."""

    step: str
    section: str
    phase: str
    word: Word
    sentence: str
    began_ns: int
    ended_ns: int
    exit_code: int | None = None
    output: str = ""
    answer: str = ""
    executed: bool = True
    command_sha256: str = ""

    @property
    def took_s(self) -> float:
        return (self.ended_ns - self.began_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a runbook, step after step. `failed_at` is the id of the first step that failed, "" where none
    did; `rolled_back`: the steps of the rollback were executed after it. `stopped_at` is the decision that nobody took,
    or the step at which it was called off."""

    runbook: str
    version: str
    results: tuple[StepResult, ...]
    failed_at: str = ""
    rolled_back: bool = False
    stopped_at: str = ""

    @property
    def word(self) -> Word:
        if self.failed_at:
            return Word.FAIL
        if self.stopped_at:
            return Word.UNKNOWN
        return Word.PASS if any(one.executed for one in self.results) else Word.UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """As records keep it."""
        return {
            "runbook": self.runbook,
            "version": self.version,
            "failed_at": self.failed_at,
            "rolled_back": self.rolled_back,
            "stopped_at": self.stopped_at,
            "steps": [
                {"id": one.step, "section": one.section, "phase": one.phase, "word": one.word, "sentence": one.sentence}
                | {"took_s": round(one.took_s, 3), "executed": one.executed, "answer": one.answer}
                | {"command_sha256": one.command_sha256}
                for one in self.results
            ],
        }


Answers = Mapping[str, str]
"""What a drill answers to the runbook's decisions, by their ids."""

"""What a run leaves behind: samples, marks, phases, verdicts, findings. Pure data, read by checks and reports.

The other half of the vocabulary is model.py, what a scenario says; it is to be read first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

NS_PER_S = 1_000_000_000

CUT_OFF = "no answer when the run ended"
"""The error of a request that the end of the run cut off: it took at least as long as its sample says."""

Scalar = str | int | float | bool | None
"""What a mark, an evidence and a fault's parameter may hold."""


class Word(StrEnum):
    """A verdict's word. False beats unknown beats true."""

    PASS = "pass"
    UNKNOWN = "unknown"
    FAIL = "fail"


class Outcome(StrEnum):
    """How one request ended: FAIL definitely, UNKNOWN when no answer came and the work may or may not be done."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Phase:
    """What statistics are kept by: `kind` is baseline, window or recovery; times in seconds on the run's clock."""

    name: str
    kind: str
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A window as the manifest keeps it: the fault by its kind and parameters, so that no code is needed to read it."""

    name: str
    fault: str
    start_s: float
    end_s: float
    link: str | None = None
    service: str | None = None
    cuts: bool = False
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    http: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that the harness did or saw. `at_s` is on the run's clock; None before the clock had a zero."""

    kind: str
    at_s: float | None
    data: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert in one message that an Alertmanager sent to the harness's webhook; `at_s` is when it came in.

    `status` is firing or resolved, `name` the label alertname. `starts_at` and `ends_at` are the sender's own times, in
    RFC 3339. `fingerprint` tells which alert it is: the same labels have the same.
    """

    at_s: float
    status: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: str = ""
    ends_at: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What a service said of itself: the answer to a GET that a check had asked for (`model.Reads`).

    `status` is 0 where no answer came; `body` is the answer's JSON, None where there was none.
    """

    at_s: float
    service: str
    path: str
    status: int
    body: Any = None


@dataclass(frozen=True, slots=True)
class History:
    """All that checks and reports may look at.

    `samples`, one row a request (see history.py for its making), sorted by nothing in particular:
        intended_ns, answered_ns   int64, on the run's clock
        response_ms, service_ms    float32, from the intended start, from the real start
        endpoint                   category, "METHOD name"
        outcome                    category of the three Outcome words
        status                     int16, 0 where no answer came;  error  category, "" where there was none
    `resources`, one row a reading: at_s float64, subject category, metric category, value float64.
    `attempts`, one row a request that crossed a link with a tap (schema.ATTEMPTS says what each is), by started_s:
        started_s, ended_s         float64, on the run's clock
        link, method, path         category;  connection int64
        outcome                    category of the three Outcome words: fail is a whole answer of 500 and more or a
                                   refused connection, unknown a connection that ended before the whole answer
        status                     int16, 0 where no answer came;  error, injected  category, "" where there was none
        key, trace                 str, "" where there was none
        request_hash               uint64, of the target and the body, 0 where the request was not whole
        answer_hash                uint64, 0 where there was no whole body;  request_bytes, answer_bytes int64
        retry_after_s              float32, NaN where there was none
    `notices` and `accounts`, in the order in which they came; `notices` is None where no webhook was open.
    `links`, name to (client, service); `entry`, the service that the load goes to; `services`, all but Toxiproxy.
    """

    scenario: str
    samples: pd.DataFrame
    marks: tuple[Mark, ...] = ()
    phases: tuple[Phase, ...] = ()
    windows: tuple[PlannedWindow, ...] = ()
    resources: pd.DataFrame | None = None
    attempts: pd.DataFrame | None = None
    notices: tuple[Notice, ...] | None = None
    accounts: tuple[Account, ...] = ()
    load_model: str = "open"
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    entry: str = ""
    services: tuple[str, ...] = ()

    def marks_of(self, kind: str) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.kind == kind)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's word, in a sentence with its numbers, and the numbers again for programs."""

    check: str
    word: Word
    sentence: str
    evidence: Mapping[str, Scalar] = field(default_factory=dict)


def overall(verdicts: Sequence[Verdict]) -> Word:
    """The word of a run: one fail makes it fail, else one unknown makes it unknown. No verdict at all is unknown."""
    words = {verdict.word for verdict in verdicts}
    for word in (Word.FAIL, Word.UNKNOWN):
        if word in words:
            return word
    return Word.PASS if words else Word.UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """One bottleneck: what limited the run, in a sentence, with its evidence. `share` ranks it, 0 to 1."""

    kind: str
    subject: str
    sentence: str
    share: float
    evidence: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealReport:
    """What a heal found out of place, in sentences, and what of that it could not mend."""

    mended: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

"""The body of a drill's record: what is known before it begins, and what its run folder tells afterwards.

From the folder alone, so that one that was killed is recorded as one that ended is.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.analysis.objectives import Timed, timed
from harness.analysis.writes import Judged, Ledger
from harness.analysis.writes import judge as judge_writes
from harness.drill.checkout import commit, our_commit
from harness.drill.conduct import EXECUTION
from harness.drill.loader import LoadedDrill
from harness.drill.records import evidence
from harness.drill.sending import why_limited
from harness.drill.verdict import Checked, Facts, checks, verdict
from harness.drill.writes import FOUND, LEDGER, read_found, read_ledger, sent_since
from harness.ending import COMPLETE
from harness.errors import HarnessError, RunFolderError
from harness.history import read_marks, read_resources
from harness.manifest import versions
from harness.masking import mask_urls
from harness.plan import kind_of, parameters_of
from harness.record import Mark, Word
from harness.stack.spec import StackSpec
from harness.store import RunFolder, read_json

TOLD = {
    "zero": "the load began",
    "baseline_judged": "the baseline was judged",
    "disaster": "the disaster began",
    "injected": "in: {window}",
    "detected": "detected: {alert}",
    "undetected": "no alert {alert} had come",
    "decided": "decided what to do",
    "step_began": "{section}: {step}",
    "step_ended": "{step}: {word}",
    "served": "served again",
    "gave_up": "gave up: {why}",
    "interrupted": "aborted by signal {signal}",
    "end": "the end",
}
"""The marks that a record's timeline tells of."""


OURS = "BACKUPS"
"""The variable of the Compose file that each drill gives a folder of its own."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a drill is judged to be."""

    body: Mapping[str, Any]
    word: Word
    sentence: str
    step: str
    judged: Judged | None
    timed: Timed | None
    reason: str


def opening(
    loaded: LoadedDrill, locustfile: Path, spec: StackSpec, kind: str, folder: RunFolder, drills: Path, sabotage: str
) -> dict[str, Any]:
    """What a record says that is known before the drill begins. Raises RecordError for a file that cannot be read."""
    drill, began = loaded.drill, datetime.now(UTC)
    struck = {getattr(one, "service", None) or getattr(one, "link", None) or "backups" for one in drill.disaster}
    images = {one.name: mask_urls(one.image) for one in spec.services.values() if one.image}
    participants = {"conducted by": _user(), **drill.participants}
    return {
        "id": f"{loaded.name}/{folder.path.name}",
        "drill": loaded.name,
        "objective": drill.objective,
        "scope": drill.scope
        or f"struck: {', '.join(sorted(struck))}; the {kind} stack of {spec.path.name}, under load",
        "exclusions": [one.name for one in spec.services.values() if one.name not in struck],
        "disaster": [_in_words(one) for one in drill.disaster],
        "environment": {
            "stack": kind,
            "images": images if kind == "docker" else {},
            "versions": versions(),
            "commit": commit(loaded.path.resolve().parent),
            "harness_commit": our_commit(),
        },
        "files": {"drill": evidence.sha256_of(loaded.path), "locustfile": evidence.sha256_of(locustfile)},
        "criteria": {
            "ok_ratio_min": float(drill.ok_ratio_min),
            "settle_s": float(drill.settle_s),
            "within_s": float(drill.within_s),
            "before": mask_urls(drill.before),
            "jobs": [{"command": mask_urls(one.command), "every_s": float(one.every_s)} for one in drill.jobs],
        },
        "objectives": {"rto_s": float(drill.rto_s), "rpo_s": float(drill.rpo_s)},
        "alert": drill.alert,
        "detected_within_s": float(drill.detected_within_s),
        "keeps_writes": drill.writes is not None,
        "participants": participants,
        "sabotage": sabotage,
        "variables": {name: value for name, value in spec.variables.items() if value and name != OURS},
        "from_environment": [name for name in spec.variables if os.environ.get(name) and name != OURS],
        "folder": str(folder.path.relative_to(drills.resolve())),
        "started_at": began.isoformat(timespec="milliseconds"),
    }


def _user() -> str:
    """Who runs this; by number where that user has no name here, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def close(folder: RunFolder, begun: Mapping[str, Any], ended_at: str = "") -> Judgement:
    """The whole body, from what is in the folder now. Raises nothing for a folder that is not whole."""
    marks = read_marks(folder.marks)
    reason = next((str(one.data.get("reason", "")) for one in marks if one.kind == "end"), "it was killed")
    ends = [one.at_s for one in marks if one.kind == "end" and one.at_s is not None]
    when = timed(marks, ends[0] if ends else None)
    ledger = read_ledger(folder.path / LEDGER)
    judged = _writes(folder, ledger, when) if begun["keeps_writes"] and when else None
    execution = _execution(folder)
    written = sent_since(ledger, when.served_s) if when and when.served_s is not None else (0, 0)
    limited = _limited(folder, when) if when else ""
    facts = Facts(begun, marks, when, execution, judged, folder.notices.is_file(), reason, written, limited)
    found = checks(facts)
    word = verdict(facts, found)
    aborted = reason != COMPLETE or facts.mark("interrupted") is not None
    hidden = ("alert", "detected_within_s", "keeps_writes", "from_environment")
    body = {name: value for name, value in begun.items() if name not in hidden} | {
        "actual": {
            "rto_s": _round(when.rto_s if when else None),
            "rpo_s": _round(judged.rpo_s if judged else None),
            "phases": {name: round(value, 3) for name, value in when.phases_s.items()} if when else {},
        },
        "alert": {"name": begun["alert"], "within_s": begun["detected_within_s"], "after_s": _detected(when)},
        "writes": dict(judged.counts) if judged else None,
        "timeline": _timeline(folder, marks),
        "runbook": {name: value for name, value in execution.items() if name != "outputs"} if execution else None,
        "checks": [{"name": one.name, "word": str(one.word), "sentence": one.sentence} for one in found],
        "deviations": _deviations(begun, facts, found),
        "observations": _observations(facts),
        "verdict": {"word": str(word.word), "sentence": word.sentence, "step": word.step},
        "ended_at": ended_at or datetime.now(UTC).isoformat(timespec="milliseconds"),
        "aborted": aborted,
    }
    return Judgement(body, word.word, word.sentence, word.step, judged, when, reason)


def _limited(folder: RunFolder, when: Timed) -> str:
    try:
        return why_limited(read_resources(folder.resources), when.disaster_s)
    except HarnessError as error:
        return str(error)


def _writes(folder: RunFolder, ledger: Ledger, when: Timed) -> Judged:
    try:
        found = read_found(folder.path / FOUND)
        return judge_writes(ledger, found.keys, when.disaster_s, when.settled_s, why_unread=found.why)
    except HarnessError as error:
        return judge_writes(ledger, None, when.disaster_s, when.settled_s, why_unread=str(error))


def _execution(folder: RunFolder) -> dict[str, Any] | None:
    try:
        return dict(read_json(folder.path / EXECUTION))
    except RunFolderError:
        return None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _detected(when: Timed | None) -> float | None:
    return None if when is None or when.detected_s is None else round(when.detected_s - when.disaster_s, 3)


def _timeline(folder: RunFolder, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """What happened, by its time; UTC is that of the run's zero and the monotonic clock since."""
    zero = next((datetime.fromisoformat(str(one.data["utc"])) for one in marks if one.kind == "zero"), None)
    told = [one for one in marks if one.kind in TOLD and one.at_s is not None] if zero is not None else []
    out = []
    for one in sorted(told, key=lambda mark: mark.at_s or 0.0):
        at = (zero or datetime.now(UTC)) + timedelta(seconds=one.at_s or 0.0)
        what = TOLD[one.kind].format_map(_Texts(one.data))
        out.append({"at_utc": at.isoformat(timespec="milliseconds"), "at_s": round(one.at_s or 0.0, 3), "what": what})
    return out


class _Texts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _deviations(begun: Mapping[str, Any], facts: Facts, found: Sequence[Checked]) -> list[str]:
    """Where the drill did not go as it was written."""
    out = [f"step {begun['sabotage']} was replaced by one that does nothing"] if begun["sabotage"] else []
    names = begun.get("from_environment", ())
    out += [f"with {name}={begun['variables'][name]}, given by the environment" for name in names]
    if facts.mark("undetected") is not None:
        out.append(f"alert {begun['alert']} did not come in time, and the runbook was begun without it")
    if facts.execution is not None and facts.execution["rolled_back"]:
        out.append("the runbook's rollback was executed")
    return out


def _observations(facts: Facts) -> list[str]:
    """What is worth knowing besides."""
    out = []
    takes = {str(one.data["step"]): one.data.get("takes_s") for one in facts.marks if one.kind == "step_began"}
    for step in facts.execution["steps"] if facts.execution else ():
        stated = takes.get(step["id"])
        if step["executed"] and isinstance(stated, int | float) and step["took_s"] > 2 * stated + 1:
            out.append(f"step {step['id']} took {step['took_s']:.1f} s, and is said to take {stated:g} s")
    if facts.judged is not None and facts.judged.holes:
        out.append(
            f"{facts.judged.holes} writes are lost though later ones are kept: it is not the state of one instant"
        )
    return out


def _in_words(fault: object) -> str:
    said = ", ".join(
        f"{name} {value}" for name, value in parameters_of(fault).items() if value not in ("", None, False)
    )
    return f"{kind_of(fault)}{f' ({said})' if said else ''}"

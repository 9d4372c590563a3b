"""A drill that never was: its run folder and the body of its record, with a truth that is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.analysis.objectives import Timed, timed
from harness.analysis.writes import Ledger, Request, judge
from harness.drill.writes import FOUND, LEDGER, Found, keep_found
from harness.history import read_marks
from harness.record import Mark, Outcome, Word
from harness.report.drill_titles import served
from harness.store import RunFolder
from tests.builders import failing, history, run_folder, steady, unknown

DISASTER_S, DETECTED_S, SERVED_S, END_S = 20.0, 23.4, 71.2, 84.0
LOST_FROM_S = 18.2
STEPS = (
    ("look", "pre-flight", "decide", 5.0, 24.0, 26.5),
    ("decide-restore", "pre-flight", "decide", 10.0, 26.5, 27.1),
    ("fetch", "procedure", "fetch", 5.0, 27.2, 33.0),
    ("restore", "procedure", "restore", 20.0, 33.0, 62.5),
    ("start", "procedure", "restore", 5.0, 62.6, 65.0),
    ("rows", "verification", "verify", 5.0, 65.1, 68.9),
    ("write-up", "post-incident", "", 5.0, 71.5, 72.0),
)


def drill_marks(*, fails_at: str = "", served_s: float | None = SERVED_S) -> list[Mark]:
    """The marks of a drill; of one that fails at a step all that followed is missing."""
    marks = [Mark("disaster", DISASTER_S), Mark("injected", DISASTER_S + 0.3, {"window": "lose data of postgres"})]
    marks.append(Mark("detected", DETECTED_S, {"alert": "DatabaseUnreachable"}))
    for step, section, phase, takes_s, began_s, ended_s in STEPS:
        named = {"step": step, "section": section, "phase": phase}
        marks.append(Mark("step_began", began_s, {**named, "takes_s": takes_s}))
        marks.append(Mark("step_ended", ended_s, {**named, "word": "fail" if step == fails_at else "pass"}))
        if step == fails_at:
            marks.append(Mark("gave_up", ended_s + 0.1, {"step": step, "why": f"the runbook failed at {step}"}))
            break
    else:
        if served_s is not None:
            marks.append(Mark("served", served_s))
    return sorted([*marks, Mark("end", END_S, {"reason": "complete"})], key=lambda one: one.at_s or 0.0)


def ledger_lines(loses: bool = True) -> tuple[list[Request], dict[str, int]]:
    """Five writes a second, of which those acknowledged after LOST_FROM_S and before the disaster are lost."""
    requests, found = [], {}
    for number in range(int(END_S * 5)):
        at_s = number / 5
        key = f"load-1-{number:04d}"
        is_down = DISASTER_S <= at_s < SERVED_S
        outcome, status = (Outcome.UNKNOWN, 503) if is_down else (Outcome.OK, 201)
        requests.append(Request(key, "POST /checkout", at_s, at_s, at_s + 0.01, outcome, status))
        if not is_down and not (loses and LOST_FROM_S <= at_s < DISASTER_S):
            found[key] = 1
    return requests, found


def drill_folder(
    drills: Path,
    name: str = "database-loss",
    utc: str = "20261129T221133Z",
    *,
    fails_at: str = "",
    loses: bool = True,
    found: bool = True,
    rto_s: float = 60.0,
    rpo_s: float = 5.0,
) -> tuple[RunFolder, dict[str, Any]]:
    """A run folder below `drills`, and the body of its record, without a number."""
    down = [*failing(steady(40, DISASTER_S, SERVED_S)), *(unknown(DISASTER_S + i / 4, 3000.0) for i in range(12))]
    after = failing(steady(40, SERVED_S, END_S)) if fails_at else steady(40, SERVED_S, END_S)
    marks = drill_marks(fails_at=fails_at)
    built = history([*steady(40, 0, DISASTER_S), *down, *after], end_s=END_S, marks=marks)
    folder = run_folder(drills / name / utc, built)
    requests, there = ledger_lines(loses)
    lines = [json.dumps(asdict(one)) for one in requests] + [json.dumps({"ended": True, "requests": len(requests)})]
    (folder.path / LEDGER).write_text("\n".join(lines) + "\n", encoding="utf-8")
    keep_found(folder.path / FOUND, Found(there) if found else Found(None, "it answered 503"))
    return folder, drill_body(folder, name, utc, requests, there if found else None, rto_s, rpo_s, fails_at)


def _recovered(recovery: Timed, fails_at: str) -> str:
    return f"the runbook failed at {fails_at}" if fails_at else f"served again after {recovery.rto_s:.1f} s"


def drill_body(
    folder: RunFolder,
    name: str,
    utc: str,
    requests: Sequence[Request],
    found: Mapping[str, int] | None,
    rto_s: float,
    rpo_s: float,
    fails_at: str,
) -> dict[str, Any]:
    """The body of a record, as the schema has it."""
    recovery = timed(read_marks(folder.marks), END_S)
    assert recovery is not None
    judged = judge(Ledger(tuple(requests)), found, recovery.disaster_s, recovery.settled_s)
    began = f"{utc[:4]}-{utc[4:6]}-{utc[6:8]}T{utc[9:11]}:{utc[11:13]}:{utc[13:15]}.000+00:00"
    checks = [
        ("recovered", Word.PASS if recovery.rto_s else Word.FAIL, _recovered(recovery, fails_at)),
        ("rto", Word.PASS if recovery.met(rto_s) else Word.FAIL, served(recovery, rto_s)),
        ("writes", judged.word(rpo_s), judged.sentence(rpo_s)),
    ]
    words = [word for _, word, _ in checks]
    word = next((one for one in (Word.FAIL, Word.UNKNOWN) if one in words), Word.PASS)
    reached = [step for step, *_ in STEPS].index(fails_at) if fails_at else len(STEPS)
    return {
        "id": f"{name}-{utc}",
        "drill": name,
        "objective": "When the database is lost under load, it is restored, and five seconds are lost at most.",
        "scope": "the database and its data",
        "exclusions": ["payments", "feed"],
        "environment": {"stack": "embedded", "images": {}, "versions": {"python": "3.11"}, "commit": "8b2979a"},
        "objectives": {"rpo_s": rpo_s, "rto_s": rto_s},
        "actual": {
            "rpo_s": judged.rpo_s,
            "rto_s": recovery.rto_s,
            "phases": {one: round(recovery.phases_s[one], 3) for one in sorted(recovery.phases_s)},
        },
        "writes": dict(judged.counts),
        "timeline": [{"at_utc": began, "at_s": one.at_s, "what": one.kind} for one in read_marks(folder.marks)],
        "participants": {"conducted by": "root"},
        "runbook": {
            "runbook": "postgres-down",
            "version": "0f" * 32,
            "failed_at": fails_at,
            "rolled_back": False,
            "steps": [
                {
                    "id": step,
                    "section": section,
                    "phase": phase,
                    "word": "fail" if step == fails_at else "pass" if number <= reached else "unknown",
                    "sentence": "" if number <= reached else "never reached",
                    "took_s": round(ended_s - began_s, 3),
                    "executed": number <= reached,
                    "answer": "restore" if step == "decide-restore" else "",
                }
                for number, (step, section, phase, _, began_s, ended_s) in enumerate(STEPS)
            ],
        },
        "checks": [{"name": check, "word": str(one), "sentence": sentence} for check, one, sentence in checks],
        "deviations": [],
        "observations": ["step restore took 29.5 s, and is said to take 20 s"] if not fails_at else [],
        "verdict": {"word": str(word), "sentence": next(s for _, w, s in checks if w is word), "step": fails_at},
        "folder": str(folder.path.relative_to(folder.path.parents[1])),
        "started_at": began,
        "ended_at": began.replace(":33.", ":59."),
        "aborted": False,
    }

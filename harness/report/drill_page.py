"""The page of a drill, for a manager: was it recovered, in what time, what was lost. One HTML file without any other.

It is made from the run folder and the body of the signed record alone; what the record says is what the page says, and
where the folder tells otherwise by now, the page warns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from harness.analysis.objectives import PHASES
from harness.analysis.writes import COUNTED, Fate
from harness.drill.records.due import sabotaged
from harness.drill.records.learnings import Learning
from harness.errors import RunFolderError
from harness.record import Mark
from harness.report.drill_evidence import Evidence, evidence
from harness.report.drill_titles import lost_name, seconds, timeline_title
from harness.report.page import Chart, environment
from harness.store import RunFolder, write_text

PICTURE = "timeline"
ALT = "Requests a second by outcome over the drill, the disaster, the phases of recovery and the window of lost writes"
PHASE_WORDS = {
    "detect": "until it was noticed",
    "decide": "until it was known what to do",
    "fetch": "finding what to restore from",
    "restore": "restoring",
    "verify": "making sure that it is right",
    "serve": "until the load was served again",
}
COUNT_WORDS = {
    Fate.KEPT: "acknowledged, and there",
    Fate.LOST: "acknowledged, and gone",
    Fate.DUPLICATED: "there more than once",
    Fate.PHANTOM: "there, though refused",
    Fate.UNKNOWN: "no clear answer",
}


def build(
    folder: RunFolder, body: Mapping[str, Any], learnings: Sequence[Learning] = (), today: date | None = None
) -> None:
    """Write charts/timeline.png, charts/timeline.svg and report.html into the run folder of a drill.

    `body` is that of its record, with `seq`, the record's number. `learnings` are those about it; one that is open on
    `today` after its day is overdue. Raises RunFolderError where the folder takes no file.
    """
    seen = evidence(folder, body)
    write_text(folder.report, page(body, seen, _picture(folder, body, seen), learnings, today))


def page(
    body: Mapping[str, Any],
    seen: Evidence,
    picture: Chart | None,
    learnings: Sequence[Learning],
    today: date | None = None,
) -> str:
    """The page's HTML. Everything that came from outside is escaped."""
    objectives, actual, runbook = body["objectives"], body["actual"], body["runbook"]
    steps = runbook["steps"] if runbook else []
    return (
        environment()
        .get_template("drill.html")
        .render(
            body=body,
            word=word_of(body),
            setting=setting(body),
            unread=unread(body),
            warnings=seen.warnings,
            picture=picture,
            cards=[
                _card("Time to recover", actual["rto_s"], objectives["rto_s"], "RTO", not_recovered(body)),
                _card("Data lost", actual["rpo_s"], objectives["rpo_s"], "RPO", "not known"),
            ],
            counts=[(one, body["writes"][one], _count_words(one, body), _is_bad(one, body)) for one in COUNTED]
            if body["writes"] is not None
            else [],
            phases=_phases(actual["phases"]),
            steps=[_step(one, seen.marks) for one in steps],
            executed=sum(bool(one["executed"]) for one in steps),
            learnings=[(one, one.is_overdue(today) if today else False) for one in learnings],
            day=day_of(body),
            exclusions=_listed(body["exclusions"]),
            participants=_pairs(body["participants"]),
            environment=_pairs(body["environment"]["versions"]) + _pairs(body["environment"]["images"]),
            seconds=seconds,
        )
    )


def word_of(body: Mapping[str, Any]) -> str:
    """`pass`, `fail`, `unknown`, `aborted`, or `sabotaged`."""
    if body["aborted"]:
        return "aborted"
    return "sabotaged" if sabotaged(body) else str(body["verdict"]["word"])


def setting(body: Mapping[str, Any]) -> str:
    """How it was not as it is: `sabotaged: step restore, noticed; with WEAKNESS=slow-leak`, "" where it was."""
    said = []
    if step := sabotaged(body):
        seen = next((one["word"] for one in body["checks"] if one["name"] == "sabotage"), "unknown")
        how = {"pass": "noticed", "fail": "not noticed"}.get(seen, "not judged")
        said.append(f"sabotaged: step {step}, {how}")
    if variables := body.get("variables"):
        said.append("with " + ", ".join(f"{name}={value}" for name, value in variables.items()))
    return "; ".join(said)


def unread(body: Mapping[str, Any]) -> bool:
    """Whether what became of the writes is not known since they could not be read back."""
    return body["writes"] is not None and body["actual"]["rpo_s"] is None


def not_recovered(body: Mapping[str, Any]) -> str:
    """What stands where the time to recover would; a drill that was called off tells nothing of it."""
    return "not known" if body["aborted"] or body["verdict"]["word"] == "unknown" else "not recovered"


def day_of(body: Mapping[str, Any]) -> str:
    """`2026-11-29 22:11 UTC`."""
    at = str(body["started_at"])
    return f"{at[:10]} {at[11:16]} UTC"


def _picture(folder: RunFolder, body: Mapping[str, Any], seen: Evidence) -> Chart | None:
    if seen.load is None:
        return None
    from harness.report.charts import drill, look

    objectives, judged = body["objectives"], seen.judged
    window = judged.lost_window_s if judged is not None else None
    lost = drill.Lost(*window, lost_name(judged)) if judged is not None and window is not None else None
    title = f"{body['drill']}. {timeline_title(seen.recovery, judged, objectives['rto_s'], objectives['rpo_s'])}"
    drawn = drill.timeline(seen.load, seen.recovery, lost, float(objectives["rto_s"]), seen.end_s, title)
    try:
        folder.charts.mkdir(exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write {folder.charts}: {error.strerror or error}") from error
    svg = look.save(drawn, folder.charts / f"{PICTURE}.png")
    write_text(folder.charts / f"{PICTURE}.svg", look.alone(svg))
    return Chart(PICTURE, title, ALT, svg)


def _card(name: str, value_s: float | None, allowed_s: float, short: str, absent: str) -> dict[str, str]:
    kind = "unknown" if absent == "not known" else "fail"
    if value_s is not None:
        kind = "pass" if value_s <= allowed_s else "fail"
    shown = absent if value_s is None else "nothing" if short == "RPO" and value_s == 0 else seconds(value_s)
    return {"name": name, "value": shown, "allowed": f"{short} objective {allowed_s:g} s", "kind": kind}


def _count_words(fate: Fate, body: Mapping[str, Any]) -> str:
    return "could not be read back" if fate is Fate.UNKNOWN and unread(body) else COUNT_WORDS[fate]


def _is_bad(fate: Fate, body: Mapping[str, Any]) -> bool:
    count = body["writes"][fate]
    if fate is Fate.LOST:
        rpo_s = body["actual"]["rpo_s"]
        return bool(count) and (rpo_s is None or rpo_s > body["objectives"]["rpo_s"])
    return fate in (Fate.DUPLICATED, Fate.PHANTOM) and bool(count)


def _phases(phases: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """A row a phase, in the order of a recovery, with its share of the whole."""
    names = [*PHASES, *(one for one in phases if one not in PHASES)]
    known = [(one, phases[one] or 0.0) for one in names if one in phases]
    total = sum(spent for _, spent in known)
    return [
        {
            "name": one,
            "what": PHASE_WORDS.get(one, ""),
            "took": seconds(spent) if spent else "–",
            "share": spent / total if total else 0.0,
        }
        for one, spent in known
    ]


def _step(step: Mapping[str, Any], marks: Sequence[Mark]) -> dict[str, Any]:
    stated = next(
        (one.data.get("takes_s") for one in marks if one.kind == "step_began" and one.data.get("step") == step["id"]),
        None,
    )
    return {
        **step,
        "took": seconds(step["took_s"]) if step["executed"] else "",
        "stated": seconds(float(stated)) if isinstance(stated, int | float) else "",
        "said": f"answered {step['answer']}" if step["answer"] else step["sentence"],
    }


def _listed(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))


def _pairs(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [(str(name), str(one)) for name, one in sorted(value.items())]  # as in the record, whose keys are sorted
    return [("", str(one)) for one in value]

"""The page of all drills, newest first: reports/drills/report.html. From the chain of records, and their run folders.

Where the chain is not as it was signed, the page says so before anything else, and shows the records that are sound.
"""

from __future__ import annotations

import base64
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness.drill.records import chain, learnings
from harness.drill.records.due import sabotaged
from harness.drill.records.learnings import OPEN, Learning
from harness.drill.records.sealed import DRILL, Record
from harness.report.drill_page import PICTURE, build, day_of, not_recovered, setting, unread, word_of
from harness.report.drill_titles import seconds
from harness.report.page import environment
from harness.store import RunFolder, write_text

PICTURE_BYTES_MAX = 2 << 20
REPORT = "report.html"
NEEDED = (
    "drill", "started_at", "aborted", "verdict", "environment", "objectives", "actual", "writes", "folder", "id",
    "objective", "scope", "exclusions", "participants", "runbook", "checks", "deviations", "observations", "timeline",
)  # fmt: skip
"""What the pages tell of a record's body; docs/drill-record.schema.json has all of it."""


def build_index(drills: Path, today: date | None = None, *, pages: Container[int] = ()) -> Path:
    """Write report.html into the folder of drills, and give its path. `today` (UTC) says what is overdue.

    The pages of the drills of the records `pages` are made anew too, where their run folders are still there. Raises
    HarnessError where there is no chain, RunFolderError where the folder takes no file.
    """
    today = today or datetime.now(UTC).date()
    proof = chain.verify(drills)
    told = learnings.read(proof.records)
    problems = [one.sentence for one in proof.problems]
    records = []
    for record in proof.records:
        if record.kind == DRILL and (lacking := [one for one in NEEDED if one not in record.body]):
            problems.append(f"record {record.seq} is no whole record of a drill: it lacks {', '.join(lacking)}")
        else:
            records.append(record)
    for record in records:
        folder = RunFolder(drills / str(record.body.get("folder", "")))
        if record.kind == DRILL and record.seq in pages and folder.manifest.is_file():
            about = [one for one in told if one.about == record.seq]
            build(folder, {**record.body, "seq": record.seq}, about, today)
    path = drills / REPORT
    write_text(path, index(drills, records, told, problems, today))
    return path


def show_learning(drills: Path, seq: int) -> None:
    """Make the pages anew on which the learning or the follow-up of record `seq` stands. Raises HarnessError."""
    told = learnings.read(chain.read_chain(drills))
    build_index(drills, pages={one.about for one in told if seq in (one.seq, one.closed_by)})


def index(
    drills: Path, records: Sequence[Record], told: Sequence[Learning], problems: Sequence[str], today: date
) -> str:
    """The page's HTML. Everything that came from outside is escaped; pictures are images, in which nothing runs."""
    of_drills = [one for one in reversed(records) if one.kind == DRILL]
    latest: dict[str, Record] = {}
    for record in (one for one in of_drills if not sabotaged(one.body)):
        latest.setdefault(str(record.body["drill"]), record)
    newest = {record.seq for record in latest.values()}
    rows = [_row(drills, one, told, today, pictured=one.seq in newest) for one in of_drills]
    followed = sorted((one for one in told if one.state == OPEN), key=lambda one: (one.due or today, one.seq))
    return (
        environment()
        .get_template("drills.html")
        .render(
            rows=rows,
            problems=problems,
            sentence=_sentence(list(latest.values()), followed, today),
            word=_word(latest.values(), problems),
            followed=[(one, one.is_overdue(today)) for one in followed],
            today=today.isoformat(),
            count=len(of_drills),
        )
    )


def _row(drills: Path, record: Record, told: Sequence[Learning], today: date, *, pictured: bool) -> dict[str, Any]:
    body = record.body
    about = [one for one in told if one.about == record.seq]
    folder = drills / body["folder"]
    return {
        "seq": record.seq,
        "drill": body["drill"],
        "day": day_of(body),
        "word": word_of(body),
        "sentence": body["verdict"]["sentence"],
        "step": body["verdict"]["step"],
        "stack": body["environment"]["stack"],
        "rto": _against(body, "rto_s", not_recovered(body)),
        "rpo": _against(body, "rpo_s", "not known"),
        "writes": _counts(body),
        "learnings": [(one, one.is_overdue(today)) for one in about],
        "page": f"{body['folder']}/{REPORT}" if (folder / REPORT).is_file() else "",
        "lacking": _lacking(drills, folder),
        "setting": setting(body),
        "picture": _picture(folder) if pictured else "",
    }


def _lacking(drills: Path, folder: Path) -> str:
    """Why there is no page to go to, "" where there is."""
    if (folder / REPORT).is_file():
        return ""
    if not folder.is_dir():
        return "its run folder is gone"
    said = "/".join((drills.resolve().parent.name, drills.name, *folder.relative_to(drills).parts))
    return f"its page was not made: harness report {said} makes it"


def _counts(body: Mapping[str, Any]) -> str:
    writes: Mapping[str, int] | None = body["writes"]
    if writes is None:
        return "not judged"
    if unread(body):
        return "could not be read back"
    return ", ".join(f"{writes[name]:,} {name}" for name in _NAMES)


_NAMES = ("kept", "lost", "duplicated", "phantom", "unknown")


def _against(body: Mapping[str, Any], name: str, absent: str) -> dict[str, Any]:
    """A measured time beside its objective."""
    value_s, allowed_s = body["actual"][name], body["objectives"][name]
    bad = value_s is not None and value_s > allowed_s
    return {"value": absent if value_s is None else seconds(value_s), "allowed": f"{allowed_s:g} s", "bad": bad}


def _picture(folder: Path) -> str:
    """Its timeline as a data URI, "" where it has none."""
    path = folder / "charts" / f"{PICTURE}.svg"
    try:
        with path.open("rb") as file:
            drawn = file.read(PICTURE_BYTES_MAX + 1)
    except OSError:
        return ""
    if len(drawn) > PICTURE_BYTES_MAX:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode('ascii')}"


def _word(latest: Any, problems: Sequence[str]) -> str:
    words = {word_of(one.body) for one in latest}
    if problems or "fail" in words:
        return "fail"
    return "pass" if words == {"pass"} else "unknown"


def _sentence(latest: Sequence[Record], followed: Sequence[Learning], today: date) -> str:
    """`Of 3 drills 2 passed when they were run last (failed: database-loss); 2 follow-ups open, 1 of them overdue`."""
    if not latest:
        return "No drill is recorded yet that was not sabotaged"
    parts = []
    for word, how in (("fail", "failed"), ("unknown", "unknown"), ("aborted", "aborted")):
        names = sorted(str(one.body["drill"]) for one in latest if word_of(one.body) == word)
        if names:
            parts.append(f"{how}: {', '.join(names)}")
    passed = sum(word_of(one.body) == "pass" for one in latest)
    rest = f" ({'; '.join(parts)})" if parts else ""
    late = sum(one.is_overdue(today) for one in followed)
    overdue = f", {late} of them overdue" if late else ""
    s, t = ("" if len(latest) == 1 else "s"), ("" if len(followed) == 1 else "s")
    return f"Of {len(latest)} drill{s} {passed} passed when run last{rest}; {len(followed)} follow-up{t} open{overdue}"

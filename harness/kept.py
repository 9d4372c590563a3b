"""Whether a run folder still holds what its verdicts were given on.

Files rot, are cut by a full disk, are cleaned away; a report of what is left must not stand silently beside verdicts
on the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import store
from harness.errors import RunFolderError
from harness.record import History, Scalar, Verdict, overall
from harness.store import RunFolder

PIECE_BYTES = 1 << 20
_WHAT = {
    "samples.arrow": "samples",
    "marks.jsonl": "marks",
    "resources.arrow": "readings",
    "taps.arrow": "attempts",
    "notices.jsonl": "notices",
    "accounts.jsonl": "accounts",
}

Judged = Mapping[str, Mapping[str, Scalar]]
"""For each file, its `rows` and its `crc32` when the run was judged, as verdicts.json keeps them."""


def keep(folder: RunFolder, history: History, verdicts: Sequence[Verdict]) -> None:
    """Write verdicts.json: the verdicts, and what they were given on. A run of a sweep has none of its own."""
    listed = [asdict(verdict) for verdict in verdicts]
    body = {"word": overall(verdicts), "verdicts": listed, "judged": judged(folder, history)}
    store.write_json(folder.verdicts, body)


def judged(folder: RunFolder, history: History) -> Judged:
    """What a history was read from."""
    rows = {
        folder.samples: len(history.samples),
        folder.marks: len(history.marks),
        folder.resources: 0 if history.resources is None else len(history.resources),
        folder.taps: 0 if history.attempts is None else len(history.attempts),
        folder.notices: len(history.notices or ()),
        folder.accounts: len(history.accounts),
    }
    return {file.name: {"rows": count, "crc32": _crc32(file)} for file, count in rows.items()}


def changes(folder: RunFolder, history: History, before: Judged) -> tuple[str, ...]:
    """A sentence for each file that is not what it was when the run was judged."""
    found = []
    for name, now in judged(folder, history).items():
        was = before.get(name, {})
        rows, left = was.get("rows"), now["rows"]
        if not isinstance(rows, int) or now["crc32"] == was.get("crc32"):
            continue
        if left == rows:
            how = f"its {rows:,} {_WHAT[name]} can be read, but the file is not the one that the verdicts were given on"
        else:
            how = f"{left:,} of the {rows:,} {_WHAT[name]} that the verdicts were given on can be read"
        lost = "is missing" if now["crc32"] is None else "was damaged or cut short since the run was judged"
        found.append(f"{name} {lost}: {how}.")
    return tuple(found)


def _crc32(path: Path) -> int | None:
    """None where there is no file."""
    found = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                found = zlib.crc32(piece, found)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror or error}") from error
    return found

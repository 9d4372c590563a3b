"""What no restore by root shows: a dump that its owner cannot read, and one that lacks the roles of its source."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from harness.backup.manifest import Manifest
from harness.backup.report import Judgement
from harness.backup.shape import CLUSTER, LOGICAL, Shape
from harness.record import Word

MODES, GLOBALS = "file modes", "globals"


def judge_modes(shape: Shape) -> Judgement:
    """Of a dump, or a base backup in tar files, by the modes themselves: we may be root, who can read all."""
    wrong = list(_wrong(shape))
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return Judgement(MODES, Word.FAIL, wrong[0] + more, {"wrong": len(wrong)})
    return Judgement(MODES, Word.PASS, "its owner can read all of it")


def _wrong(shape: Shape) -> Iterator[str]:
    main = shape.main
    for path in (main, *(sorted(main.rglob("*")) if main.is_dir() else ())):
        if not path.is_symlink():
            wanted = stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0)
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & wanted != wanted:
                yield f"{_said(path, main)} has mode {mode:04o}: its owner may not read it"


def _said(path: Path, main: Path) -> str:
    return main.name if path == main else path.relative_to(main).as_posix()


def judge_roles(shape: Shape, manifest: Manifest) -> Judgement | None:
    """Whether a dump of one database comes with the roles that its source had; None where nothing tells."""
    known = (manifest.schema_facts or {}).get("memberships", {})
    if shape.kind != LOGICAL or shape.format == CLUSTER or shape.globals_sql is not None or not known:
        return None
    return Judgement(
        GLOBALS,
        Word.FAIL,
        f"the source had roles ({next(iter(sorted(known)))}, ...), and the backup has none: it lacks what "
        "pg_dumpall --globals-only writes",
        {"memberships": len(known)},
    )

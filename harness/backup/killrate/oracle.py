"""Whether a mutant that a verifier passed holds, in truth, what the good backup holds: both restored, and written out.

The text is PostgreSQL's own, of all databases with roles, rows, large objects, positions of sequences and what
materialized views hold; rows are sorted. It owes nothing to the verifier's detectors.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.backup.mutants.mutating import Bench
from harness.backup.mutants.parts import Parts, recognise
from harness.backup.mutants.server import Server
from harness.backup.running import Bad, NotJudged, OutOfTime
from harness.errors import HarnessError

_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|)$", re.MULTILINE)
_ROWS = re.compile(r"(^COPY [^\n]* FROM stdin;\n)(.*?)(^\\\.$)", re.MULTILINE | re.DOTALL)


def changes_nothing(mutant: Path, good: str) -> bool:
    """Whether the mutant restores to the same text as `good`, which `text_of` gave. One that does not restore is
    another."""
    try:
        parts = recognise(mutant)
        if not _readable(parts):
            return False
        return text_of(parts) == good
    except (HarnessError, OSError, ValueError, Bad, NotJudged, OutOfTime):
        return False


def _readable(parts: Parts) -> bool:
    """As whoever restores it would find it: files that their owner can read, a data folder that is its owner's."""
    modes = [path.stat().st_mode for path in parts.data_files()]
    if any(not mode & 0o400 for mode in modes):
        return False
    return parts.format != "basebackup" or not parts.data.stat().st_mode & 0o002


def text_of(parts: Parts) -> str:
    """What a backup holds, as text. Raises HarnessError where it cannot be restored."""
    bench = Bench(parts)
    try:
        with bench.database(parts) as (server, database):
            said = server.must_tool("pg_dumpall").out
            views = _views(server, database.name)
    finally:
        bench.close()
    roles = parts.globals.read_text(encoding="utf-8") if parts.globals is not None else ""
    return "\n".join((_settled(said), views, _settled(roles)))


def _settled(text: str) -> str:
    ordered = _ROWS.sub(lambda found: found[1] + "\n".join(sorted(found[2].splitlines())) + "\n" + found[3], text)
    return "\n".join(line for line in _NOISE.sub("", ordered).splitlines() if line)


def _views(server: Server, database: str) -> str:
    names = server.sql(
        "SELECT format('%I.%I', schemaname, matviewname) FROM pg_matviews WHERE ispopulated ORDER BY 1", database
    ).splitlines()
    hashed = "SELECT md5(string_agg((v.*)::text, chr(10) ORDER BY (v.*)::text)) FROM"
    return "\n".join(f"{name} {server.sql(f'{hashed} {name} v', database)}" for name in names)

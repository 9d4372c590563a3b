"""Damage that needs a format's own shape: version headers, members of a tar, the text of a cluster's dump."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from harness.backup.mutants.files import write_at
from harness.backup.mutants.mutant import DoesNotFit, Mutant
from harness.backup.mutants.parts import Parts

NEWER = "99.1"
MEMBER = tarfile.TarInfo


def wrong_version(parts: Parts, random: Random) -> str:
    """The version that the backup says it is of is one that nothing here can read."""
    if parts.format in ("custom", "directory", "tar"):
        return _archive_version(parts)
    if parts.format == "basebackup":
        (parts.data / "PG_VERSION").write_text("99\n")
        return "PG_VERSION says 99"
    if parts.format == "basebackup-tar":
        _edit_tar(_base_tar(parts), "PG_VERSION", lambda content: b"99\n"[: len(content)].ljust(len(content)))
        return "PG_VERSION says 99"
    text = _read(parts.data)
    changed, count = re.subn(r"(Dumped (?:from|by) (?:database|pg_dump) version )[0-9.]+", lambda m: m[1] + NEWER, text)
    if not count:
        raise DoesNotFit(f"{parts.data.name} does not say its version")
    _write(parts.data, changed)
    return f"{parts.data.name} says that it was dumped by {NEWER}"


def _archive_version(parts: Parts) -> str:
    """`PGDMP`, then major, minor and revision of the archive's own version."""
    if parts.format == "tar":

        def newer(content: bytes) -> bytes:
            return content[:5] + bytes([1, 99, 0]) + content[8:]

        _edit_tar(parts.data, "toc.dat", newer)
    else:
        write_at(parts.data / "toc.dat" if parts.data.is_dir() else parts.data, 5, bytes([1, 99, 0]))
    return "the archive's header says version 1.99"


def _base_tar(parts: Parts) -> Path:
    return next(iter(sorted(parts.data.glob("base.tar*"))))


def _edit_tar(path: Path, name: str, edit: Callable[[bytes], bytes | None]) -> None:
    """Write a tar again with one member's content changed, or the member left out where `edit` gives None."""
    raw = path.read_bytes()
    packed = raw.startswith(b"\x1f\x8b")
    if packed:
        raw = gzip.decompress(raw)
    written = io.BytesIO()
    found = False
    with (
        tarfile.open(fileobj=io.BytesIO(raw)) as source,
        tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        for member in source:
            file = source.extractfile(member) if member.isreg() else None
            content = file.read() if file else b""
            if member.name.removeprefix("./") == name:
                found = True
                changed = edit(content)
                if changed is None:
                    continue
                content, member.size = changed, len(changed)
            target.addfile(member, io.BytesIO(content) if member.isreg() else None)
    if not found:
        raise DoesNotFit(f"{path.name} has no {name}")
    path.write_bytes(gzip.compress(written.getvalue(), mtime=0) if packed else written.getvalue())


def lose_label_of_tar(parts: Parts, random: Random) -> str:
    """The base backup's tar lacks backup_label."""
    from harness.backup.mutants.sums import forget

    _edit_tar(_base_tar(parts), "backup_label", lambda _: None)
    forget(parts.data, "backup_label")
    return "backup_label is gone from the tar, and backup_manifest does not list it"


def cut_cluster(parts: Parts, random: Random) -> str:
    """The dump of all databases ends where the dump of one of them ends."""
    text = _read(parts.data)
    ends = [match.end() for match in re.finditer(r"-- PostgreSQL database dump complete\n--\n", text)]
    if len(ends) < 2:
        raise DoesNotFit(f"{parts.data.name} holds fewer than two databases")
    at = random.choice(ends[:-1])
    _write(parts.data, text[:at])
    return f"{parts.data.name} ends after the dump of database {ends.index(at) + 1} of {len(ends)}"


def lose_last_rows(parts: Parts, random: Random) -> str:
    """A plain dump that lost the rows of one table, and is whole in all else."""
    text = _read(parts.data)
    blocks = [m for m in re.finditer(r"^COPY [^\n]* FROM stdin;\n(.*?)^\\\.$", text, re.M | re.S) if m[1]]
    if not blocks:
        raise DoesNotFit(f"{parts.data.name} holds no rows")
    block = random.choice(blocks)
    _write(parts.data, text[: block.start(1)] + text[block.end(1) :])
    return f"{block[0].split(chr(10), 1)[0].split(' (')[0].removeprefix('COPY ')} lost its rows"


def lose_trailer(parts: Parts, random: Random) -> str:
    """A plain dump without its last statements: constraints, indexes, grants stand at its end."""
    text = _read(parts.data)
    lines = text.splitlines(keepends=True)
    statements = [at for at, line in enumerate(lines) if line.startswith(("ALTER TABLE", "GRANT", "CREATE"))]
    if not statements:
        raise DoesNotFit(f"{parts.data.name} holds no statement that could be cut off")
    at = statements[-random.randint(1, min(4, len(statements)))]
    _write(parts.data, "".join(lines[:at]))
    return f"{parts.data.name} ends before: {lines[at].strip()}"


def _read(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).decode()


def _write(path: Path, text: str) -> None:
    raw = text.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if path.read_bytes()[:2] == b"\x1f\x8b" else raw)


_TEXT = ("plain", "plain-gz", "cluster")

MUTANTS = (
    Mutant(
        "wrong-version",
        "It says that it is of a version that nothing here can read.",
        on_files=wrong_version,
        at_birth=True,
    ),
    Mutant(
        "backup-label-removed-from-tar",
        "backup_label was removed from the tar, and all sums agree.",
        ("basebackup-tar",),
        on_files=lose_label_of_tar,
        at_birth=True,
    ),
    Mutant(
        "cluster-cut-between",
        "The dump of all databases ends after the dump of one.",
        ("cluster",),
        on_files=cut_cluster,
        at_birth=True,
    ),
    Mutant(
        "copy-block-lost",
        "One table's rows are not in the text.",
        _TEXT,
        on_files=lose_last_rows,
        at_birth=True,
    ),
    Mutant(
        "last-statements-lost",
        "The text ends before its last statements.",
        _TEXT,
        on_files=lose_trailer,
        at_birth=True,
    ),
)

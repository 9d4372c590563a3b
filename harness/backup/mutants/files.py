"""Damage to a backup's files: what discs, copies, full volumes and people do to them."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path
from random import Random

from harness.backup.mutants.mutant import DoesNotFit, Mutant, OnFiles
from harness.backup.mutants.parts import FORMATS, LOGICAL, PHYSICAL, Parts
from harness.backup.mutants.sums import forget

PAGE_BYTES = 8192
OLD_S = 3 * 24 * 3600
TAIL = 0.3


def write_at(path: Path, offset: int, content: bytes) -> None:
    """Overwrite in place; a link is refused."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b") as file:
        file.seek(offset)
        file.write(content)


def flip_bit(path: Path, offset: int, bit: int) -> None:
    """Turn one bit of one byte."""
    with path.open("rb") as file:
        file.seek(offset)
        byte = file.read(1)[0]
    write_at(path, offset, bytes([byte ^ (1 << bit)]))


def _cut(path: Path, size: int) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b") as file:
        file.truncate(size)


def truncate(parts: Parts, random: Random) -> str:
    """The largest file ends somewhere in its middle."""
    path = parts.largest()
    size = path.stat().st_size
    left = int(size * random.uniform(0.2, 0.95))
    _cut(path, left)
    return f"{path.name} was cut from {size} to {left} bytes"


def lose_tail(parts: Parts, random: Random) -> str:
    """The largest file lacks its last part: the table of contents at its head is whole."""
    path = parts.largest()
    size = path.stat().st_size
    _cut(path, size - int(size * TAIL))
    return f"{path.name} lacks its last {TAIL:.0%}"


def flip(parts: Parts, random: Random) -> str:
    """One bit of the largest file is turned."""
    path = parts.largest()
    offset, bit = random.randrange(path.stat().st_size), random.randrange(8)
    flip_bit(path, offset, bit)
    return f"bit {bit} of byte {offset} of {path.name} was turned"


def zero_block(parts: Parts, random: Random) -> str:
    """One block of the largest file that held something is all zeros."""
    path = parts.largest()
    content = path.read_bytes()
    length = min(PAGE_BYTES, max(1, len(content) // 4))
    starts = [at for at in range(0, len(content), length) if any(content[at : at + length])]
    at = random.choice(starts)
    write_at(path, at, bytes(len(content[at : at + length])))
    return f"{length} bytes at {at} of {path.name} are zeros"


def empty_file(parts: Parts, random: Random) -> str:
    """The largest file holds no byte."""
    path = parts.largest()
    _cut(path, 0)
    return f"{path.name} is empty"


def lose_file(parts: Parts, random: Random) -> str:
    """One file that held something is gone."""
    names = [p for p in parts.data_files() if p.stat().st_size and p.name not in ("backup_manifest", "backup_label")]
    path = random.choice(names)
    path.unlink()
    return f"{path.relative_to(parts.root)} is gone"


def lose_key(parts: Parts, random: Random) -> str:
    """What is left is ciphertext whose key nobody has: noise of the same length."""
    path = parts.largest()
    size = path.stat().st_size
    write_at(path, 0, random.randbytes(size))
    return f"{path.name} is {size} bytes that nobody can decrypt"


def lose_globals(parts: Parts, random: Random) -> str:
    """The file of roles is gone."""
    if parts.globals is None:
        raise DoesNotFit("the backup has no file of roles")
    parts.globals.unlink()
    return f"{parts.globals.name} is gone"


def shut_modes(parts: Parts, random: Random) -> str:
    """Its owner may not read the largest file."""
    path = parts.largest()
    path.chmod(0)
    return f"{path.name} has mode 0000"


def open_modes(parts: Parts, random: Random) -> str:
    """Anybody may write the data folder, with which PostgreSQL does not start."""
    parts.data.chmod(0o777)
    for path in parts.data_files():
        path.chmod(0o666)
    return "the data folder has mode 0777, its files 0666"


def zero_byte_table(parts: Parts, random: Random) -> str:
    """The file of one table's rows holds no byte."""
    names = [path for path in _row_files(parts) if path.stat().st_size > 64]
    if not names:
        raise DoesNotFit("the dump has no file of a table's rows")
    path = random.choice(names)
    _cut(path, 0)
    return f"{path.name} is empty"


def cut_at_row(parts: Parts, random: Random) -> str:
    """The file of one table's rows ends at the end of a row: pg_restore takes it, and says nothing."""
    for path in random.sample(names := _row_files(parts), len(names)):
        raw = path.read_bytes()
        is_packed = raw.startswith(b"\x1f\x8b")
        rows = (gzip.decompress(raw) if is_packed else raw).split(b"\n")[:-4]
        if len(rows) > 1:
            kept = b"".join(row + b"\n" for row in rows[: random.randrange(1, len(rows))])
            path.write_bytes(gzip.compress(kept, mtime=0) if is_packed else kept)
            return f"{path.name} ends after {kept.count(10)} of {len(rows)} rows"
    raise DoesNotFit("the dump has no file of a table's rows with two rows")


def _row_files(parts: Parts) -> list[Path]:
    return [path for path in parts.data_files() if path.name.split(".")[0].isdigit()]


def lose_label(parts: Parts, random: Random) -> str:
    """backup_label is gone, from PostgreSQL's own manifest too: it would start in silence, from a wrong place."""
    label = parts.data / "backup_label"
    if not label.is_file():
        raise DoesNotFit("the base backup has no backup_label")
    label.unlink()
    forget(parts.data, "backup_label")
    return "backup_label is gone, and backup_manifest does not list it"


def at_birth(mutant: Mutant) -> Mutant:
    """The same damage, done before the sums were made."""
    return replace(
        mutant,
        name=f"{mutant.name}-at-birth",
        sentence=f"{mutant.sentence.rstrip('.')}, and the sums were made of that.",
        at_birth=True,
        formats=tuple(one for one in mutant.formats if one in LOGICAL),
    )


def _on_files(name: str, sentence: str, act: OnFiles, *formats: str) -> Mutant:
    return Mutant(name, sentence, formats or FORMATS, on_files=act)


_BOTH = (
    _on_files("truncated", "The largest file was cut in its middle.", truncate),
    _on_files("tail-lost", "The largest file lacks its last 30 %.", lose_tail),
    _on_files("bit-flipped", "One bit of the largest file was turned.", flip),
    _on_files("block-zeroed", "One block of the largest file is all zeros.", zero_block),
    _on_files("file-empty", "The largest file holds no byte.", empty_file),
    _on_files("file-missing", "One file is gone.", lose_file),
    _on_files("key-lost", "The largest file is ciphertext, and its key is lost.", lose_key),
    _on_files("table-file-cut-at-row", "The file of one table's rows ends at a row's end.", cut_at_row, "directory"),
    _on_files("table-file-empty", "The file of one table's rows holds no byte.", zero_byte_table, "directory"),
)

MUTANTS = (
    *_BOTH,
    *(at_birth(one) for one in _BOTH),
    _on_files("globals-lost", "The file of roles is gone.", lose_globals, *LOGICAL),
    replace(
        at_birth(_on_files("globals-lost", "The file of roles is gone.", lose_globals)), sentence="It never had roles."
    ),
    _on_files("modes-shut", "The largest file cannot be read by its owner (mode 0000).", shut_modes),
    _on_files("modes-open", "The data folder can be written by anybody (mode 0777).", open_modes, "basebackup"),
    Mutant(
        "backup-label-removed",
        "backup_label was removed, and all sums agree.",
        ("basebackup",),
        on_files=lose_label,
        at_birth=True,
    ),
)

assert set(LOGICAL) | set(PHYSICAL) == set(FORMATS)

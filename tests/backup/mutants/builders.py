"""Backups built by hand: enough of their form to be recognised and damaged."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

PLAIN = """--
-- PostgreSQL database dump
--

-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

CREATE TABLE public.one (id integer);
COPY public.one (id) FROM stdin;
1
2
\\.

ALTER TABLE public.one ADD PRIMARY KEY (id);
--
-- PostgreSQL database dump complete
--
"""
CLUSTER = "--\n-- PostgreSQL database cluster dump\n--\n\n" + PLAIN + PLAIN + PLAIN
SEGMENT_BYTES = 4096


def with_manifest(folder: Path, **facts: object) -> Path:
    """Write a manifest of all files of the folder."""
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "kind": "logical", "files": files, **facts}))
    return folder


def custom(folder: Path) -> Path:
    """A folder with what begins like a custom archive, roles and a manifest."""
    folder.mkdir()
    body = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(600))
    (folder / "shop.dump").write_bytes(b"PGDMP\x01\x10\x00" + body)
    (folder / "globals.sql").write_text("--\n-- PostgreSQL database cluster dump\n--\nCREATE ROLE one;\n")
    return with_manifest(folder, tables={"public.one": {"rows": 2, "hash": "3"}})


def plain(folder: Path, text: str = PLAIN) -> Path:
    """A folder with a dump in SQL text and a manifest."""
    folder.mkdir()
    (folder / "shop.sql").write_text(text)
    return with_manifest(folder)


def directory(folder: Path) -> Path:
    """A folder with what looks like pg_dump -Fd."""
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "toc.dat").write_bytes(b"PGDMP\x01\x10\x00" + bytes(range(200)))
    for number in (3001, 3002):
        rows = b"".join(b"%d\n" % (number * row) for row in range(1, 200)) + b"\\.\n\n\n"
        (folder / "shop" / f"{number}.dat.gz").write_bytes(gzip.compress(rows, mtime=0))
    return with_manifest(folder)


def base(folder: Path, wal: Path, *, segments: range = range(2, 9), last: int = 7) -> Path:
    """A base backup whose own WAL ends in segment 3, and its archive in the folder `wal`; the target is in `last`."""
    data = folder / "base"
    (data / "pg_wal").mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    (data / "backup_label").write_text("CHECKPOINT LOCATION: 0/3028\n")
    (data / "pg_wal" / _name(3)).write_bytes(b"\x01" * SEGMENT_BYTES)
    (data / "table").write_bytes(b"rows" * 4000)
    listed = ",\n".join(f'{{ "Path": "{name}", "Size": 1 }}' for name in ("backup_label", "PG_VERSION", "table"))
    ranges = '[\n{ "Timeline": 1, "Start-LSN": "0/3028", "End-LSN": "0/3100" }\n]'
    body = f'{{ "PostgreSQL-Backup-Manifest-Version": 2,\n"Files": [\n{listed}\n],\n"WAL-Ranges": {ranges},\n'
    (data / "backup_manifest").write_text(
        f'{body}"Manifest-Checksum": "{hashlib.sha256(body.encode()).hexdigest()}"}}\n'
    )
    wal.mkdir()
    for number in segments:
        (wal / _name(number)).write_bytes(bytes([number]) * SEGMENT_BYTES)
    return with_manifest(folder, kind="physical", wal="../wal", lsn=f"0/{last:x}010", target={"name": "here"})


def _name(number: int) -> str:
    return f"{1:08X}{0:08X}{number:08X}"

"""The files of a dump in directory form: pg_restore takes one that was cut at the end of a row, or is empty, as whole.

pg_dump ends the rows of each table with a mark of COPY, or with empty lines after INSERT. Large objects have no mark,
but a list of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.backup.packed import DAMAGED, opened
from harness.backup.running import Bad, Deadline

_ROWS = re.compile(r"\d+\.dat(?:\.(?:gz|lz4|zst))?\Z")
_OBJECT = re.compile(r"(blob_\d+\.dat)(?:\.(?:gz|lz4|zst))?\Z")
_PACKED = (".gz", ".lz4", ".zst")
_COPY = re.compile(rb"COPY [^\0]+ FROM stdin;\n")
_COPY_END, _INSERTS_END = b"\\.\n\n\n", b"\n\n"
_CHUNK = 1 << 20


def copy_file(source: Path, to: Path, deadline: Deadline) -> None:
    """A file's bytes again. Raises OutOfTime between the pieces."""
    with source.open("rb") as read, to.open("xb") as write:
        while chunk := read.read(_CHUNK):
            deadline.left_s()
            write.write(chunk)


def look_at(folder: Path, deadline: Deadline) -> None:
    """Raises Bad("trailer") for a file that does not end as pg_dump ends it, and Bad("restore") for one that does not
    unpack."""
    by_copy = _COPY.search((folder / "toc.dat").read_bytes()) is not None
    names = [path.name for path in sorted(folder.iterdir())]
    for name in names:
        if _ROWS.match(name):
            _end_of_rows(folder / name, by_copy, deadline)
        elif _OBJECT.match(name) and name.endswith(_PACKED):
            _ends(folder / name, deadline)
    listed = {line.split(" ")[-1] for path in folder.glob("blobs*.toc") for line in path.read_text().splitlines()}
    for name in names:
        if (found := _OBJECT.match(name)) and found[1] not in listed:
            raise Bad("trailer", f"{name} is there, and no list of large objects (blobs*.toc) names it: that was cut")


def _end_of_rows(path: Path, by_copy: bool, deadline: Deadline) -> None:
    head, tail = _ends(path, deadline)
    inserts = head.startswith(b"INSERT INTO ") or (head == _INSERTS_END and not by_copy)
    if not tail.endswith(_COPY_END) and not (inserts and tail.endswith(_INSERTS_END)):
        raise Bad("trailer", f"{path.name} is cut: it does not end with the mark that pg_dump puts after the last row")


def _ends(path: Path, deadline: Deadline) -> tuple[bytes, bytes]:
    """The first and the last bytes, unpacked."""
    head = tail = b""
    if path.stat().st_size == 0:
        raise Bad("trailer", f"{path.name} is empty")
    try:
        if not path.name.endswith(_PACKED):
            with path.open("rb") as file:
                head = file.read(16)
                file.seek(max(0, path.stat().st_size - len(_COPY_END)))
                return head, file.read()
        with opened(path, step=deadline.left_s) as stream:
            while chunk := stream.read(_CHUNK):
                deadline.left_s()
                head, tail = head or chunk[:16], (tail + chunk)[-len(_COPY_END) :]
    except DAMAGED as error:
        raise Bad("restore", f"{path.name} cannot be unpacked to its end: {error}") from error
    return head, tail

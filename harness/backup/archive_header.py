"""Reads the head of an archive of pg_dump: -Fc files, and toc.dat of -Fd and -Ft. Pure.

The head is the same in all: the word PGDMP, three bytes of version, two sizes, a format, the compression, a time, and
the names of the database and of the two versions.
"""

from __future__ import annotations

from dataclasses import dataclass

MAGIC = b"PGDMP"
HEAD_BYTES = 4096
"""More than the head ever takes."""


@dataclass(frozen=True, slots=True)
class Head:
    """`server` and `tool` are versions as they were written, such as 18.4 (Debian 18.4-1.pgdg12+1)."""

    archive: tuple[int, int, int]
    database: str
    server: str
    tool: str


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self.int_size = 4

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if count < 0 or len(part) < count:
            raise ValueError("the head of the archive is cut off")
        self._at += count
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def integer(self) -> int:
        sign = self.byte()
        value = int.from_bytes(self.take(self.int_size), "little")
        return -value if sign else value

    def text(self) -> str:
        length = self.integer()
        if length > HEAD_BYTES:
            raise ValueError(f"the head of the archive names a text of {length} bytes")
        return "" if length < 0 else self.take(length).decode("utf-8", errors="replace")


def read_head(data: bytes) -> Head:
    """Of the first HEAD_BYTES of an archive. Raises ValueError that says what is wrong."""
    if not data.startswith(MAGIC):
        raise ValueError("it does not begin as an archive of pg_dump does (PGDMP)")
    given = _Bytes(data[len(MAGIC) :])
    archive = (given.byte(), given.byte(), given.byte())
    given.int_size = given.byte()
    given.byte()
    given.byte()
    if archive[0] != 1 or given.int_size not in (4, 8):
        raise ValueError(f"its archive version {archive[0]}.{archive[1]} is not known here")
    if archive >= (1, 15, 0):
        given.byte()
    else:
        given.integer()
    for _ in range(7):
        given.integer()
    return Head(archive, given.text(), given.text(), given.text())

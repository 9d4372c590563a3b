"""Pages that no query complains about: all zeros in a table, where its visibility map or an index says that rows
were."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.backup.session import Session

_RELATIONS = (
    "SELECT c.oid, pg_catalog.pg_relation_filepath(c.oid), n.nspname || '.' || c.relname FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 't', 'm') "
    "AND c.relpersistence = 'p' AND pg_catalog.pg_relation_filepath(c.oid) IS NOT NULL"
)
_BTREES = (
    "SELECT pg_catalog.pg_relation_filepath(c.oid) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c "
    "ON c.oid = i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'btree' WHERE i.indrelid = "
)
_MAP_HEAD_BYTES = 24
_LEAF, _NO_ENTRIES = 1, 4 | 8 | 16 | 256
"""Flags of a B-tree page: a leaf; deleted, meta, half dead, incomplete pages hold no entries to believe."""
_OTHER_TID, _POSTING = 0x2000, 0x2000


def zero_pages(session: Session, data: Path, untold: list[str], step: Callable[[], object]) -> list[str]:
    """A sentence for each table with a page of zeros where rows were. Of tables that have pages of zeros and neither a
    map nor an index that tells, the name goes to `untold`: a server that grew a table and was killed leaves such pages
    too. Raises what `step` raises, which is called at each page."""
    page = int(session.value("SHOW block_size") or 8192)
    session.query("CHECKPOINT")
    wrong = []
    for oid, path, name in session.query(_RELATIONS):
        base = data / str(path)
        numbers = list(_zero(base, page, step))
        if not numbers:
            continue
        visible = _visible(base.with_name(f"{base.name}_vm"), page)
        lost = [number for number in numbers if visible is not None and visible(number)]
        if not lost:
            indexes = [data / str(row[0]) for row in session.query(_BTREES + str(oid))]
            lost = sorted(set(numbers) & {block for index in indexes for block in _blocks(index, page, step)})
            if not indexes:
                untold.append(str(name))
        if lost:
            wrong.append(f"{name} has {len(lost)} pages of zeros where rows were, the first is page {lost[0]}")
    return wrong


def _pages(base: Path, page: int, step: Callable[[], object]) -> Iterator[bytes]:
    segment = 0
    while True:
        path = base if segment == 0 else base.with_name(f"{base.name}.{segment}")
        if not path.is_file():
            return
        with path.open("rb") as file:
            while block := file.read(page):
                step()
                yield block
        segment += 1


def _zero(base: Path, page: int, step: Callable[[], object]) -> Iterator[int]:
    """Numbers of the pages of all segments that hold nothing but zeros."""
    nothing = bytes(page)
    return (number for number, block in enumerate(_pages(base, page, step)) if block == nothing)


class _Map:
    """A visibility map: two bits a page, the lower says all-visible."""

    def __init__(self, data: bytes, page: int) -> None:
        self._data, self._page, self._per = data, page, (page - _MAP_HEAD_BYTES) * 4

    def __call__(self, number: int) -> bool:
        block, within = divmod(number, self._per)
        at = block * self._page + _MAP_HEAD_BYTES + within // 4
        return at < len(self._data) and bool(self._data[at] >> (within % 4 * 2) & 1)


def _visible(path: Path, page: int) -> _Map | None:
    return _Map(path.read_bytes(), page) if path.is_file() else None


def _blocks(index: Path, page: int, step: Callable[[], object]) -> Iterator[int]:
    """Numbers of the table's pages that the entries of a B-tree point to."""
    for block in _pages(index, page, step):
        if len(block) < page:
            continue
        lower, _, special = struct.unpack_from("<HHH", block, 12)
        if not 24 <= lower <= special <= page - 16:
            continue
        (flags,) = struct.unpack_from("<H", block, special + 12)
        if not flags & _LEAF or flags & _NO_ENTRIES:
            continue
        for at in range(24, lower, 4):
            (item,) = struct.unpack_from("<I", block, at)
            offset = item & 0x7FFF
            if item >> 15 & 3 == 1 and 24 <= offset <= page - 8:
                yield from _of_entry(block, offset)


def _of_entry(block: bytes, offset: int) -> Iterator[int]:
    high, low, position, info = struct.unpack_from("<HHHH", block, offset)
    if not info & _OTHER_TID:
        yield high << 16 | low
    elif position & _POSTING:
        start = offset + (high << 16 | low)
        for at in range(start, min(start + 6 * (position & 0x0FFF), len(block) - 6), 6):
            first, second = struct.unpack_from("<HH", block, at)
            yield first << 16 | second

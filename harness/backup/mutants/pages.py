"""Damage on the pages of a data folder before the backup was made of it: no sum of the backup can tell."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

from harness.backup.mutants.files import PAGE_BYTES, flip_bit, write_at
from harness.backup.mutants.mutant import Database, DoesNotFit, Mutant, OnContent
from harness.backup.mutants.parts import PHYSICAL
from harness.backup.mutants.rows import tables

HEADER_BYTES = 24
_NORMAL = 1
_LEAF = 1
_INDEX_TUPLE_BYTES = 8


def _items(page: bytes) -> Iterator[tuple[int, int]]:
    """(offset, length) of each line pointer of a page that leads to something."""
    lower = struct.unpack_from("<H", page, 12)[0]
    for at in range(HEADER_BYTES, min(lower, PAGE_BYTES - 3), 4):
        word = struct.unpack_from("<I", page, at)[0]
        offset, flags, length = word & 0x7FFF, (word >> 15) & 3, word >> 17
        if flags == _NORMAL and length and offset + length <= PAGE_BYTES:
            yield offset, length


def _pages(path: Path) -> Iterator[tuple[int, bytes]]:
    content = path.read_bytes()
    for at in range(0, len(content) - PAGE_BYTES + 1, PAGE_BYTES):
        yield at, content[at : at + PAGE_BYTES]


def flip_heap(database: Database, random: Random) -> str:
    """One bit of the first column of one live row, on the disc of the server that is backed up."""
    table = _settled(database, random)
    path = database.path_of(table)

    def act() -> None:
        places = [
            at + offset + page[offset + 22]  # t_hoff: where the row's own bytes begin
            for at, page in _pages(path)
            for offset, length in _items(page)
            if length > page[offset + 22]
        ]
        flip_bit(path, random.choice(places), random.randrange(3))

    database.while_stopped(act)
    return f"one bit of one row of {table} was turned on the disc"


def zero_page(database: Database, random: Random) -> str:
    """A whole page of rows is zeros, which raises no error."""
    table = _settled(database, random)
    path = database.path_of(table)

    def act() -> None:
        starts = [at for at, page in _pages(path) if any(_items(page))]
        write_at(path, random.choice(starts), bytes(PAGE_BYTES))

    database.while_stopped(act)
    return f"one page of {table} was all zeros on the disc"


def cut_heap(database: Database, random: Random) -> str:
    """The last page of a table is gone from its file, which is a whole number of pages still."""
    table = _settled(database, random)
    path = database.path_of(table)

    def act() -> None:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(size - PAGE_BYTES)

    database.while_stopped(act)
    return f"the last page of {table} was missing on the disc"


def flip_index(database: Database, random: Random) -> str:
    """One bit of a key in a leaf of a B-tree: what is looked up by it is no longer found."""
    found = database.sql(
        "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a "
        "ON a.oid = c.relam JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE a.amname = 'btree' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
        f"AND c.relkind = 'i' AND pg_relation_size(c.oid) > {PAGE_BYTES} AND t.relname <> 'harness_heartbeat' "
        "AND t.reltuples > 50 ORDER BY 1"
    ).splitlines()
    if not found:
        raise DoesNotFit("no B-tree index has a page of keys")
    index = random.choice(found)
    path = database.path_of(index)

    def act() -> None:
        places = []
        for at, page in _pages(path):
            special = struct.unpack_from("<H", page, 16)[0]
            if at == 0 or special + 16 > PAGE_BYTES:
                continue
            (following,) = struct.unpack_from("<I", page, special + 4)
            (flags,) = struct.unpack_from("<H", page, special + 12)
            if flags & _LEAF:  # the first item of a page that has a right neighbour is its bound, not a key
                items = list(_items(page))[1 if following else 0 :]
                places += [at + offset + _INDEX_TUPLE_BYTES for offset, length in items if length > _INDEX_TUPLE_BYTES]
        flip_bit(path, random.choice(places), random.randrange(3))

    database.while_stopped(act)
    return f"one bit of one key of the index {index} was turned on the disc"


def _settled(database: Database, random: Random) -> str:
    """A table of a page or more of rows, written to its file."""
    found = [one for one in tables(database) if int(database.sql(f"SELECT count(*) FROM ONLY {one}")) > 50]
    if not found:
        raise DoesNotFit("no table holds a page of rows")
    database.sql("CHECKPOINT")
    return random.choice(found)


def _of(name: str, sentence: str, act: OnContent) -> Mutant:
    return Mutant(name, sentence, PHYSICAL, on_content=act, at_birth=True)


MUTANTS = (
    _of("row-flipped-at-source", "A bit of a row was turned on the disc before the backup was made.", flip_heap),
    _of("page-zeroed-at-source", "A page of rows was zeros on the disc before the backup was made.", zero_page),
    _of("page-lost-at-source", "A table's last page was gone before the backup was made.", cut_heap),
    _of("index-flipped-at-source", "A bit of a key was turned in an index before the backup was made.", flip_index),
)

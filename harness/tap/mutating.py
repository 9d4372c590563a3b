"""Bad data in flight: an answer is held until it is whole, and passed on with what the rules on it make of its rows."""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterable, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import xxhash

from harness.baddata.mutation import mutate
from harness.baddata.table import Unfit
from harness.tap.http_stream import SEED
from harness.tap.rules import Mutate

if TYPE_CHECKING:
    from harness.tap.attempt import Attempt
    from harness.tap.live import Live

BODY_MAX = 8 << 20
"""Bytes of an answer that are held, as it comes and unpacked. Such a one holds the tap up for half a second or so."""
TOO_LONG = f"its body is longer than {BODY_MAX >> 20} MB"
NAMES_KEPT_MAX = 200_000
ENTRIES_MAX = 10_000
_ENCODING = re.compile(rb"^content-encoding:[ \t]*([^\r\n]*?)[ \t]*\r\n", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:[^\r\n]*chunked", re.IGNORECASE | re.MULTILINE)
_FRAMING = re.compile(
    rb"^(?:content-length|transfer-encoding|trailer|content-md5|(?:content-|repr-)?digest):[^\r\n]*\r\n",
    re.IGNORECASE | re.MULTILINE,
)
"""What a head says of a body that is no longer so, and what would tell that it was changed on its way."""
_WINDOW_BITS = {b"gzip": (31,), b"x-gzip": (31,), b"deflate": (15, -15)}


class Journal:
    """What was done to which rows, the newest of it: so many entries and names of rows in all."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, dict[str, Any]]] = deque()
        self._count = self._names = 0

    def add(self, attempt: Attempt, rule: Mutate, rows: Sequence[str], fields: Sequence[str], note: str) -> None:
        self._count += 1
        entry = {
            "number": self._count,
            "at_ns": monotonic_ns(),
            "link": attempt.link,
            "window": rule.name,
            "mutator": rule.mutation,
            "path": attempt.path if rows or note else attempt.target,  # a file that names no row is known by its own
            "key": attempt.key or "",
            "rows": rows,
            "fields": fields,
            "note": note,
        }
        self._entries.append((len(rows), entry))
        self._names += len(rows)
        while len(self._entries) > ENTRIES_MAX or (self._names > NAMES_KEPT_MAX and len(self._entries) > 1):
            self._names -= self._entries.popleft()[0]

    def since(self, number: int) -> list[dict[str, Any]]:
        """The entries after that of this number. They are numbered from 1; a gap says that some are forgotten."""
        return [entry for _, entry in self._entries if entry["number"] > number]


class Earlier:
    """The last two bodies that differ, so that one asked for again has the same before it."""

    _last: bytes | None = None
    _before: bytes | None = None

    def before(self, body: bytes) -> bytes | None:
        if body != self._last:
            self._before, self._last = self._last, body
        return self._before


def mutated(attempt: Attempt, lives: Iterable[Live], head: bytes, raw: bytes, journal: Journal) -> tuple[bytes, bytes]:
    """(the head, the body) that the client gets of a whole answer: with a Content-Length, and packed as it was."""
    payload = _dechunked(raw) if _CHUNKED.search(head) else raw
    try:
        body, bits = _unpacked(payload, head)
    except Unfit as why:
        for live in lives:
            _note(journal, attempt, live, str(why))
        return head, raw
    changed = False
    for live in lives:
        assert isinstance(live.rule, Mutate)
        done = mutate(body, live.rule.what, live.earlier.before(body))
        journal.add(attempt, live.rule, done.rows, done.fields, done.note)
        if not done.note:
            body, changed = done.body, True
            attempt.touched_by(live.rule.name)
    if not changed:
        return head, raw
    sent = _packed(body, bits)
    attempt.answer_bytes = len(sent)
    attempt.answer_hash = xxhash.xxh3_64_intdigest(sent, seed=SEED) if sent else None
    return _FRAMING.sub(b"", head)[:-2] + b"Content-Length: %d\r\n\r\n" % len(sent), sent


def too_long(attempt: Attempt, lives: Iterable[Live], journal: Journal) -> None:
    """An answer passes as it is, and that is told."""
    for live in lives:
        _note(journal, attempt, live, TOO_LONG)


def _note(journal: Journal, attempt: Attempt, live: Live, why: str) -> None:
    assert isinstance(live.rule, Mutate)
    journal.add(attempt, live.rule, (), (), why)


def _dechunked(raw: bytes) -> bytes:
    """The data of chunks that a parser has found to be whole."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(raw[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


def _unpacked(payload: bytes, head: bytes) -> tuple[bytes, int]:
    """(the body, the window bits of what it was packed with, 0 for nothing). Raises Unfit."""
    found = _ENCODING.search(head)
    encoding = found[1].lower() if found else b""
    if encoding in (b"", b"identity"):
        return payload, 0
    if encoding not in _WINDOW_BITS:
        raise Unfit(f"its Content-Encoding is {encoding.decode('latin-1')!r}; gzip and deflate can be undone")
    for bits in _WINDOW_BITS[encoding]:
        unpack = zlib.decompressobj(bits)
        try:
            body = unpack.decompress(payload, BODY_MAX + 1)
        except zlib.error:
            continue
        if len(body) > BODY_MAX:
            raise Unfit(TOO_LONG)
        if unpack.eof and not unpack.unused_data:
            return body, bits
    raise Unfit(f"its body is not whole {encoding.decode()}")


def _packed(body: bytes, bits: int) -> bytes:
    if not bits:
        return body
    pack = zlib.compressobj(wbits=bits)
    return pack.compress(body) + pack.flush()

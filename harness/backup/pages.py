"""Pages that no query complains about: all zeros in the middle of a table whose map says that its rows are all
there."""

from __future__ import annotations

from pathlib import Path

from harness.backup.session import Session

_RELATIONS = (
    "SELECT pg_catalog.pg_relation_filepath(c.oid), n.nspname || '.' || c.relname FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 't', 'm') "
    "AND c.relpersistence = 'p' AND pg_catalog.pg_relation_filepath(c.oid) IS NOT NULL"
)
_MAP_HEAD_BYTES = 24


def zero_pages(session: Session, data: Path) -> list[str]:
    """A sentence for each table with a zero page that its visibility map holds for full. Zero pages that no map tells
    of are lawful: a server that grew a table and was killed leaves them."""
    page = int(session.value("SHOW block_size") or 8192)
    session.query("CHECKPOINT")
    wrong = []
    for path, name in session.query(_RELATIONS):
        assert path is not None
        base = data / path
        visible = _visible(base.with_name(f"{base.name}_vm"), page)
        if visible is None:
            continue
        numbers = [number for number in _zero(base, page) if visible(number)]
        if numbers:
            wrong.append(f"{name} has {len(numbers)} pages of zeros where rows were, the first is page {numbers[0]}")
    return wrong


def _zero(base: Path, page: int) -> list[int]:
    """Numbers of the pages of all segments that hold nothing but zeros."""
    found: list[int] = []
    number = segment = 0
    nothing = bytes(page)
    while True:
        path = base if segment == 0 else base.with_name(f"{base.name}.{segment}")
        if not path.is_file():
            return found
        with path.open("rb") as file:
            while block := file.read(page):
                if block == nothing:
                    found.append(number)
                number += 1
        segment += 1


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

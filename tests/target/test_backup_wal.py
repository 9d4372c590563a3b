"""Where a place of the WAL is, and whether what was received holds it: by files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from target.backup.wal import PAGE_BYTES, PAGE_HEAD_BYTES, Archive, history_of, lsn_of, text_of

SEGMENT_BYTES = 2**20
HISTORY = '1\t0/280000\tat restore point "a"\n\n2\t0/500000\tno recovery target specified\n'


def archive_of(folder: Path, *names: str) -> Archive:
    """Segments of 1 MiB, and a history of a third timeline."""
    for name in names:
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"" if name.endswith(".history") else b"\0" * SEGMENT_BYTES)
        if name.endswith(".history"):
            place.write_text(HISTORY, encoding="utf-8")
    return Archive(folder)


def segment(timeline: int, number: int) -> str:
    return f"{timeline:08X}{0:08X}{number:08X}"


@pytest.mark.parametrize(("text", "number"), [("0/3000028", 0x3000028), ("1A/0", 0x1A00000000), ("0/0", 0)])
def test_an_lsn_is_a_number_and_back(text: str, number: int):
    """As PostgreSQL writes it."""
    assert lsn_of(text) == number
    assert text_of(number) == text


@pytest.mark.parametrize("given", ["", "3000028", "0/3000028/1", "0/xyz"])
def test_what_is_no_lsn_is_refused(given: str):
    """With what one looks like."""
    with pytest.raises(ValueError, match="an LSN is as 0/3000028"):
        lsn_of(given)


def test_a_history_says_where_timelines_ended_and_why():
    """Oldest first; empty lines are none."""
    found = history_of(HISTORY)
    assert [(one.timeline, text_of(one.lsn)) for one in found] == [(1, "0/280000"), (2, "0/500000")]
    assert [one.reason for one in found] == ['at restore point "a"', "no recovery target specified"]


def test_the_way_to_a_timeline_leads_over_those_before_it(tmp_path: Path):
    """Each segment of the newest timeline that has it: the one in which a timeline ended is the next one's."""
    archive = archive_of(tmp_path, segment(1, 1), "00000003.history")
    way = list(archive.needed(lsn_of("0/100028"), lsn_of("0/600010"), 3))
    assert way == [segment(1, 1), segment(2, 2), segment(2, 3), segment(2, 4), segment(3, 5), segment(3, 6)]


def test_a_gap_is_the_first_segment_that_is_missing_or_not_whole(tmp_path: Path):
    """A half at the end is none; nor is what a backup brings along, or what was set aside."""
    archive = archive_of(tmp_path, segment(1, 1), segment(1, 2), segment(1, 4), f"{segment(1, 5)}.partial")
    begin, end = lsn_of("0/100028"), lsn_of("0/500010")
    assert archive.gap(begin, end, 1) == segment(1, 3)
    assert archive.gap(begin, lsn_of("0/300000"), 1) == ""
    assert archive.gap(begin, end, 1, {segment(1, 3): tmp_path / segment(1, 4)}) == ""
    aside = archive_of(tmp_path, f"until-then/{segment(1, 3)}")
    assert aside.gap(begin, end, 1) == ""
    assert aside.gap(begin, lsn_of("0/600010"), 1) == segment(1, 6)
    whole = (tmp_path / segment(1, 2)).rename(tmp_path / f"{segment(1, 2)}.partial")
    assert Archive(tmp_path).gap(begin, end, 1) == segment(1, 2), (
        "it is as large, and nobody knows how far it is written"
    )
    whole.rename(tmp_path / segment(1, 2))
    (tmp_path / segment(1, 2)).write_bytes(b"cut")
    assert Archive(tmp_path).gap(begin, end, 1) == segment(1, 2)


@pytest.mark.parametrize("end", [0x100200, 0x100000 + PAGE_BYTES + PAGE_HEAD_BYTES + 30, 0x200000 + 60])
def test_a_restore_point_is_there_when_its_name_stands_before_its_end(tmp_path: Path, end: int):
    """In the middle of a page, over the edge of one, over that of a segment; and not where zeros are."""
    archive_of(tmp_path, segment(1, 1), f"{segment(1, 2)}.partial")
    write_before(tmp_path, end, b"point-1\0".ljust(72, b"\0"))
    archive = Archive(tmp_path)
    assert archive.holds("point-1", end, 1)
    assert not archive.holds("point-2", end, 1)
    assert not archive.holds("point-1", end + 4096, 1)
    assert not archive.holds("point-1", lsn_of("0/900000"), 1)


def write_before(folder: Path, end: int, record: bytes) -> None:
    """A record that ends there; each page begins with a head that is no part of it."""
    for byte in reversed(record):
        end -= 1
        page = end % PAGE_BYTES
        if page < PAGE_HEAD_BYTES or end % SEGMENT_BYTES < 40:
            end -= end % PAGE_BYTES + 1
        name = segment(1, end // SEGMENT_BYTES)
        path = next(one for one in (folder / name, folder / f"{name}.partial") if one.exists())
        with path.open("r+b") as file:
            file.seek(end % SEGMENT_BYTES)
            file.write(bytes([byte]))

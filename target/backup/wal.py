"""Where a place of the WAL is: in which segment, on which timeline, and whether what was received really holds it.

Only files are read. A record's end is an LSN; the segment that holds it may still be received (`*.partial`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
PAGE_BYTES, PAGE_HEAD_BYTES, FIRST_PAGE_HEAD_BYTES = 8192, 24, 40
RECORD_BYTES = 256
"""More than the record of a restore point has: its name is in the last so many bytes before its end."""


def lsn_of(text: str) -> int:
    """`0/3000028` as a number. Raises ValueError."""
    match = LSN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"an LSN is as 0/3000028; given {text!r}")
    return int(match[1], 16) << 32 | int(match[2], 16)


def text_of(lsn: int) -> str:
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


@dataclass(frozen=True, slots=True)
class Switch:
    """A timeline ended at an LSN, for a reason; the next one began there."""

    timeline: int
    lsn: int
    reason: str


def history_of(text: str) -> list[Switch]:
    """The lines of a *.history file, oldest first."""
    found = []
    for line in text.splitlines():
        parts = line.split("\t") if "\t" in line else line.split(None, 2)
        if len(parts) >= 2 and parts[0].strip().isdecimal():
            found.append(Switch(int(parts[0]), lsn_of(parts[1]), parts[2].strip() if len(parts) > 2 else ""))
    return found


class Archive:
    """All WAL of a folder and of those below it, by name. `bytes` are those of a segment."""

    def __init__(self, folder: Path) -> None:
        self.segments: dict[str, Path] = {}
        self.histories: dict[int, Path] = {}
        for path in sorted(folder.rglob("*"), key=lambda one: (len(one.parts), one.name), reverse=True):
            if match := SEGMENT.fullmatch(path.name):
                name = path.name.removesuffix(".partial")
                known = self.segments.get(name)
                if known is None or not match[4] or known.name.endswith(".partial"):  # whole ones first, then ours
                    self.segments[name] = path
            elif match := HISTORY.fullmatch(path.name):
                self.histories[int(match[1], 16)] = path
        whole = [path.stat().st_size for path in self.segments.values() if not path.name.endswith(".partial")]
        parts = [path.stat().st_size for path in self.segments.values()]
        self.bytes = max(whole or parts or [2**24])

    def name(self, timeline: int, lsn: int) -> str:
        """Of the segment that holds that byte."""
        number, in_a_file = lsn // self.bytes, 2**32 // self.bytes
        return f"{timeline:08X}{number // in_a_file:08X}{number % in_a_file:08X}"

    def place(self, name: str) -> tuple[int, int]:
        """(timeline, number) of a segment."""
        return int(name[:8], 16), int(name[8:16], 16) * (2**32 // self.bytes) + int(name[16:24], 16)

    def switches(self, timeline: int) -> list[Switch]:
        """Where the timelines before that one ended; empty where nothing is known of them."""
        path = self.histories.get(timeline)
        return history_of(path.read_text(encoding="utf-8", errors="replace")) if path else []

    def needed(self, begin: int, end: int, timeline: int) -> Iterator[str]:
        """The segments from one LSN to another on the way to a timeline, each on the newest timeline that has it."""
        switches = self.switches(timeline)
        for number in range(begin // self.bytes, (end - 1) // self.bytes + 1):
            last = min((number + 1) * self.bytes, end) - 1
            on = next((one.timeline for one in switches if last < one.lsn), timeline)
            yield self.name(on, number * self.bytes)

    def gap(self, begin: int, end: int, timeline: int, held: Mapping[str, Path] | None = None) -> str:
        """The first segment that is missing between two LSNs, or is not whole though others follow; "" without one.
        `held` are segments that are elsewhere."""
        wanted = list(self.needed(begin, end, timeline))
        at_hand = {**(held or {}), **self.segments}
        for name, following in zip(wanted, [*wanted[1:], ""], strict=True):
            path = at_hand.get(name)
            if path is None or (following and path.stat().st_size < self.bytes):
                return name
            if following in at_hand and path.name.endswith(".partial"):
                return name  # it is as large as a whole one, and ends in zeros
        return ""

    def holds(self, name: str, lsn: int, timeline: int) -> bool:
        """Whether the record of a restore point that ends at `lsn` is there: its name is just before its end."""
        before = b""
        end = lsn
        while len(before) < RECORD_BYTES and end > 0:
            begin = (end - 1) // PAGE_BYTES * PAGE_BYTES
            path = self.segments.get(self.name(timeline, begin))
            if path is None:
                break
            with path.open("rb") as file:
                file.seek(begin % self.bytes)
                page = file.read(end - begin)
            head = FIRST_PAGE_HEAD_BYTES if begin % self.bytes == 0 else PAGE_HEAD_BYTES
            before = page[head:] + before
            end = begin
        return name.encode() + b"\0" in before[-RECORD_BYTES:]

"""What watches a stack sees all of it, or says that it did not."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import witnesses
from harness.clocks import ahead_ns
from harness.errors import RunFolderError, TapError
from harness.history import MarkWriter, read_marks
from harness.stack.state import StackState
from harness.store import RunFolder
from harness.tap.client import MutatedAnswer
from harness.witnesses import Witnesses


def _answer(number: int) -> MutatedAnswer:
    return MutatedAnswer(number, 10**9, "etl-feed", "bad invoices", "null", "/rows", "", ("a",), ("amount",), "")


class _Tap:
    """One that did things before this run, and has forgotten some of what it did since."""

    def __init__(self, address: str) -> None:
        self.recording: Any = SimpleNamespace(error=None, stopped=0, stop=self._stop)
        self.breaks_off, self.journal = False, [_answer(2)]
        _Tap.last = self

    last: _Tap

    def clock_ns(self) -> int:
        read_ns = time.monotonic_ns()
        time.sleep(0.1)
        return read_ns

    def links(self) -> dict[str, Any]:
        return {"etl-feed": SimpleNamespace(name="etl-feed", http=1, others=0)}

    def mutations(self, since: int = 0) -> list[MutatedAnswer]:
        return [one for one in self.journal if one.number > since]

    def record(self, zero_ns: int, path: Path) -> Any:
        self.zero_ns = zero_ns
        return self.recording

    def _stop(self) -> None:
        self.recording.stopped += 1
        if self.breaks_off:
            self.recording.error = "the recording broke off"
            raise TapError(self.recording.error)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(witnesses, "TapClient", _Tap)
    return RunFolder(tmp_path)


def _watch(folder: RunFolder, marks: MarkWriter, **more: str) -> Witnesses:
    state = StackState(kind="embedded", tap="127.0.0.1:1", **more)
    return Witnesses(state, 0, folder, lambda *_: None, (), marks)


def test_a_slow_answer_is_no_other_clock(folder: RunFolder):
    """On one kernel no reading is outside of ours; elsewhere the middle of ours is the best guess."""
    _watch(folder, MarkWriter(folder.marks)).stop(lambda _: None)
    assert _Tap.last.zero_ns == 0
    assert ahead_ns(1_000, 1_001, 900_000_000) == 0
    assert ahead_ns(1_000, 10**15, 3_000) == 10**15 - 2_000
    assert ahead_ns(10**15, 500, 10**15) == 500 - 10**15


def test_answers_that_the_tap_forgot_are_told(folder: RunFolder):
    """Those before the run are not missing."""
    marks = MarkWriter(folder.marks)
    watching = _watch(folder, marks)
    _Tap.last.journal = [_answer(5), _answer(6)]
    watching.stop(lambda _: None)
    kinds = [(mark.kind, mark.data.get("why")) for mark in read_marks(folder.marks)]
    assert kinds == [
        ("tap", None),
        ("mutations_lost", "the tap had to forget what it did to 2 answers"),
        ("mutated", None),
        ("mutated", None),
    ]


def test_a_recording_that_breaks_off_at_its_end_is_trouble(folder: RunFolder):
    """It is told, and remembered; what was stopped once is not stopped again."""
    told: list[str] = []
    watching = _watch(folder, MarkWriter(folder.marks))
    _Tap.last.breaks_off = True
    assert watching.trouble() is None
    watching.stop(told.append)
    watching.stop(told.append)
    assert (told, watching.trouble(), _Tap.last.recording.stopped) == (
        ["the recording broke off"],
        "the recording broke off",
        1,
    )


def test_a_recording_ends_though_no_mark_can_be_written(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    """Or no later run of a kept stack could record."""
    marks = MarkWriter(folder.marks)
    watching = _watch(folder, marks)
    _Tap.last.journal = [_answer(3)]

    def full(*_: object, **__: object) -> None:
        raise RunFolderError("cannot write: the disk is full")

    monkeypatch.setattr(marks, "write", full)
    watching.stop(lambda _: None)
    assert _Tap.last.recording.stopped == 1


def test_a_witness_that_cannot_begin_leaves_no_recording_behind(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    """The error is the witness's own."""

    def refuse(*_: object) -> None:
        raise RunFolderError("cannot write notices.jsonl")

    monkeypatch.setattr(witnesses, "Listening", refuse)
    with pytest.raises(RunFolderError, match=r"notices\.jsonl"):
        _watch(folder, MarkWriter(folder.marks), outpost="127.0.0.1:1")
    assert _Tap.last.recording.stopped == 1

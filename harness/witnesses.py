"""What watches a stack while the clock runs: readings of its services and links, the attempts that its tap sees, the
alerts that it sends, and what its services say of themselves.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence

from harness.clocks import ahead_ns
from harness.errors import HarnessError, TapError
from harness.history import MarkWriter
from harness.listening import Listening
from harness.model import Check, ReadingCheck, Reads
from harness.record import NS_PER_S
from harness.stack.monitor import Monitor, Reading
from harness.stack.state import StackState
from harness.store import RunFolder
from harness.tap.client import Recording, TapClient


def reads_of(checks: Sequence[Check]) -> tuple[Reads, ...]:
    """All that checks must know of services."""
    return tuple(one for check in checks if isinstance(check, ReadingCheck) for one in check.reads)


class Witnesses:
    """From the run's zero to stop(). Raises HarnessError when one of them cannot begin."""

    def __init__(
        self,
        state: StackState,
        zero_ns: int,
        folder: RunFolder,
        reading: Reading,
        reads: Sequence[Reads],
        marks: MarkWriter,
    ) -> None:
        self._marks = marks
        self._stopped = False
        self._monitor = Monitor(state, zero_ns, reading)
        if state.alerts:
            marks.write("webhook", None, variable=state.alerts)
        self._tap = _Tap(state.tap, zero_ns, folder) if state.tap else None
        try:
            self._listening = _listen(state, zero_ns, folder, reads)
        except HarnessError:
            if self._tap is not None:  # or no other run of a kept stack could record
                with contextlib.suppress(TapError):
                    self._tap.recording.stop()
            raise
        self._monitor.start()

    def trouble(self) -> str | None:
        """Why one of them that the run needs sees nothing any more, or did not see all."""
        return self._tap.recording.error if self._tap is not None else None

    def stop(self, tell: Callable[[str], None]) -> None:
        """Their last words, and the end; once. What went wrong is told, and never raised."""
        if self._stopped:
            return
        self._stopped = True
        self._monitor.stop()
        with contextlib.suppress(HarnessError):  # a disk that is full was told of before
            if self._listening is not None:
                self._listening.stop()
                self._marks.write("outpost", None, **self._listening.told())
        if self._tap is not None:
            try:
                self._tap.stop(self._marks)
            except HarnessError as error:
                tell(str(error))


class _Tap:
    """The tap's recording, and in the end its journal of mutations as marks."""

    def __init__(self, address: str, zero_ns: int, folder: RunFolder) -> None:
        self._client = TapClient(address)
        asked_ns = time.monotonic_ns()
        self._zero_ns = zero_ns + ahead_ns(asked_ns, self._client.clock_ns(), time.monotonic_ns())
        self._before = max((one.number for one in self._client.mutations()), default=0)
        self.recording: Recording = self._client.record(self._zero_ns, folder.taps)

    def stop(self, marks: MarkWriter) -> None:
        """Raises TapError when the recording broke off, RunFolderError when a mark cannot be written."""
        try:
            self._tell(marks)
        finally:
            self.recording.stop()

    def _tell(self, marks: MarkWriter) -> None:
        """What crossed each link, and each mutation, or that they are not all."""
        try:
            links, found = self._client.links(), self._client.mutations(self._before)
        except TapError as error:
            marks.write("mutations_lost", None, why=str(error))
            return
        for link in links.values():
            marks.write("tap", None, link=link.name, http=link.http, others=link.others)
        if found and (lost := found[-1].number - self._before - len(found)):
            marks.write("mutations_lost", None, why=f"the tap had to forget what it did to {lost:,} answers")
        for one in found:
            marks.write(
                "not_mutated" if one.note else "mutated",
                (one.at_ns - self._zero_ns) / NS_PER_S,
                window=one.window,
                link=one.link,
                mutator=one.mutator,
                path=one.path,
                key=one.key,
                rows=json.dumps(one.rows),
                fields=json.dumps(one.fields),
                note=one.note,
            )


def _listen(state: StackState, zero_ns: int, folder: RunFolder, reads: Sequence[Reads]) -> Listening | None:
    if not state.outpost:
        return None

    def address_of(service: str) -> str:
        return f"http://{state.reached.get(service, service)}"

    return Listening(state.outpost, zero_ns, reads, address_of, folder.notices, folder.accounts)

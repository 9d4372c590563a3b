"""Keeps what the outpost hears while a run goes on: its alerts, and the accounts of services that checks asked for.

On threads of its own, so that a service that hangs delays nothing else. A dead outpost is remembered and never raised:
what is missing then makes checks unknown, and stops no run.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import IO, Any

from harness.clocks import ahead_ns
from harness.errors import OutpostError, RunFolderError
from harness.model import Reads
from harness.outpost.client import Heard, OutpostClient
from harness.record import NS_PER_S, Account, Notice, Scalar

HEAR_EVERY_S = 0.5
STOP_WITHIN_S = 8.0
ALERTS = "alerts"
BEHIND_ALL = 2**53
"""A number of a notice that will not be."""
BYTES_MAX = 512_000_000
"""Of all that is kept of one run."""
PAGES_MAX = 50
"""Of one round: somebody who floods the outpost must not hold the end of a run up."""


class Listening:
    """From its making to stop(). `address_of` gives http://host:port of a service as the outpost reaches it.

    Raises RunFolderError where a file cannot be opened, and nothing after that.
    """

    def __init__(
        self,
        outpost_address: str,
        zero_ns: int,
        reads: Sequence[Reads],
        address_of: Callable[[str], str],
        notices_path: Path,
        accounts_path: Path,
    ) -> None:
        self._outpost, self._zero_ns, self._address_of = OutpostClient(outpost_address), zero_ns, address_of
        self._made_s = (time.monotonic_ns() - zero_ns) / NS_PER_S
        self._next = 0
        self._shift_ns: int | None = None
        self._is_begun = False
        self._malformed_before = 0
        with contextlib.suppress(OutpostError):  # one that is dead is told of in the first round
            self._malformed_before = self._outpost.heard(BEHIND_ALL).malformed
        self._malformed, self._malformed_last = 0, ""
        self._kept_bytes = 0
        self._failing: dict[str, str] = {}
        self._lost: list[str] = []
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._notices, self._accounts = _open(notices_path), _open(accounts_path)
        rounds: list[tuple[str, float, Callable[[], None]]] = [(ALERTS, HEAR_EVERY_S, self._hear)]
        for one in sorted(reads, key=lambda read: -read.every_s):  # of two that are alike the quickest stays
            rounds = [a_round for a_round in rounds if a_round[0] != f"{one.service}{one.path}"]
            rounds.append((f"{one.service}{one.path}", one.every_s, partial(self._fetch, one)))
        self._threads = [
            threading.Thread(target=self._repeat, args=a_round, name=f"listening-{a_round[0]}", daemon=True)
            for a_round in rounds
        ]
        for thread in self._threads:
            thread.start()

    @property
    def error(self) -> str | None:
        """Why what was kept is not whole; None where it is. What failed once and was answered later is no loss."""
        return "; ".join([*self._lost, *self._failing.values()]) or None

    def told(self) -> Mapping[str, Scalar]:
        """What checks must know of the listening itself: the data of a mark of kind `outpost`."""
        unheard = "; ".join([*self._lost, *(why for what, why in self._failing.items() if what == ALERTS)])
        return {
            "error": unheard,
            "unread": "; ".join(why for what, why in self._failing.items() if what != ALERTS),
            "malformed": self._malformed,
            "malformed_last": self._malformed_last,
        }

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """One last round of each, and the end."""
        self._stopped.set()
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                self._lost.append(f"{thread.name} did not end within {within_s:g} s")
        with self._lock:
            for file in (self._notices, self._accounts):
                try:
                    file.close()
                except OSError as error:
                    self._lost.append(f"cannot write {file.name}: {error.strerror or error}")

    def _repeat(self, what: str, every_s: float, do: Callable[[], None]) -> None:
        due = time.monotonic()
        try:
            while True:
                is_last = self._stopped.is_set()
                try:
                    do()
                    self._failing.pop(what, None)
                except OutpostError as error:
                    self._failing[what] = str(error)
                if is_last:
                    return
                due = max(due + every_s, time.monotonic())
                self._stopped.wait(due - time.monotonic())
        except Exception as error:  # whatever it is, the run goes on without us
            self._lost.append(f"listening for {what} broke off: {type(error).__name__}: {error}")

    def _hear(self) -> None:
        before: dict[str, Notice] = {}
        for _ in range(PAGES_MAX):
            asked_ns = time.monotonic_ns()
            heard = self._outpost.heard(self._next)
            self._shift_ns = ahead_ns(asked_ns, heard.now_ns, time.monotonic_ns())
            self._keep(heard, before)
            if not heard.notices:
                break
        self._keep_firing(before)

    def _keep_firing(self, before: dict[str, Notice]) -> None:
        """What had begun before and goes on."""
        for notice in before.values():
            if notice.status == "firing":
                self._append(self._notices, notice)
        before.clear()

    def _keep(self, heard: Heard, before: dict[str, Notice]) -> None:
        """Keep what came since this was made. The last word on each alert before that, of runs on the same stack, goes
        into `before`."""
        lost = heard.next - self._next - len(heard.notices)
        if heard.next < self._next:
            self._lost.append("the outpost was started anew, and what it had heard may be lost")
        elif lost and self._is_begun:
            self._lost.append(f"the outpost had to forget {lost:,} notices")
        self._is_begun = True
        self._malformed = heard.malformed - self._malformed_before
        self._malformed_last = heard.malformed_last if self._malformed else ""
        for one in heard.notices:
            notice = notice_of(one, self._at_s(int(one["at_ns"])))
            if notice.at_s < self._made_s:
                before[notice.fingerprint] = notice
            else:
                self._keep_firing(before)
                self._append(self._notices, notice)
        self._next = heard.next

    def _fetch(self, read: Reads) -> None:
        if self._shift_ns is None:  # before anything was heard
            asked_ns = time.monotonic_ns()
            self._shift_ns = ahead_ns(asked_ns, self._outpost.now_ns(), time.monotonic_ns())
        got = self._outpost.fetch(f"{self._address_of(read.service)}{read.path}")
        account = Account(self._at_s(got.at_ns), read.service, read.path, got.status, got.body)
        self._append(self._accounts, account)

    def _at_s(self, at_ns: int) -> float:
        return round((at_ns - (self._shift_ns or 0) - self._zero_ns) / NS_PER_S, 6)

    def _append(self, file: IO[str], kept: Notice | Account) -> None:
        line = json.dumps({one.name: getattr(kept, one.name) for one in fields(kept)})  # asdict() copies all of a body
        with self._lock:
            self._kept_bytes += len(line)
            if self._kept_bytes > BYTES_MAX:
                raise RunFolderError(f"more than {BYTES_MAX:,} bytes came; read smaller accounts, or less often")
            file.write(f"{line}\n")
            file.flush()


def _open(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}") from error


def notice_of(heard: Mapping[str, Any], at_s: float) -> Notice:
    """A notice of the outpost's, as History keeps it."""
    labels = heard["labels"]
    return Notice(
        at_s=at_s,
        status=heard["status"],
        name=labels.get("alertname", ""),
        labels=labels,
        annotations=heard["annotations"],
        starts_at=heard["startsAt"],
        ends_at=heard["endsAt"],
        fingerprint=heard["fingerprint"],
    )

"""Speaks to one tap: every call has a deadline, every answer is looked at."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.errors import TapError
from harness.tap.rules import Rule, rule_from, rule_to

DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class TapLink:
    """A link as the tap keeps it: `http` and `others` count the connections that spoke HTTP/1.1 and something else."""

    name: str
    listen: str
    upstream: str
    connections: int
    http: int
    others: int
    rules: tuple[tuple[int, Rule], ...] = ()


@dataclass(frozen=True, slots=True)
class MutatedAnswer:
    """What a mutate rule did to one answer: `rows` and `fields` by name; where it was left as it was, `note` says why.

    `at_ns` is of the tap's monotonic clock. Entries are numbered from 1; a gap says that some are forgotten.
    """

    number: int
    at_ns: int
    link: str
    window: str
    mutator: str
    path: str
    key: str
    rows: tuple[str, ...]
    fields: tuple[str, ...]
    note: str


class TapClient:
    """One tap, by the address of its control. Safe between threads: a connection a call."""

    def __init__(self, address: str) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        self._at = (host.strip("[]"), int(port))

    def add(self, link: str, listen: str, upstream: str) -> TapLink:
        """Make a link. Raises TapError when its port is taken."""
        return _link(self._call("add", link=link, listen=listen, upstream=upstream))

    def links(self) -> dict[str, TapLink]:
        """All links with their rules, as they are now."""
        return {one["link"]: _link(one) for one in self._call("state")["links"]}

    def clock_ns(self) -> int:
        """The tap's monotonic clock: ours, unless it runs on another kernel."""
        return int(self._call("state")["now_ns"])

    def put(self, link: str, rule: Rule) -> int:
        """Put a rule in force, behind those that are; its id. Reads back that it is."""
        number = int(self._call("put", link=link, rule=rule_to(rule))["id"])
        if number not in dict(self.links()[link].rules):
            raise TapError(f"the tap took the rule {rule.name} on {link} but does not show it")
        return number

    def take_off(self, number: int) -> None:
        """Take a rule off; one that is not there is no error."""
        self._call("take_off", id=number)

    def clear(self) -> int:
        """Take all rules off; how many there were."""
        return int(self._call("clear")["taken_off"])

    def mutations(self, since: int = 0) -> list[MutatedAnswer]:
        """What was done to answers after the entry of that number."""
        found = self._call("mutations", since=since)["mutations"]
        return [MutatedAnswer(**{**one, "rows": tuple(one["rows"]), "fields": tuple(one["fields"])}) for one in found]

    def record(self, zero_ns: int, path: Path) -> Recording:
        """Append every attempt that ends from now on to a file, as an Arrow IPC stream. Raises TapError."""
        connection = self._connect("record")
        try:
            lines = connection.makefile("rb")
            _ask(connection, lines, "record", {"zero_ns": zero_ns}, self.address)
            connection.settimeout(None)
            return Recording(connection, lines, path, self.address)
        except BaseException:
            connection.close()
            raise

    def _call(self, do: str, **fields: Any) -> dict[str, Any]:
        with self._connect(do) as connection, connection.makefile("rb") as lines:
            return _ask(connection, lines, do, fields, self.address)

    def _connect(self, do: str) -> socket.socket:
        try:
            return socket.create_connection(self._at, timeout=DEADLINE_S)
        except OSError as error:
            raise _no_answer(self.address, do, error) from error


class Recording:
    """A recording under way: a thread appends what the tap sends, as it comes."""

    def __init__(self, connection: socket.socket, lines: IO[bytes], path: Path, address: str) -> None:
        self._connection, self._lines, self._address = connection, lines, address
        self._stopping = False
        self.error: str | None = None
        """Why it ended before it was stopped."""
        try:
            self._file = path.open("ab")
        except OSError as error:
            raise TapError(f"cannot write {path}: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._copy, name="tap-recording", daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        try:
            while data := self._lines.read1(1 << 16):  # type: ignore[attr-defined]
                self._file.write(data)
                self._file.flush()
            if not self._stopping:
                self.error = f"the tap at {self._address} ended while it recorded"
        except OSError as error:
            self.error = f"the recording of the tap at {self._address} broke off: {error.strerror or error}"
        finally:
            with contextlib.suppress(OSError):  # what could not be written was told
                self._file.close()

    @property
    def ended(self) -> bool:
        """Nothing is appended any more."""
        return not self._thread.is_alive()

    def stop(self, within_s: float = DEADLINE_S) -> None:
        """Have the attempts under way recorded as unknown, and the stream ended. Raises TapError when it broke off."""
        self._stopping = self.error is None and not self.ended
        if self._stopping:
            with contextlib.suppress(OSError):
                self._connection.sendall(b'{"do": "stop"}\n')
            self._thread.join(within_s)
            if not self.ended:
                self.error = f"the tap at {self._address} did not end its recording within {within_s:g} s"
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
                self._thread.join(1.0)
        self._connection.close()
        if self.error is not None:
            raise TapError(self.error)


def _ask(
    connection: socket.socket, lines: IO[bytes], do: str, fields: Mapping[str, Any], address: str
) -> dict[str, Any]:
    try:
        connection.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(lines.readline())
    except (OSError, ValueError) as error:
        raise _no_answer(address, do, error) from error
    if "error" in answer:
        raise TapError(f"the tap refused {do}: {answer['error']}")
    return answer


def _no_answer(address: str, do: str, error: Exception) -> TapError:
    return TapError(
        f"the tap at {address} did not answer {do} within {DEADLINE_S:g} s: {type(error).__name__}; is it running?"
    )


def _link(body: Mapping[str, Any]) -> TapLink:
    rules = []
    for one in body["rules"]:
        fields = dict(one)
        rules.append((int(fields.pop("id")), rule_from(fields)))
    return TapLink(
        body["link"],
        body["listen"],
        body["upstream"],
        body["connections"],
        body["http"],
        body["others"],
        tuple(rules),
    )

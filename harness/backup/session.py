"""One session of psql that stays open: a query goes in, its rows come out as text."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.backup.running import Deadline, begin, run, stop
from harness.stack.postgres import Account

SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "extra_float_digits": "1",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "row_security": "off",
    "enable_indexonlyscan": "off",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "search_path": "",
    "client_encoding": "UTF8",
    "client_min_messages": "error",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lc_monetary": "C",
    "default_transaction_isolation": "read\\ committed",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "jit": "off",
    "default_transaction_read_only": "off",
}
"""With these, text of a row is the same wherever it is made, and rows are read from the heap and not from an index."""
UNHINDERED = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_read_only",
)
SINCE_17 = {"transaction_timeout": "0", "event_triggers": "off"}
"""An older server refuses a connection that asks for these."""
_NULL = "\x02"
_LIMIT = threading.Lock()

Row = tuple[str | None, ...]


def options(major: int, *names: str) -> str:
    """What PGOPTIONS is to a scratch server of that version: SETTINGS, or those of `names`; they go before what the
    restored database or a role of it sets for itself."""
    asked = {name: SETTINGS[name] for name in names or SETTINGS} | (SINCE_17 if major >= 17 else {})
    return " ".join(f"-c {name}={value}" for name, value in asked.items())


_NO_TIMEOUT = "SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout'"
"""Of a server whose version is not known before it is asked."""


class QueryError(Exception):
    """The server did not answer a query with rows; the text is what it said."""

    def __init__(self, sentence: str, sqlstate: str = "") -> None:
        super().__init__(sentence)
        self.sqlstate = sqlstate


class Session:
    """psql, connected. `where` are its arguments that say to which server and database."""

    def __init__(
        self,
        bin_folder: Path,
        where: Sequence[str | Path],
        deadline: Deadline,
        *,
        extra: Mapping[str, str] | None = None,
        who: Account | None = None,
    ) -> None:
        self._deadline, self._where, self._who = deadline, tuple(where), who
        self._command = (bin_folder / "psql", "-X", "-q", "-w", "--csv", "-t", "-v", "VERBOSITY=terse")
        self._extra = {"PGOPTIONS": options(0), "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "30", **(extra or {})}
        self.snapshot = ""
        self._mark = secrets.token_hex(8)
        self._popen = begin(
            [*self._command, *where], stdin=subprocess.PIPE, stderr=subprocess.STDOUT, extra=self._extra, who=who
        )
        try:
            self.query(f"\\pset null '{_NULL}'\nSELECT 1")
            self.query(_NO_TIMEOUT)
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> list[Row]:
        """All rows; NULL is None. Raises QueryError, OutOfTime."""
        assert self._popen.stdin is not None
        ask = f"\\echo {self._mark} begin\n{sql}\n;\n\\echo {self._mark} :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n"
        try:
            self._popen.stdin.write(ask.encode() + f"\\echo {self._mark} end\n".encode())
            self._popen.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # what it said before it ended is read below
        text = self._read()
        body, _, rest = text.partition(f"{self._mark} begin\n")[2].rpartition(f"{self._mark} ")
        failed, _, said = rest.partition(" ")
        if failed != "false":
            state, _, message = said.partition(" ")
            raise QueryError(_said(message.strip() or body.strip() or text.strip()), state)
        return [tuple(None if cell == _NULL else cell for cell in row) for row in _rows(body)]

    def value(self, sql: str) -> str | None:
        """The first column of the first row. Raises QueryError where there is no row."""
        rows = self.query(sql)
        if not rows:
            raise QueryError("no row came back")
        return rows[0][0] if rows[0] else ""

    def asked_apart(self, sql: str) -> str:
        """The first column of the first row of a query that others wrote: by a psql of its own, which takes it as one
        string, so that it is no command to psql and an open quote holds nothing up. Raises QueryError, OutOfTime."""
        if sql.lstrip().startswith("\\"):
            raise QueryError("it is a command to psql, not SQL")
        begin_in = f"BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT {literal(self.snapshot)}; "
        as_written = "SET search_path = public; "  # ours is empty, and they name their tables as they are used to
        command = [*self._command, *self._where, "-c", (begin_in if self.snapshot else "") + as_written + sql]
        done = run(command, self._deadline, extra=self._extra, who=self._who)
        if done.code != 0:
            raise QueryError(_said(done.err))
        for row in csv.reader(io.StringIO(done.out, newline="")):
            return row[0] if row else ""
        raise QueryError("no row came back")

    def _read(self) -> str:
        assert self._popen.stdout is not None
        handle, end, found = self._popen.stdout.fileno(), f"{self._mark} end\n".encode(), bytearray()
        while not found.endswith(end):
            ready, _, _ = select.select([handle], [], [], self._deadline.step_s())
            if not ready:
                continue
            more = os.read(handle, 1 << 20)
            if not more:
                raise QueryError(_said(found.decode(errors="replace").replace(self._mark, "").strip() or "no answer"))
            found += more
        return found[: -len(end)].decode(errors="replace")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(1.0)
        if self._popen.poll() is None:
            stop(self._popen)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _rows(text: str) -> list[list[str]]:
    """All of them. A function's definition may be longer than csv allows by itself, and its limit is everybody's."""
    with _LIMIT:
        before = csv.field_size_limit(sys.maxsize)
        try:
            return list(csv.reader(io.StringIO(text, newline="")))
        finally:
            csv.field_size_limit(before)


def _said(text: str) -> str:
    """The server's words, without psql's."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("begin", "DETAIL", "HINT"))]
    return " ".join(lines[:2]).removeprefix("psql: error: ").removeprefix("ERROR:  ").strip()[:500]


def literal(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(*parts: str) -> str:
    """A name of SQL, as in "public"."orders"."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)

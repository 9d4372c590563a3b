"""Reads a dump in plain SQL line by line as it goes to psql: what it connects to, which roles it names, whether it is
whole.

Lines of data (between COPY and its end) are passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_COPY = re.compile(rb"^COPY .+ FROM stdin;\s*$", re.IGNORECASE)
_NAME = rb'("(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_ROLES = tuple(
    re.compile(pattern)
    for pattern in (
        rb"^ALTER .+ OWNER TO " + _NAME + rb";",
        rb"^GRANT .+ TO " + _NAME + rb"(?: WITH GRANT OPTION)?;",
        rb"^REVOKE .+ FROM " + _NAME + rb";",
        rb"^ALTER DEFAULT PRIVILEGES FOR ROLE " + _NAME + rb" ",
        rb"^ALTER DEFAULT PRIVILEGES .+ TO " + _NAME + rb"(?: WITH GRANT OPTION)?;",
        rb"^SET SESSION AUTHORIZATION " + _NAME + rb";",
        rb"^CREATE SCHEMA .+ AUTHORIZATION " + _NAME + rb";",
        rb"^CREATE USER MAPPING FOR " + _NAME + rb" ",
        rb"^ALTER ROLE " + _NAME + rb" IN DATABASE ",
    )
)
_POLICY = re.compile(rb"^CREATE POLICY .+? TO ([^()]+?)(?: USING | WITH CHECK |;)")
_NO_ROLES = (b"public", b"current_user", b"session_user", b"current_role", b"default")
_CONNECT = re.compile(
    rb"^\\connect (?:-reuse-previous=on )?(\"dbname='((?:[^'\"\\`]|\"\"|\\[^\"])*)'\"|([^\s`\\:=\"']+))\s*$"
)
"""To a database by its name alone: a connection string would lead to another server."""
_DROP = re.compile(rb"^DROP ([A-Z]+(?: (?!FOR )[A-Z]+)*) ")
_DROP_OF_TABLE = re.compile(
    rb"^ALTER ((?:FOREIGN )?TABLE) ((?:ONLY )?.+ (?:DROP CONSTRAINT|ALTER COLUMN .+ DROP DEFAULT).*;)$"
)
"""What pg_dump --clean writes before it makes anything, of what is not there in an empty server."""
_TABLESPACE = re.compile(rb" TABLESPACE = (?:\"(?:[^\"]|\"\")+\"|[\w$]+)")
_LOCATION = re.compile(rb"^(CREATE TABLESPACE .+ LOCATION )'(?:[^']|'')*';")
_LOCALE = re.compile(
    rb" (?:LOCALE_PROVIDER = \w+|(?:LOCALE|LC_COLLATE|LC_CTYPE|ICU_LOCALE|ICU_RULES|BUILTIN_LOCALE|COLLATION_VERSION)"
    rb" = '(?:[^']|'')*')"
)
_GRANTED_BY = re.compile(rb"^(GRANT " + _NAME + rb" TO .+?) GRANTED BY " + _NAME + rb";")
"""From 16 on only the first superuser may grant in its own name, and the scratch server's is another."""
_OURS = (b"CREATE ROLE harness_scratch;", b"DROP ROLE harness_scratch;", b"DROP ROLE IF EXISTS harness_scratch;")
"""Of a backup of a scratch server; the one that it is restored into has that role."""
BEGUN, COMPLETE = b"-- PostgreSQL database dump", b"-- PostgreSQL database dump complete"
CLUSTER_BEGUN, CLUSTER_COMPLETE = (
    b"-- PostgreSQL database cluster dump",
    b"-- PostgreSQL database cluster dump complete",
)


class Script:
    """What was read so far of one dump. `locale` and `tablespaces` say whether its own are kept."""

    def __init__(self, *, locale: bool = True, tablespaces: bool = True) -> None:
        self._locale, self._tablespaces = locale, tablespaces
        self._in_copy = self._in_head = self._in_view = False
        self.roles: set[str] = set()
        self.connected: list[str] = []
        self.creates: set[str] = set()
        self.begun = self.complete = self.cluster_begun = self.cluster_complete = 0
        self.names_locale = self.is_sql_ascii = False

    def pass_on(self, lines: Iterable[bytes], guard: str = "") -> Iterator[bytes]:
        """The lines for psql: tablespaces are made within the scratch server, databases in its locale unless `locale`,
        and what --clean drops first is dropped only where it is there.

        With `guard` psql takes no command of its own from the dump but \\connect.
        """
        shut, open_again = (f"\\{word} {guard}\n".encode() if guard else b"" for word in ("restrict", "unrestrict"))
        yield shut
        for line in lines:
            if self._in_copy:
                self._in_copy = line.rstrip(b"\r\n") != b"\\."
                yield line
                continue
            if line.startswith((b"\\restrict ", b"\\unrestrict ")) or line.rstrip() in _OURS:
                continue
            found = _CONNECT.match(line)
            if found:
                self.connected.append(_unescaped(found))
                yield open_again + line + shut
                continue
            self._look(line)
            yield self._mended(line)

    def read(self, lines: Iterable[bytes]) -> Script:
        """Look at all of it, and pass nothing on."""
        for _ in self.pass_on(lines):
            pass
        return self

    def _look(self, line: bytes) -> None:
        start = line.rstrip(b"\r\n")
        if _COPY.match(line):
            self._in_copy = True
        elif start.startswith(b"-- PostgreSQL database"):
            self.begun += start == BEGUN
            self.complete += start == COMPLETE
            self.cluster_begun += start == CLUSTER_BEGUN
            self.cluster_complete += start == CLUSTER_COMPLETE
            self._in_head = start in (BEGUN, CLUSTER_BEGUN)
        elif start == b"SET client_encoding = 'SQL_ASCII';":
            self.is_sql_ascii = True
        elif start.startswith(b"CREATE ROLE "):
            self.creates.add(_name(start.removeprefix(b"CREATE ROLE ").rstrip(b";")))
        elif start[:1] in (b"A", b"G", b"R", b"S", b"C"):
            self._look_for_roles(line)

    def _look_for_roles(self, line: bytes) -> None:
        for pattern in _ROLES:
            if found := pattern.match(line):
                self._role(found[1])
        if found := _POLICY.match(line):
            for one in found[1].split(b","):
                self._role(one.strip())

    def _role(self, name: bytes) -> None:
        if name.lower() not in _NO_ROLES and not name.startswith(b"pg_"):
            self.roles.add(_name(name))

    def _mended(self, line: bytes) -> bytes:
        if self._in_head:
            return self._of_head(line)
        if not self._tablespaces and line.startswith(b"SET default_tablespace = "):
            return b"SET default_tablespace = '';\n"
        if line.startswith(b"CREATE TABLESPACE "):
            return _LOCATION.sub(rb"\1'';", line)
        if line.startswith(b"GRANT "):
            return _GRANTED_BY.sub(rb"\1;", line)
        if line.startswith(b"CREATE DATABASE "):
            line = line if self._tablespaces else _TABLESPACE.sub(b"", line)
            self.names_locale = self.names_locale or _LOCALE.search(line) is not None
            if not self._locale and _LOCALE.search(line):
                return _LOCALE.sub(b"", line).replace(b";", b" LOCALE = 'C';")
        return line

    def _of_head(self, line: bytes) -> bytes:
        """Before anything is made. The empty views that --clean puts in place of others, and drops, are left out."""
        if self._in_view or line.startswith(b"CREATE OR REPLACE VIEW "):
            self._in_view = not line.rstrip().endswith(b";")
            return b""
        if line.startswith((b"CREATE ", b"COPY ", b"INSERT ")):
            self._in_head = False
            return self._mended(line)
        if line.startswith(b"SELECT pg_catalog.lo_unlink('"):
            return b""
        if b" IF EXISTS " in line:
            return line
        line = _DROP_OF_TABLE.sub(rb"ALTER \1 IF EXISTS \2", line)
        line = line.replace(b" DROP CONSTRAINT ", b" DROP CONSTRAINT IF EXISTS ")
        return _DROP.sub(rb"DROP \1 IF EXISTS ", line)

    @property
    def missing_end(self) -> str:
        """What tells that the dump was cut, "" where nothing does."""
        if self._in_copy:
            return "it ends in the middle of a table's rows"
        if self.cluster_begun and not self.cluster_complete:
            return "it does not end with 'PostgreSQL database cluster dump complete'"
        if self.begun != self.complete:
            return f"{self.begun} dumps begin in it and {self.complete} are complete"
        return ""


def _name(text: bytes) -> str:
    plain = text.decode("utf-8", errors="replace").strip()
    return plain[1:-1].replace('""', '"') if plain.startswith('"') else plain


def _unescaped(found: re.Match[bytes]) -> str:
    if found[2] is None:
        return found[3].decode("utf-8", errors="replace")
    return re.sub(r"\\(.)", r"\1", found[2].decode("utf-8", errors="replace").replace('""', '"'))

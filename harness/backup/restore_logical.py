"""Restores what pg_dump and pg_dumpall wrote into a scratch server, and believes nothing but a restore without one
error."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from harness.backup import data_files
from harness.backup.data_files import copy_file
from harness.backup.feed import feed
from harness.backup.packed import lines_of
from harness.backup.running import LACKS, Bad, Deadline, Done, NotJudged, run
from harness.backup.scratch import OWNER, Scratch, connection
from harness.backup.session import identifier
from harness.backup.shape import CLUSTER, CUSTOM, DIRECTORY, PLAIN, Shape
from harness.backup.sql_text import Script
from harness.backup.unpack import unpack_file

_NOT_OURS = re.compile(
    r"extension \".+\" is not available|could not open extension control file|could not access file \""
    r"|has no installation script nor update path|could not connect to server \""
)
_DATABASE = re.compile(r"^\d+; \d+ \d+ (?:DATABASE |\S+ - DATABASE |ACL - DATABASE )")
_LARGE = re.compile(r"^\d+; \d+ \d+ (?:BLOB |BLOB METADATA |ACL - LARGE OBJECT)")
_LOCALE_ERROR = re.compile(r"invalid (?:LC_|locale)|locale|collation version|encoding", re.IGNORECASE)


@dataclass(slots=True)
class Restored:
    """A dump, restored: the database to be judged, what the dump cannot tell, and all databases of it."""

    database: str
    not_judged: dict[str, str] = field(default_factory=dict)
    all: tuple[str, ...] = ()


class LogicalRestore:
    """One restore. Raises Bad, NotJudged and OutOfTime."""

    def __init__(self, shape: Shape, scratch: Scratch, deadline: Deadline, database: str = "") -> None:
        self._shape, self._scratch, self._deadline, self._wanted = shape, scratch, deadline, database
        self._not_judged: dict[str, str] = {}
        self._connected: list[str] = []
        self._tablespaces = shape.globals_sql is not None or shape.format == CLUSTER

    def run(self) -> Restored:
        is_plain = self._shape.format in (PLAIN, CLUSTER)
        source = self._shape.main if is_plain else self._readable()  # before anything of it runs
        if self._shape.globals_sql is not None:
            self._apply_globals(self._shape.globals_sql)
        elif self._shape.format != CLUSTER:
            self._not_judged["roles"] = "the backup has no globals (pg_dumpall --globals-only): roles and memberships"
        database = self._plain() if is_plain else self._archive(source)
        return Restored(database, self._not_judged, tuple(dict.fromkeys(self._connected)))

    def _apply_globals(self, path: Path) -> None:
        script = Script()
        said = feed(self._scratch, "postgres", script, lines_of(path), self._deadline)
        self._strict(said, "globals", f"{path.name} cannot be restored")
        if script.missing_end:
            raise Bad("globals", f"{path.name} is cut: {script.missing_end}")

    def _strict(self, done: Done, detector: str, what: str) -> None:
        """Raises Bad where there was an error, NotJudged where it is the machine's."""
        self._scratch.say_no_space(done.err)
        loud = [
            line.strip()
            for line in done.err.splitlines()
            if re.search(r"\b(?:error|ERROR|FATAL|PANIC):|pg_restore: warning:", line)
        ]
        if done.code == 0 and not loud:
            return
        first = loud[0] if loud else done.first_error or f"exit code {done.code} without a word"
        first = re.sub(r"^(?:psql|pg_restore): (?:<stdin>:\d+: |error: )*", "", first)
        for line in loud or [first]:
            if _NOT_OURS.search(line) or LACKS.search(line):
                raise NotJudged(f"this machine lacks what the backup needs: {first}; install it, then verify again")
        raise Bad(detector, f"{what}: {first[:400]}")

    def _make_roles(self, names: set[str]) -> None:
        """Those that objects belong to, where the backup has no globals: superusers, since some objects may belong to
        no other, and what they were nobody can tell."""
        if self._shape.globals_sql is not None:
            return
        with self._scratch.session("postgres", self._deadline) as session:
            there = {row[0] for row in session.query("SELECT rolname FROM pg_catalog.pg_roles")}
            for name in sorted(names - there - {OWNER}):
                session.query(f"CREATE ROLE {identifier(name)} SUPERUSER")

    def _script(self, *, locale: bool = True) -> Script:
        return Script(locale=locale, tablespaces=self._tablespaces)

    def _make_database(self, name: str, script: Script) -> None:
        """Empty, in UTF-8; a dump of bytes in no encoding goes into one that has none."""
        encoding = "SQL_ASCII" if script.is_sql_ascii else "UTF8"
        with self._scratch.session("template1", self._deadline) as session:
            session.query(f"DROP DATABASE IF EXISTS {identifier(name)}")
            session.query(f"CREATE DATABASE {identifier(name)} TEMPLATE template0 ENCODING '{encoding}'")

    # -- archives: -Fc, -Fd, -Ft

    def _archive(self, source: Path) -> str:
        listed = self._pg_restore(source, "-C", "-l")
        self._strict(listed, "restore", "pg_restore cannot list the archive")
        schema = self._pg_restore(source, "-s", "-f", "-")
        self._strict(schema, "restore", "pg_restore cannot read the archive")
        script = Script().read(_lines(schema))
        if large := [line for line in listed.out.splitlines() if _LARGE.match(line)]:
            script.read(_lines(self._some(source, large)))
        database = self._wanted or self._shape.database or "restored"
        entries = [line for line in listed.out.splitlines() if _DATABASE.match(line)]
        made = self._create_as_dumped(source, entries, script) if entries else ""
        if not made:
            self._make_roles(script.roles)
            self._make_database(database, script)
            self._not_judged["database settings"] = "the dump does not hold the database itself, only what is in it"
        database = made or database
        flags = [] if self._tablespaces else ["--no-tablespaces"]
        done = self._pg_restore(source, "--exit-on-error", *flags, *self._scratch.where, "-d", connection(database))
        self._strict(done, "restore", "pg_restore fails")
        return database

    def _create_as_dumped(self, source: Path, entries: list[str], script: Script) -> str:
        """The database as CREATE DATABASE in the dump says it, with its settings and grants; its name."""
        flags = ["-C"] if self._tablespaces else ["-C", "--no-tablespaces"]
        lines = _lines(self._some(source, entries, *flags))
        asked = Script().read(lines)
        self._make_roles(script.roles | asked.roles)
        if not asked.connected:
            return ""
        name = asked.connected[0]
        with self._scratch.session("template1", self._deadline) as session:
            session.query(f"DROP DATABASE IF EXISTS {identifier(name)}")
        said = feed(self._scratch, "template1", self._script(), lines, self._deadline)
        if said.code != 0 and asked.names_locale and _LOCALE_ERROR.search(said.err):
            self._not_judged["locale"] = "the dump's locale is not on this machine, so the database was made with C"
            with self._scratch.session("template1", self._deadline) as session:
                session.query(f"DROP DATABASE IF EXISTS {identifier(name)}")
            said = feed(self._scratch, "template1", self._script(locale=False), lines, self._deadline)
        self._strict(said, "restore", "the database cannot be made as the dump says")
        return name

    def _some(self, source: Path, entries: list[str], *flags: str) -> Done:
        """The SQL of some entries of the archive."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch.folder))
        chosen = folder / "chosen.list"
        chosen.write_text("\n".join(entries) + "\n", encoding="utf-8")
        self._scratch.show(folder, chosen)
        done = self._pg_restore(source, "-L", chosen, *flags, "-f", "-")
        self._strict(done, "restore", "pg_restore cannot read the archive")
        return done

    def _readable(self) -> Path:
        """A file is given as stdin, but a folder must be readable by whom pg_restore runs as: a copy is. What was
        compressed as a whole is unpacked."""
        copy = self._scratch.folder / "dump"
        if self._shape.compression:
            unpack_file(self._shape.main, copy, self._deadline)
            return copy
        if self._shape.format != DIRECTORY:
            return self._shape.main
        copy.mkdir()
        for one in sorted(self._shape.main.iterdir()):
            if one.is_symlink() or not one.is_file():
                raise Bad("restore", f"{one.name} in the dump is not a plain file; refused")
            copy_file(one, copy / one.name, self._deadline)
            self._scratch.show(copy / one.name)
        data_files.look_at(copy, self._deadline)
        self._scratch.show(copy)
        return copy

    def _pg_restore(self, source: Path, *arguments: str | Path) -> Done:
        command = [self._scratch.bin / "pg_restore", *arguments]
        if self._shape.format == DIRECTORY:
            return run([*command, source], self._deadline, extra=self._scratch.unhindered)
        letter = "c" if self._shape.format == CUSTOM else "t"
        with source.open("rb") as file:
            return run([*command, "-F", letter], self._deadline, stdin=file, extra=self._scratch.unhindered)

    # -- plain SQL

    def _plain(self) -> str:
        main = self._shape.main
        before = Script().read(lines_of(main))
        if before.missing_end:
            raise Bad("trailer", f"{main.name} is cut: {before.missing_end}")
        self._make_roles(before.roles - before.creates)
        database = self._wanted or "restored"
        if not before.connected:
            self._make_database(database, before)
            self._not_judged["database settings"] = "a plain dump without -C holds none of the database's own settings"
        elif self._shape.format != CLUSTER:
            with self._scratch.session("template1", self._deadline) as session:
                session.query(f"DROP DATABASE IF EXISTS {identifier(before.connected[0])}")
        first = database if not before.connected else "postgres" if self._shape.format == CLUSTER else "template1"
        said = feed(self._scratch, first, self._script(), lines_of(main), self._deadline)
        if said.code != 0 and before.names_locale and "locale" in said.err:
            raise NotJudged(
                f"the locale of a database in it is not on this machine: {said.first_error}; make it with localedef"
            )
        self._strict(said, "restore", f"psql fails on {main.name}")
        return self._chosen(before, database)

    def _chosen(self, script: Script, database: str) -> str:
        """Of a dump of all databases: the one that is asked for, else the last that is nobody's default."""
        self._connected = [one for one in script.connected if one != "template1"]
        if not script.connected or self._wanted in script.connected:
            return database
        if self._wanted:
            raise Bad("restore", f"the dump holds no database {self._wanted!r}, only: {', '.join(script.connected)}")
        users = [one for one in script.connected if one not in ("template1", "postgres")]
        return (users or script.connected)[-1]


def _lines(done: Done) -> list[bytes]:
    return [line + b"\n" for line in done.out.encode().split(b"\n")]

"""A dump put into a server, and made of it again in the same format."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from harness.backup import programs
from harness.backup.mutants.parts import Parts
from harness.backup.mutants.server import SUPERUSER, Server, put_into_place
from harness.backup.running import Deadline, run
from harness.errors import MutationError
from harness.stack.postgres import Account

TRIES = 6
"""Of a restore that finds roles missing, which are then made."""
_MISSING = re.compile(r'role "([^"]+)" does not exist')
_OURSELVES = Account(None, None)
_ARCHIVES = {"custom": "c", "directory": "d", "tar": "t"}


def text_of(path: Path) -> str:
    """A plain dump, unpacked."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).decode(errors="replace")


def major_of(parts: Parts) -> int:
    """The version of the server that was dumped. Raises MutationError where nothing says it."""
    said = str(parts.facts().get("server_version", ""))
    if not said and parts.format in _ARCHIVES:
        newest = programs.find(max(programs.installed(), default=programs.NEWEST))
        listed = run([newest / "pg_restore", "-l", parts.data], Deadline(60.0), who=_OURSELVES).out
        said = "".join(re.findall(r"Dumped from database version: (\S+)", listed)[:1])
    elif not said:
        said = "".join(re.findall(r"Dumped from database version (\S+)", text_of(parts.data))[:1])
    major = programs.major_of(said)
    if major is None:
        raise MutationError(f"{parts.data} does not say which version it was dumped from")
    return major


def superuser_of(parts: Parts) -> str:
    """The first superuser that the backup names, postgres without one."""
    text = text_of(parts.data) if parts.format == "cluster" else parts.globals.read_text() if parts.globals else ""
    found = re.findall(r'^ALTER ROLE ("(?:[^"]|"")+"|\S+) WITH SUPERUSER', text, re.MULTILINE)
    return found[0].strip('"').replace('""', '"') if found else SUPERUSER


def restore(server: Server, parts: Parts) -> str:
    """Restore a dump into a server that runs and is empty; the name of the database. Raises MutationError."""
    if parts.globals is not None:
        server.tool("psql", "-X", "-q", "-d", "postgres", "-f", "-", given=parts.globals.read_bytes())
    if parts.format == "cluster":
        text = text_of(parts.data)
        done = server.tool("psql", "-X", "-q", "-d", "postgres", "-f", "-", given=text.encode())
        _refuse_errors(done.err, parts)
        names = re.findall(r"^\\connect (\S+)$", text, re.MULTILINE)
        return _named(parts) or next((one for one in names if one not in ("template1", "postgres")), "postgres")
    name = _named(parts) or "restored"
    for _ in range(TRIES):
        name, err = _fill(server, parts, name)
        missing = sorted(set(_MISSING.findall(err)))
        if not missing:
            _refuse_errors(err, parts)
            return name
        for role in missing:
            server.must_tool("psql", "-X", "-q", "-d", "postgres", "-c", f'CREATE ROLE "{role}"')
        server.must_tool("dropdb", "--if-exists", name)
    raise MutationError(f"{parts.data.name} names roles that nothing defines, again and again")


def _refuse_errors(err: str, parts: Parts) -> None:
    """What exists already is no error: a fresh server has its superuser and its postgres."""
    wrong = [
        line for line in err.splitlines() if ("ERROR:" in line or "error:" in line) and "already exists" not in line
    ]
    if wrong:
        raise MutationError(f"{parts.data.name} cannot be restored to be changed: {wrong[0]}")


def _named(parts: Parts) -> str:
    return str(parts.facts().get("database", ""))


def _fill(server: Server, parts: Parts, name: str) -> tuple[str, str]:
    """Make the database and fill it; its name, and what was said."""
    if parts.format in _ARCHIVES:
        place = _lend(server, parts.data)
        listed = server.must([server.bin / "pg_restore", "-C", "-l", place]).out
        if re.search(r"^\d+; \d+ \d+ DATABASE ", listed, re.MULTILINE):
            name = "".join(re.findall(r"dbname: (.+)", listed)[:1]) or name
            return name, server.tool("pg_restore", "-C", "-d", "postgres", place).err
        server.must_tool("createdb", name)
        return name, server.tool("pg_restore", "-d", name, place).err
    text = text_of(parts.data)
    if makes := makes_database(text):
        return makes, server.tool("psql", "-X", "-q", "-d", "postgres", "-f", "-", given=text.encode()).err
    server.must_tool("createdb", "-T", "template0", name)
    return name, server.tool("psql", "-X", "-q", "-d", name, "-f", "-", given=text.encode()).err


def makes_database(text: str) -> str:
    """The database that a plain dump makes and connects to, "" where it does not."""
    found = re.findall(r"^\\connect (\S+)$", text, re.MULTILINE)
    return found[0].strip('"') if found and re.search(r"^CREATE DATABASE ", text, re.MULTILINE) else ""


def _lend(server: Server, data: Path) -> Path:
    """A copy of the dump that the server's user can read."""
    place = server.folder / "dump"
    if not place.exists():
        run(["cp", "-r", str(data), str(place)], Deadline(60.0), who=_OURSELVES)
        server.own(place, *(place.rglob("*") if place.is_dir() else ()))
    return place


def dump(server: Server, parts: Parts, name: str) -> None:
    """Dump again, in the same format, in place of the copy's."""
    made = server.folder / "made"
    if parts.format in _ARCHIVES:
        server.must_tool("pg_dump", f"-F{_ARCHIVES[parts.format]}", "-f", made, name)
    elif parts.format == "cluster":
        server.must_tool("pg_dumpall", "-f", made)
    else:
        creates = ["-C"] if makes_database(text_of(parts.data)) else []
        server.must_tool("pg_dump", *creates, "-f", made, name)
        if parts.format == "plain-gz":
            made.write_bytes(gzip.compress(made.read_bytes(), mtime=0))
    put_into_place(made, parts.data)
    if parts.globals is not None:
        secret = [] if " PASSWORD " in parts.globals.read_text() else ["--no-role-passwords"]
        server.must_tool("pg_dumpall", "--globals-only", *secret, "-f", server.folder / "roles")
        put_into_place(server.folder / "roles", parts.globals)

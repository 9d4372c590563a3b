"""Good backups of many shapes: on each a verifier must be silent, and each mutant that fits it must be seen on it."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.backup.killrate.source import DATABASE, running
from harness.backup.killrate.stating import state_logical, state_physical
from harness.backup.mutants.mutant import Mutant, SqlRefused
from harness.backup.mutants.server import PATIENCE_S, Server
from harness.backup.running import Deadline
from harness.errors import MutationError
from harness.waiting import wait_until

SHARE = 4
SEGMENTS = 4
"""So many whole WAL segments lie between the end of a base backup and its target."""
_REORDER = (
    "CLUSTER public.orders USING orders_by_customer; CREATE TABLE t AS SELECT * FROM public.ledger ORDER BY md5(note); "
    "TRUNCATE public.ledger; INSERT INTO public.ledger SELECT * FROM t; DROP TABLE t; "
    "UPDATE public.products SET stock = stock WHERE stock % 3 = 0; VACUUM FULL public.customers; REINDEX DATABASE shop"
)
_WRITE = (
    "INSERT INTO public.orders (customer, placed_at, total) VALUES (7, '2026-02-01Z', 0); "
    "INSERT INTO public.order_lines SELECT max(id), 1, 'sku-1', 1 FROM public.orders; "
    "UPDATE public.orders SET total = public.total_of(id) WHERE total = 0; "
    "DELETE FROM public.sessions WHERE id = (SELECT min(id) FROM public.sessions)"
)


@dataclass(frozen=True, slots=True)
class Good:
    """One good backup. `format` is as pg_dump's -F says it, or plain-gz, custom-gz, cluster, base, base-tar; `flags`
    are more.

    `damaged` is whether mutants are made of it; without, it is there to show that a verifier stays silent.
    Of those on its rows and its schema each `share`th is made, all of them on shapes that are restored in the same way.
    """

    name: str
    sentence: str
    major: int
    format: str
    flags: tuple[str, ...] = ()
    before: str = ""
    writes: bool = False
    checksums: bool = True
    archive: bool = False
    damaged: bool = True
    share: int = 1

    def make(self, folder: Path) -> None:
        """Write it into the folder, which must be new."""
        folder.mkdir(parents=True)
        with running(self.major, checksums=self.checksums, archive=self.archive) as server:
            if self.before:
                for one in self.before.split("; "):
                    server.sql(one, DATABASE)
            (self._base if self.format.startswith("base") else self._dump)(server, folder)

    def takes(self, mutant: Mutant) -> bool:
        """Whether a mutant fits it, as far as its form tells."""
        form = {"base": "basebackup", "base-tar": "basebackup-tar"}.get(self.format, self.format)
        return form in mutant.formats and (self.archive or not mutant.wal)

    def _dump(self, server: Server, folder: Path) -> None:
        made = server.folder / "out"
        with server.session(DATABASE, _patience()) as session, _writing(server, self.writes):
            stated = state_logical(session)
            if self.format == "cluster":
                server.must_tool("pg_dumpall", *self.flags, "-f", made)
                name = "cluster.sql"
            else:
                letter = {"custom": "c", "custom-gz": "c", "directory": "d", "tar": "t"}.get(self.format, "p")
                snapshot = f"--snapshot={stated.snapshot}"
                server.must_tool("pg_dump", f"-F{letter}", *self.flags, snapshot, "-f", made, DATABASE)
                name = {"c": "shop.dump", "d": "shop", "t": "shop.tar", "p": "shop.sql"}[letter]
        if self.format.endswith("-gz"):
            made.write_bytes(gzip.compress(made.read_bytes(), mtime=0))
            name += ".gz"
        _place(made, folder / name)
        if self.format != "cluster":
            server.must_tool("pg_dumpall", "--globals-only", "--no-role-passwords", "-f", server.folder / "roles")
            _place(server.folder / "roles", folder / "globals.sql")
        stated.write(folder, server, self.format if self.format in ("custom", "directory", "tar") else "plain")

    def _base(self, server: Server, folder: Path) -> None:
        made = server.folder / "out"
        form = "-Ft" if self.format == "base-tar" else "-Fp"
        with _writing(server, self.writes):
            server.must_tool("pg_basebackup", "-D", made, form, *self.flags, "-X", "stream", "-c", "fast", "--no-sync")
        _place(made, folder / "base")
        target = ""
        if self.archive:
            for number in range(SEGMENTS):
                server.sql(f"INSERT INTO public.ledger VALUES ('acc-x', {number}, 'later'); {_WRITE}", DATABASE)
                server.sql("DELETE FROM public.ledger WHERE account = 'acc-x'", DATABASE)
                server.sql("SELECT pg_switch_wal()", DATABASE)
            target = f"backup-{self.name}"
        with server.session(DATABASE, _patience()) as session:
            state_physical(session, target).write(folder, server, "basebackup", wal="wal" if self.archive else "")
        if self.archive:
            server.sql("DELETE FROM public.orders WHERE id % 100 = 0 AND id > 1500", DATABASE)  # after the target
            last = server.sql("SELECT pg_walfile_name(pg_switch_wal())", DATABASE)
            archive = server.folder / "archive"
            if not wait_until(lambda: (archive / last).is_file(), 60.0):
                raise MutationError(f"PostgreSQL {self.major} did not archive its WAL")
            server.stop()
            shutil.copytree(archive, folder / "wal")


def _patience() -> Deadline:
    return Deadline(PATIENCE_S)


def _place(made: Path, to: Path) -> None:
    """Out of the server's folder; what it made is private to its user."""
    if made.is_dir():
        shutil.copytree(made, to)
    else:
        shutil.copy2(made, to)


@contextmanager
def _writing(server: Server, wanted: bool) -> Iterator[None]:
    """Clients write meanwhile."""
    done = threading.Event()
    wrote = threading.Event()

    def write() -> None:
        while not done.is_set():
            try:
                server.sql(_WRITE, DATABASE)
            except SqlRefused:
                return
            wrote.set()

    writer = threading.Thread(target=write)
    if wanted:
        writer.start()
        wrote.wait(30.0)
    try:
        yield
    finally:
        done.set()
        if wanted:
            writer.join()


def goods(majors: tuple[int, ...]) -> tuple[Good, ...]:
    """The shapes, of the newest version in every form, and of each other version in the main ones."""
    new = max(majors)
    found = [
        Good("custom", "pg_dump -Fc", new, "custom"),
        Good("directory-parallel", "pg_dump -Fd -j 2", new, "directory", ("-j", "2")),
        Good("tar", "pg_dump -Ft", new, "tar"),
        Good("plain", "pg_dump, SQL text", new, "plain"),
        Good("plain-create-gz", "pg_dump -C, packed with gzip", new, "plain-gz", ("-C",)),
        Good("cluster", "pg_dumpall", new, "cluster"),
        Good("custom-raw", "pg_dump -Fc -Z0", new, "custom", ("-Z", "0")),
        Good("custom-gz", "pg_dump -Fc, packed with gzip", new, "custom-gz", damaged=False),
        Good("custom-writes", "pg_dump -Fc while clients write", new, "custom", writes=True, damaged=False),
        Good("custom-reordered", "rows in another order, vacuumed", new, "custom", before=_REORDER, damaged=False),
        Good("custom-best", "pg_dump -Fc -Z9", new, "custom", ("-Z", "9"), damaged=False),
        Good("plain-inserts", "pg_dump --inserts", new, "plain", ("--column-inserts",), damaged=False),
        Good("plain-only-clean", "pg_dump --clean", new, "plain", ("--clean",), damaged=False),
        Good("cluster-only-clean", "pg_dumpall --clean", new, "cluster", ("--clean",), damaged=False),
        Good(
            "plain-clean",
            "pg_dump -C --clean --if-exists",
            new,
            "plain",
            ("--clean", "--if-exists", "-C"),
            damaged=False,
        ),
        Good(
            "cluster-clean", "pg_dumpall --clean --if-exists", new, "cluster", ("--clean", "--if-exists"), damaged=False
        ),
        Good("base", "pg_basebackup", new, "base", share=SHARE),
        Good("base-archive", "pg_basebackup and WAL to a restore point", new, "base", archive=True),
        Good("base-tar", "pg_basebackup -Ft", new, "base-tar", share=SHARE),
        Good(
            "base-tar-gz-archive", "pg_basebackup -Ft -z and WAL", new, "base-tar", ("-z",), archive=True, share=SHARE
        ),
        Good("base-writes", "pg_basebackup while clients write", new, "base", writes=True, archive=True, damaged=False),
        Good("base-no-checksums", "pg_basebackup, no checksums", new, "base", checksums=False, share=SHARE),
        Good("base-reordered", "vacuumed, reindexed", new, "base", before=_REORDER, archive=True, damaged=False),
    ]
    for major in sorted(set(majors) - {new}, reverse=True):
        found += [
            Good(f"custom-{major}", f"pg_dump -Fc of {major}", major, "custom"),
            Good(
                f"base-{major}",
                f"pg_basebackup of {major}, no checksums, WAL",
                major,
                "base",
                checksums=False,
                archive=True,
                share=SHARE,
            ),
            Good(f"plain-{major}", f"pg_dump of {major}, SQL text", major, "plain", damaged=False),
        ]
    return tuple(found)

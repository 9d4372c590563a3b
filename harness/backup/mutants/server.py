"""The server on which a mutant changes what a backup holds: a scratch server with the backup's own superuser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.backup.mutants.mutant import SqlRefused
from harness.backup.running import Deadline, Done, run
from harness.backup.scratch import PORT, Scratch
from harness.errors import MutationError

PATIENCE_S = 300.0
SETTINGS = {
    "autovacuum": "off",
    "full_page_writes": "on",
    "hot_standby": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "wal_keep_size": "0",
    "ssl": "off",
    "jit": "off",
    "max_worker_processes": "8",
    "allow_in_place_tablespaces": "on",
    "summarize_wal": "off",
}
SUPERUSER = "postgres"
_SINCE = {"summarize_wal": 17}
HBA = "local all all trust\nlocal replication all trust\n"


class Server(Scratch):
    """`user` is its first superuser. `archive` is where it puts its WAL, None for nowhere."""

    def __init__(self, bin_folder: Path, major: int, *, user: str = SUPERUSER) -> None:
        wanted = {name: value for name, value in SETTINGS.items() if _SINCE.get(name, 0) <= major}
        super().__init__(bin_folder, settings=wanted)
        self.own(self.folder)  # its programs write backups there, and nothing of a stranger runs
        self.major, self.user = major, user
        self._more: tuple[str, ...] = ()
        hba, ident, empty = (self.folder / name for name in ("hba.conf", "ident.conf", "empty.conf"))
        for path, text in ((hba, HBA), (ident, ""), (empty, "")):
            path.write_text(text, encoding="utf-8")
            self.own(path)
        self.settings |= {"hba_file": str(hba), "ident_file": str(ident), "config_file": str(empty)}

    def __enter__(self) -> Server:
        return self

    @property
    def where(self) -> tuple[str, ...]:
        return ("-h", str(self.socket), "-p", PORT, "-U", self.user)

    def make(self, *more: str) -> None:
        """A fresh data folder, whose superuser is `user`; `more` is for initdb."""
        command: list[str | Path] = [
            self.bin / "initdb",
            "-D",
            self.data,
            "-U",
            self.user,
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        self.must([*command, "--locale=C", "--no-instructions", *more])

    def take(self, data: Path) -> None:
        """A copy of a data folder, as ours."""
        self.must(["cp", "-a", data, self.data])

    def run_up(self, *more: str) -> None:
        """Start it, with settings of the command line that hold for a start after a stop too."""
        self._more = more
        self.start(Deadline(PATIENCE_S), *more)

    def while_stopped(self, act: Callable[[], None]) -> None:
        self.stop()
        act()
        self.start(Deadline(PATIENCE_S), *self._more)

    def must(self, command: list[str | Path], *, given: bytes | None = None) -> Done:
        """Run a program as the server's user. Raises MutationError where it fails."""
        done = run(command, Deadline(PATIENCE_S), given=given)
        if done.code != 0:
            raise MutationError(f"{Path(command[0]).name} failed: {done.first_error}")
        return done

    def tool(self, name: str, *arguments: str | Path, given: bytes | None = None) -> Done:
        """Run a client program against the server, whatever it answers."""
        return self.client(name, Deadline(PATIENCE_S), *arguments, given=given)

    def must_tool(self, name: str, *arguments: str | Path) -> Done:
        return self.must([self.bin / name, *self.where, *arguments])

    def sql(self, text: str, database: str) -> str:
        """Rows as lines, columns by `|`. Raises SqlRefused."""
        arguments = ("-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", f"dbname='{database}'", "-f", "-")
        done = self.tool("psql", *arguments, given=text.encode())
        if done.code != 0:
            raise SqlRefused(done.first_error)
        return done.out.removesuffix("\n")


class Restored:
    """One database of a server, as mutants see it."""

    def __init__(self, server: Server, name: str, rules: Sequence[str] = ()) -> None:
        self._server, self._name, self.rules = server, name, rules

    @property
    def name(self) -> str:
        return self._name

    def sql(self, text: str, *, database: str = "") -> str:
        return self._server.sql(text, database or self._name)

    def path_of(self, relation: str) -> Path:
        return self._server.data / self.sql(f"SELECT pg_relation_filepath('{relation}')")

    def while_stopped(self, act: Callable[[], None]) -> None:
        self._server.while_stopped(act)


def put_into_place(made: Path, to: Path) -> None:
    """Replace a file or folder of the copy by what was made anew; a file keeps its mode."""
    if made.is_dir():
        shutil.rmtree(to)
        shutil.move(made, to)
        for path in (to, *to.rglob("*")):
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
    else:
        shutil.copyfile(made, to)

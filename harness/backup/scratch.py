"""The scratch server: a PostgreSQL of our own on a Unix socket, which dies with the harness and leaves nothing behind.

It stands in a folder that only it uses. A folder that holds anything, or lies within a server's data, is refused.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.backup import warden
from harness.backup.netless import prefix
from harness.backup.programs import major_of, version_of
from harness.backup.running import NO_SPACE, Bad, Deadline, Done, NotJudged, begin, run
from harness.backup.session import UNHINDERED, Session, options
from harness.errors import BackupError, StartError
from harness.stack.child import Child, start
from harness.stack.postgres import account
from harness.waiting import wait_until

OWNER = "harness_scratch"
"""The scratch server's own superuser: no backup has a role of that name, so every role of it can be made anew."""
PORT = "5432"
SOCKET_PATH_MAX = 90
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "archive_mode": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_connections": "40",
    "max_locks_per_transaction": "512",
    "shared_buffers": "32MB",
    "max_wal_size": "1GB",
    "dynamic_shared_memory_type": "mmap",
    "restart_after_crash": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "lc_messages": "C",
    "allow_in_place_tablespaces": "on",
    "shared_preload_libraries": "",
}
"""No workers of logical replication: a copied subscriber would come to its publisher, and take what the slot holds."""
READY_WITHIN_S = 60.0


def refuse_in_use(folder: Path, backup: Path | None = None) -> None:
    """Raises BackupError where a scratch server must not stand: what holds anything, or is a server's data."""
    place = folder.resolve()
    for one in (place, *place.parents):
        if (one / "PG_VERSION").exists() or (one / "postmaster.pid").exists():
            raise BackupError(f"{folder} is the data of a PostgreSQL server ({one}); give an empty folder of its own")
    if backup is not None and (place == backup.resolve() or backup.resolve() in place.parents):
        raise BackupError(f"{folder} is in the backup itself; give an empty folder of its own")
    if folder.exists() and not folder.is_dir():
        raise BackupError(f"{folder} is a file; give an empty folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty; nothing is restored onto what is there: give an empty folder")


class Scratch:
    """A folder, and a server in it once it is started. To be used as a context.

    `bin_folder` holds the programs. `settings` go over SETTINGS. `log` is what the server says. The server has no
    network where that can be had. The folder stays ours: whom the server runs as may write in `data` and `socket` only.
    """

    def __init__(
        self, bin_folder: Path, *, place: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        if place is not None:
            refuse_in_use(place)
            place.mkdir(parents=True, exist_ok=True)
        self._who = account()
        self.folder = Path(tempfile.mkdtemp(prefix="harness-scratch-", dir=place)).resolve()
        self.socket, folders = self.folder / "socket", [self.folder]
        if len(str(self.socket)) > SOCKET_PATH_MAX:
            self.socket = Path(tempfile.mkdtemp(prefix="harness-socket-", dir="/tmp"))
            folders.append(self.socket)
        self._folders = tuple(folders)
        self.user, self.major = OWNER, major_of(version_of(bin_folder)) or 0
        self.data, self.log = self.folder / "data", self.folder / "server.log"
        self.settings = {**SETTINGS, **(settings or {})}
        self._apart = prefix(self._who)
        self._server: Child | None = None
        self._warden: subprocess.Popen[bytes] | None = None
        try:
            self._guard()
            self.socket.mkdir(exist_ok=True)
            self.own(self.socket)
            self.socket.chmod(0o700)
            self.show(self.folder)
            self._let_through(place)
            self.bin = self._reachable(bin_folder)
        except BaseException:
            self.close()
            raise

    def _guard(self) -> None:
        command = [sys.executable, "-I", "-S", warden.__file__, *map(str, self._folders)]
        self._warden = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert self._warden.stdout is not None
        ready, _, _ = select.select([self._warden.stdout], [], [], 20.0)
        if not ready or not self._warden.stdout.readline():
            raise StartError("the warden of the scratch server did not come on guard")

    def _let_through(self, place: Path | None) -> None:
        """A folder that was given may be closed to `nobody`: then nothing can be started there."""
        if self._who.uid is None:
            return
        done = run(["/usr/bin/env", "test", "-w", self.socket], Deadline(20.0))
        if done.code != 0:
            raise BackupError(f"the user nobody, as which PostgreSQL runs here, cannot reach {place or self.folder}")

    def own(self, *paths: Path) -> None:
        """Give what was made to whom the server runs as."""
        if self._who.uid is not None and self._who.gid is not None:
            for path in paths:
                os.chown(path, self._who.uid, self._who.gid, follow_symlinks=False)

    def show(self, *paths: Path) -> None:
        """Let whom the server runs as read what stays ours: in a folder of its own it could put a link in the place of
        what we write next. Nobody else may look into it."""
        for path in paths:
            if self._who.gid is not None:
                os.chown(path, -1, self._who.gid, follow_symlinks=False)
            path.chmod(0o750 if path.is_dir() else 0o640)

    def _reachable(self, bin_folder: Path) -> Path:
        """The programs themselves, or a copy, where `nobody` cannot reach them."""
        with contextlib.suppress(NotJudged):
            if run([bin_folder / "postgres", "--version"], Deadline(20.0)).code == 0:
                return bin_folder
        copy = self.folder / "postgresql"
        shutil.copytree(bin_folder.parent, copy, symlinks=True)
        return copy / bin_folder.name

    def initdb(self, deadline: Deadline, *more: str) -> None:
        """A fresh, empty data folder. Raises NotJudged."""
        self.data.mkdir(mode=0o700)
        self.own(self.data)
        command: list[str | Path] = [self.bin / "initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "--no-sync"]
        done = run([*command, "-E", "UTF8", "--locale=C", "--no-instructions", *more], deadline)
        if done.code != 0:
            self.say_no_space(done.err)
            raise NotJudged(f"initdb could not make a scratch server: {done.first_error}")

    def start(self, deadline: Deadline, *more: str) -> None:
        """Start the server on `data`, and return when it takes queries. Raises Bad("starts") where it does not, with
        what it said, OutOfTime, and NotJudged where there is no space."""
        settings = {**self.settings, "unix_socket_directories": _quoted(str(self.socket))}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self.bin / "postgres", "-D", self.data, *options, *more]
        self.log.touch()
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        self._server = server = start(
            "the scratch server",
            [*self._apart, *command],
            self.log,
            environment=environment,
            folder=Path("/"),
            user=None if self._apart else self._who.uid,
            group=None if self._apart else self._who.gid,
        )
        wait_until(lambda: self._ready() or server.ended() is not None, deadline.left_s(), cancelled=deadline.cancelled)
        if server.ended() is not None:
            self._server = None
            said = self.said()
            self.say_no_space(said)
            raise Bad("starts", f"the restored server does not start: {_reason(said)}")
        deadline.left_s()

    def _ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def said(self) -> str:
        """What the server wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""

    def say_no_space(self, text: str) -> None:
        """Raises NotJudged where that is what is wrong."""
        if NO_SPACE in text:
            free = shutil.disk_usage(self.folder).free
            raise NotJudged(
                f"there is no space for the restore in {self.folder.parent} ({free / 1e6:.0f} MB are free); "
                "give a folder with more in --scratch"
            )

    def stop(self) -> bool:
        """A clean stop, so that the files are whole. True when it was clean."""
        server, self._server = self._server, None
        if server is None:
            return True
        server.popen.send_signal(2)  # SIGINT is PostgreSQL's fast shutdown
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.popen.wait(120.0)
        was_clean = server.popen.poll() == 0
        server.end(1.0)
        return was_clean

    @property
    def network_said(self) -> str:
        """Half a sentence where its server could reach the network, since this machine lets us take away none."""
        return "" if self._apart else "; its server could reach the network"

    @property
    def where(self) -> tuple[str, ...]:
        """Arguments of every client program."""
        return ("-h", str(self.socket), "-p", PORT, "-U", self.user)

    def session(self, database: str, deadline: Deadline) -> Session:
        where = [*self.where, "-d", connection(database)]
        return Session(self.bin, where, deadline, extra={"PGOPTIONS": options(self.major)})

    @property
    def unhindered(self) -> dict[str, str]:
        """The environment of a program that no setting of the restored database ends, or keeps from writing."""
        return {"PGOPTIONS": options(self.major, *UNHINDERED, "client_min_messages")}

    def client(self, name: str, deadline: Deadline, *arguments: str | Path, given: bytes | None = None) -> Done:
        """Run a client program against the server."""
        done = run([self.bin / name, *self.where, *arguments], deadline, given=given, extra=self.unhindered)
        self.say_no_space(done.err)
        return done

    def begin(self, name: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a client program that takes what is written to it."""
        return begin([self.bin / name, *self.where, *arguments], stdin=subprocess.PIPE)

    def close(self) -> None:
        """End the server and take the folder away."""
        server, self._server = self._server, None
        if server is not None:
            server.popen.send_signal(3)  # SIGQUIT: at once, nothing of it is kept
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.popen.wait(8.0)
            server.end(0.5)
        on_guard = (self._warden.pid,) if self._warden is not None else ()
        for folder in self._folders:
            warden.end(str(folder), on_guard)
            warden.remove(str(folder))
        if self._warden is not None and self._warden.stdin is not None:
            with contextlib.suppress(OSError):
                self._warden.stdin.write(b"release")
                self._warden.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._warden.wait(5.0)
            if self._warden.stdout is not None:
                self._warden.stdout.close()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connection(database: str) -> str:
    """A database by its name alone: one that holds = would be read as a connection string."""
    return "dbname='" + database.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quoted(text: str) -> str:
    """One path in a setting that is a list of them."""
    return '"' + text.replace('"', '""') + '"' if any(one in text for one in ' ,"') else text


def _reason(said: str) -> str:
    """The line of a server's log that tells why it ended."""
    lines = [line for line in said.splitlines() if any(word in line for word in ("FATAL", "PANIC", "ERROR"))]
    found = (lines or said.splitlines() or ["it said nothing"])[-1 if not lines else 0]
    return found.partition("  ")[2].strip() or found.strip()

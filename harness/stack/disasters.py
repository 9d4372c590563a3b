"""What a drill does to a service of the embedded stack, that nothing here puts back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.errors import StartError
from harness.stack.child import Child, last_lines, start
from harness.stack.launch import STACK_VARIABLE, Launch
from harness.waiting import wait_until

SQL_WITHIN_S = 10.0
HELD = "the lock is held"


def data_folder(launch: Launch) -> Path | None:
    """PostgreSQL's; None for any other service."""
    command = launch.command
    is_postgres = Path(command[0]).name == "postgres" and "-D" in command
    return Path(command[command.index("-D") + 1]) if is_postgres else None


def empty_folder(folder: Path) -> bool:
    """Remove all that is in it; whether nothing is left."""
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)
    return not any(folder.iterdir())


def run_sql(launch: Launch, environment: Mapping[str, str], statement: str, hold: bool) -> None:
    """Run it by psql, which finds the server by `environment`. Raises StartError where it fails, or is not in time."""
    if data_folder(launch) is None:
        raise StartError(f"{launch.name} is no PostgreSQL, and takes no SQL; give the service that is")
    child = _psql(launch, environment, held(statement) if hold else statement)
    if hold:
        wait_until(lambda: child.ended() is not None or HELD in _said(child), SQL_WITHIN_S)
        is_done = child.ended() is None and HELD in _said(child)
    else:
        is_done = wait_until(lambda: child.ended() is not None, SQL_WITHIN_S) and child.ended() == "exit code 0"
    if not is_done:
        child.end()
        raise StartError(f"the statement was not run on {launch.name}:\n{last_lines(child.log)}")


def held(statement: str) -> str:
    """A script for psql that opens a transaction and leaves it open, until the server ends the session."""
    return f"BEGIN; {statement.rstrip().rstrip(';')};\n\\echo {HELD}\nSELECT pg_sleep(86400);"


def _psql(launch: Launch, environment: Mapping[str, str], script: str) -> Child:
    """Among the stack's own processes: whoever takes the stack down ends it."""
    folder = Path(launch.path).parent
    path = folder / f"statement-{launch.name}.sql"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o644)
    given = {**environment, STACK_VARIABLE: str(folder), "PGAPPNAME": "psql"}
    command: list[str | Path] = [Path(launch.command[0]).with_name("psql"), "-X", "-v", "ON_ERROR_STOP=1", "-f", path]
    log = Path(launch.log).with_name(f"sql-{launch.name}.log")
    return start("psql", command, log, environment=given, user=launch.user, group=launch.group, folder=Path("/"))


def _said(child: Child) -> str:
    return child.log.read_text(encoding="utf-8", errors="replace")

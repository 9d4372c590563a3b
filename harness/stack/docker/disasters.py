"""What a drill does to a container, that nothing here puts back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import StartError
from harness.stack.disasters import HELD, empty_folder, held
from harness.stack.docker.engine import Engine
from harness.stack.service import cannot

PSQL = (
    'env PGPASSWORD="$POSTGRES_PASSWORD" psql -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -U "${POSTGRES_USER:-postgres}" '
    '-d "${POSTGRES_DB:-${POSTGRES_USER:-postgres}}"'
)
AT_ONCE = f'printf "%s" "$1" | {PSQL}'
IN_BACKGROUND = (
    f'log=$(mktemp) && {{ printf "%s" "$1" | setsid sh -c \'{PSQL}; true\' > "$log" 2>&1 & }} && '
    f'for _ in $(seq 100); do grep -q "{HELD}" "$log" && exit 0; sleep 0.1; done; cat "$log"; exit 1'
)
"""Its end is 0, however psql ends: the server, the container's first process, is given what nobody waits for, and takes
another end for that of a session that crashed."""


def empty_volumes(engine: Engine, body: Mapping[str, Any], name: str) -> None:
    """Empty every volume that a container, which has ended, writes to. Raises StartError where that cannot be."""
    volumes = [one for one in body.get("Mounts") or () if one.get("Type") == "volume" and one.get("RW", True)]
    if not volumes:
        raise cannot(name, "a loss of data", "it keeps nothing in a volume")
    for one in volumes:
        folder = Path(one["Source"])
        if not os.access(folder, os.W_OK):
            raise cannot(name, "a loss of data", "its volumes can be reached by root only, on the engine's own machine")
        if not empty_folder(folder):
            raise StartError(f"the data of {name} in {folder} could not be removed")


def run_sql(engine: Engine, body: Mapping[str, Any], statement: str, hold: bool, name: str) -> None:
    """Run it by psql in a container of PostgreSQL's image. Raises StartError where it fails, or is not in time."""
    script, given = (IN_BACKGROUND, held(statement)) if hold else (AT_ONCE, statement)
    code, output = engine.run(body["Id"], ["sh", "-c", script, "sql", given])
    if code:
        raise StartError(f"the statement was not run on {name}:\n{output.decode(errors='replace')[-2000:]}")

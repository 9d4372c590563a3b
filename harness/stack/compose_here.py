"""Which files make the project of a folder when none is given: those that Compose itself takes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import ComposeFileError

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_LINE = re.compile(r"""^\s*(?:export\s+)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(.*?))\s*(?:\s#.*)?$""", re.MULTILINE)


def find_compose_files(folder: Path, variables: Mapping[str, str] | None = None) -> list[Path]:
    """Those of $COMPOSE_FILE, which may stand in `.env` too, else the first by name with its override. Raises
    ComposeFileError when there is none.
    """
    variables = {**_dotenv(folder / ".env"), **(os.environ if variables is None else variables)}
    if given := variables.get("COMPOSE_FILE"):
        separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
        return [folder / name for name in given.split(separator)]
    found = _first(folder, FILE_NAMES)
    if not found:
        raise ComposeFileError(
            f"no Compose file in {folder}; looked for {', '.join(FILE_NAMES)}; go where it is, or name the files"
        )
    return [*found, *_first(folder, OVERRIDE_NAMES)]


def _first(folder: Path, names: Iterable[str]) -> list[Path]:
    return [path for name in names if (path := folder / name).is_file()][:1]


def _dotenv(path: Path) -> dict[str, str]:
    """Its plain lines; empty where there is none to read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {name: double or single or bare for name, double, single, bare in _LINE.findall(text)}

"""What Compose lays into a service: its configs as files, its tmpfs as empty folders; for a plain process too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import ComposeFileError, StartError
from harness.stack.compose_variables import interpolate

Mount = str | Path | None
"""A file's text, or where the file is; None for an empty folder."""


def mounts_of(
    path: Path, service: Mapping[str, Any], configs: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, Mount]:
    """What is laid into a service, by the path that it has there. Raises ComposeFileError."""
    tmpfs = service.get("tmpfs") or ()
    found: dict[str, Mount] = {
        str(one).partition(":")[0]: None for one in ([tmpfs] if isinstance(tmpfs, str) else tmpfs)
    }
    for one in service.get("configs") or ():
        source = str(one.get("source") if isinstance(one, dict) else one)
        target = one.get("target") if isinstance(one, dict) else None
        body = configs.get(source)
        if isinstance(body, dict) and "content" in body:
            found[str(target or f"/{source}")] = interpolate(str(body["content"]), variables)
        elif isinstance(body, dict) and "file" in body:
            file = path.resolve().parent / interpolate(str(body["file"]), variables)
            found[str(target or f"/{source}")] = file
        else:
            raise ComposeFileError(f"{path}: configs.{source} needs `content` or `file`; given {body!r}")
    for target in found:
        if not target.startswith("/") or ".." in Path(target).parts:
            raise ComposeFileError(
                f"{path}: a target must be a whole path without .., as in /etc/app; given {target!r}"
            )
    return found


def lay_out(
    mounts: Mapping[str, Mount], root: Path, local: Callable[[str], str], volumes: Mapping[str, Path] | None = None
) -> Callable[[str], str]:
    """Make them below `root`, each text as `local` changes it; gives what changes their paths in a text likewise, and
    those of volumes, by where each is. Raises StartError where a file cannot be read."""
    at = {**(volumes or {}), **{path: root / path.lstrip("/") for path in mounts}}
    names = "|".join(re.escape(path) for path in sorted(at, key=len, reverse=True))

    def here(text: str) -> str:
        return re.sub(rf"(?<![\w./-])({names})(?![\w.-])", lambda match: str(at[match[1]]), text) if names else text

    for path, mount in mounts.items():
        folder = at[path] if mount is None else at[path].parent
        folder.mkdir(parents=True, exist_ok=True)
        if mount is not None:
            at[path].touch(mode=0o600)  # it may hold what the project keeps secret
            at[path].write_text(here(local(_read(mount) if isinstance(mount, Path) else mount)), encoding="utf-8")
    return here


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{file}, a config of the Compose file, cannot be read: {error}") from error

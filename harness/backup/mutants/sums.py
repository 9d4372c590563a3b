"""Sums made anew over what was damaged: such a backup was wrong already when it was made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.backup.mutants.parts import Parts

BACKUP_MANIFEST = "backup_manifest"


def resum(parts: Parts) -> None:
    """Let the manifest's `files` say what is there now."""
    facts = parts.facts()
    if "files" in facts:
        rewrite(parts, files={name: _sum(parts.root / name) for name in _listed(parts)})


def rewrite(parts: Parts, **changed: Any) -> None:
    """Change keys of the manifest, where there is one."""
    if parts.manifest is not None and parts.facts():
        text = json.dumps({**parts.facts(), **changed}, indent=1)
        parts.manifest.write_text(text + "\n", encoding="utf-8")


def _listed(parts: Parts) -> list[str]:
    """All files of the backup but the manifest itself and the archive."""
    skipped = {parts.manifest}
    return sorted(
        path.relative_to(parts.root).as_posix()
        for path in parts.root.rglob("*")
        if path.is_file() and path not in skipped and (parts.wal is None or parts.wal not in path.parents)
    )


def _sum(path: Path) -> Mapping[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def forget(base: Path, name: str) -> None:
    """Take a file out of PostgreSQL's own backup_manifest, whose sum is made anew."""
    path = base / BACKUP_MANIFEST
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if f'"Path": "{name}"' not in line]
    for number, line in enumerate(lines[:-1]):
        if lines[number + 1].startswith("]"):
            lines[number] = line.rstrip(",")
    body = "".join(line + "\n" for line in lines if "Manifest-Checksum" not in line)
    body = re.sub(r"\n\Z", "\n", body)
    path.write_text(f'{body}"Manifest-Checksum": "{hashlib.sha256(body.encode()).hexdigest()}"}}\n', encoding="utf-8")

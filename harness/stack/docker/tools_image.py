"""The image of the harness's own containers, built once from this package: its tag is made from what is in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import harness
from harness.adopt.yaml_text import dump
from harness.errors import StartError
from harness.stack.docker.compose import ComposeFiles
from harness.store import write_text

PYTHON_IMAGE = "python:3.11-slim"
PACKAGES = ("httptools", "pyarrow", "uvloop", "xxhash")
PARTS = (
    "__init__",
    "bounds",
    "errors",
    "record",
    "schema",
    "waiting",
    "http_bounds",
    "path_template",
    "baddata",
    "outpost",
    "tap",
)
"""Of this package, what the two are made of."""
COMPOSE_FILE = "compose.yml"


@dataclass(frozen=True, slots=True)
class ToolsImage:
    """Its name, and the Compose file that builds it."""

    name: str
    files: ComposeFiles


def base_image() -> str:
    """$PYTHON_IMAGE, else the official one."""
    return os.environ.get("PYTHON_IMAGE") or PYTHON_IMAGE


def tools_image() -> ToolsImage:
    """What it is built from is in the user's cache, where it costs nothing. Raises StartError where it cannot be."""
    package = Path(harness.__file__).parent
    base = base_image()
    files = [path for part in PARTS for path in _files(package, part)]
    dockerfile = _dockerfile(base)
    digest = hashlib.sha256(dockerfile.encode())
    for path in files:
        digest.update(path.read_bytes())
    tag = digest.hexdigest()[:12]
    name = f"resilience-harness/tools:{tag}"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache) / "resilience-harness" / f"tools-{tag}"
    compose_file = folder / COMPOSE_FILE
    try:
        if not compose_file.is_file():  # the last that is written, and whole
            for path in files:
                target = folder / "harness" / path.relative_to(package)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
            write_text(compose_file, dump({"services": {"tools": {"image": name, "build": "."}}}))
    except OSError as error:
        raise StartError(
            f"cannot write {folder}: {error.strerror or error}; name a folder that can be written in XDG_CACHE_HOME"
        ) from error
    return ToolsImage(name, ComposeFiles((compose_file,)))


def _files(package: Path, part: str) -> list[Path]:
    return sorted((package / part).rglob("*.py")) or [package / f"{part}.py"]


def _dockerfile(base: str) -> str:
    pinned = " ".join(f"{name}=={version(name)}" for name in PACKAGES)
    return (
        f"FROM {base}\n"
        f"RUN pip install --no-cache-dir --retries 2 --timeout 20 {pinned}\n"
        "WORKDIR /harness\n"
        "COPY harness harness\n"
        "RUN chmod -R a+rX harness\n"  # whatever the umask was
        "USER nobody\n"
    )

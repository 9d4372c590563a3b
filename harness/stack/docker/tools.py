"""The harness's own containers in a copy of a project: the tap and the outpost, in the network namespace of Toxiproxy.

There the tap listens where Toxiproxy did, at the same addresses and under the same names, whatever network a client
comes by; and both reach every service that Toxiproxy reaches. Their image is built once from this package: its tag is
made from what is in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import harness
from harness.adopt.yaml_text import Node
from harness.errors import StartError
from harness.stack.own import CONTROL_PORT, OUTPOST, TAP, WEBHOOK_PORT
from harness.stack.spec import StackSpec
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


def inside(spec: StackSpec) -> dict[str, int]:
    """Those that the stack needs, each with the port at which it is met in Toxiproxy's namespace."""
    needed = {OUTPOST: WEBHOOK_PORT} if spec.has_outpost else {}
    return {TAP: CONTROL_PORT, **needed} if spec.tapped else needed


def tools(spec: StackSpec, labels: Mapping[str, str]) -> dict[str, Node]:
    """Their services, as the override has them."""
    needed = inside(spec)
    if not needed:
        return {}
    context, tag = _context()
    commands = {TAP: ["harness.tap", "--control"], OUTPOST: ["harness.outpost", "--listen"]}
    return {
        name: {
            "image": f"resilience-harness/tools:{tag}",
            "build": {"context": str(context)},
            "pull_policy": "never",  # built where it is not here; of that name anybody could have one in a registry
            "command": ["python", "-m", *commands[name], f"0.0.0.0:{port}"],
            "network_mode": f"service:{spec.toxiproxy}",
            "depends_on": {spec.toxiproxy: {"condition": "service_started"}},
            "labels": dict(labels),
        }
        for name, port in needed.items()
    }


def _context() -> tuple[Path, str]:
    """(what the image is built from, a tag that says what that is). In the user's cache, where it costs nothing."""
    package = Path(harness.__file__).parent
    files = [path for part in PARTS for path in _files(package, part)]
    dockerfile = _dockerfile()
    digest = hashlib.sha256(dockerfile.encode())
    for path in files:
        digest.update(path.read_bytes())
    tag = digest.hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache) / "resilience-harness" / f"tools-{tag}"
    try:
        if not (folder / "Dockerfile").is_file():  # which comes last, and whole
            for path in files:
                target = folder / "harness" / path.relative_to(package)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            write_text(folder / "Dockerfile", dockerfile)
    except OSError as error:
        raise StartError(
            f"cannot write {folder}: {error.strerror or error}; name a folder that can be written in XDG_CACHE_HOME"
        ) from error
    return folder, tag


def _files(package: Path, part: str) -> list[Path]:
    return sorted((package / part).rglob("*.py")) or [package / f"{part}.py"]


def _dockerfile() -> str:
    pinned = " ".join(f"{name}=={version(name)}" for name in PACKAGES)
    return (
        f"FROM {os.environ.get('PYTHON_IMAGE') or PYTHON_IMAGE}\n"
        f"RUN pip install --no-cache-dir {pinned}\n"
        "WORKDIR /harness\n"
        "COPY harness harness\n"
        "RUN chmod -R a+rX harness\n"  # whatever the umask was
        "USER nobody\n"
    )

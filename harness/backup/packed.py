"""Compressed files, told by their first bytes: gzip by Python, zstd and lz4 by their programs."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from harness.backup.running import Bad, NotJudged

MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
"""What Python's gzip raises for a file that is cut or damaged."""
_CHUNK = 1 << 20


def compression_of(head: bytes) -> str:
    """gzip, zstd or lz4 by the first bytes of a file; "" where it is none of them."""
    return next((name for magic, name in MAGICS.items() if head.startswith(magic)), "")


def head_of(path: Path, count: int = 4) -> bytes:
    """The first bytes of a file, fewer where it is shorter."""
    with path.open("rb") as file:
        return file.read(count)


@contextlib.contextmanager
def opened(path: Path, *, whole: bool = True, step: Callable[[], object] = lambda: None) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked by what it is.

    With `whole` what the reader left is read to its end too, since only there a file shows that it was cut; `step` is
    called between the pieces and may raise. Raises Bad("restore") where a program cannot unpack it, one of DAMAGED
    where Python cannot, and NotJudged where there is no program that could.
    """
    kind = compression_of(head_of(path))
    if kind == "gzip":
        with gzip.open(path) as unpacked:
            yield unpacked  # type: ignore[misc]
            _drain(unpacked, whole, step)  # type: ignore[arg-type]
    elif kind:
        yield from _by_program(kind, path, whole, step)
    else:
        with path.open("rb") as file:
            yield file


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a dump, plain or compressed, which must be whole: raises Bad("restore") where it is not."""
    try:
        with opened(path) as stream:
            yield from stream
    except DAMAGED as error:
        raise Bad("restore", f"{path.name} cannot be unpacked to its end: {error}") from error


def _drain(stream: IO[bytes], whole: bool, step: Callable[[], object]) -> None:
    while whole and stream.read(_CHUNK):
        step()


def _by_program(kind: str, path: Path, whole: bool, step: Callable[[], object]) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        try:
            popen = subprocess.Popen([kind, "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            raise NotJudged(
                f"{path.name} is compressed with {kind}, and there is no program {kind}: install it"
            ) from error
    assert popen.stdout is not None
    try:
        yield popen.stdout
        _drain(popen.stdout, whole, step)
        if whole and popen.wait() != 0:
            raise Bad("restore", f"{path.name} cannot be unpacked to its end")
    finally:
        popen.kill()
        popen.stdout.close()
        popen.wait()

"""Where the records of drills are, and how their files are read and written: whole, or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.drill.records.canonical import BYTES_MAX
from harness.errors import RecordError
from harness.waiting import wait_until

HEAD_FILE = "head.json"
PUBLIC_KEY_FILE = "key.pub.pem"
LOCK_WITHIN_S = 30.0

_NAME = re.compile(r"(\d{6,})\.json")
_WRITING = ".writing-"


def record_path(folder: Path, seq: int) -> Path:
    return folder / "records" / f"{seq:06d}.json"


def record_files(folder: Path) -> tuple[list[int], list[str]]:
    """(numbers of the records that are there, in their order; names of files that are none). Raises RecordError."""
    try:
        names = sorted(os.listdir(folder / "records"))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise RecordError(f"cannot read {folder / 'records'}: {error.strerror}") from None
    numbers, others = [], []
    for name in names:
        match = _NAME.fullmatch(name)
        if match and int(match[1]) > 0 and name == f"{int(match[1]):06d}.json":
            numbers.append(int(match[1]))
        else:
            others.append(name)
    return sorted(numbers), others


def read(path: Path) -> bytes | None:
    """Its bytes, one more than a record may have at most; None where it is not there. Raises RecordError."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from None


def write(folder: Path, path: Path, raw: bytes) -> None:
    """Writes a file of `folder`, so that it is whole on the disk or not there. Raises OSError."""
    new = folder / f"{_WRITING}{os.getpid()}"
    with new.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    at = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(at)
    finally:
        os.close(at)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder for one at a time; what a killed writer left half written is removed. Raises RecordError."""
    try:
        (folder / "records").mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RecordError(f"cannot write into {folder}: {error.strerror}; give another folder with --reports") from None
    try:
        if not wait_until(lambda: _taken(lock), LOCK_WITHIN_S):
            raise RecordError(f"another process has held {folder / '.lock'} for {LOCK_WITHIN_S:g} s; look who it is")
        for left in folder.glob(f"{_WRITING}*"):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""One at a time: a lock on a kept stack, which ends with the process that holds it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from harness.errors import StartError


class Hold:
    """Holds a stack from take() until release(), or until this process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises StartError when another process holds it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                "another harness uses the kept stack; two that break it at once would judge each other's faults; "
                "wait for it to end"
            ) from None
        except OSError as error:
            raise StartError(f"cannot write {self._path}: {error.strerror or error}; mend its permissions") from error

    def release(self) -> None:
        if self._file is not None:
            self._file.close()

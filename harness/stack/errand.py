"""Something that takes its time, and is done meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness.errors import StartError


class Errand:
    """Something that takes its time, and is done meanwhile."""

    def __init__(self, do: Callable[[], None], name: str) -> None:
        self._do, self._name = do, name
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"errand {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._do()
        except Exception as error:
            self._error = error

    @property
    def is_going(self) -> bool:
        return self._thread.is_alive()

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def wait(self, within_s: float) -> None:
        """Return when it is done. Raises what it raised, StartError when it is not done in time."""
        self.join(within_s)
        if self.is_going:
            raise StartError(f"{self._name} was killed, and has not ended {within_s:g} s after")
        if self._error is not None:
            raise self._error

"""What cron would do while a drill goes on: each job of its own, again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.drill.model import Job
from harness.errors import HarnessError
from harness.masking import masked, secrets_in
from harness.stack.shell import run
from harness.waiting import wait_until

JOB_WITHIN_S = 120.0
ENDS_WITHIN_S = 8.0


class Jobs:
    """From start() to stop(). `log` takes what they say. A job that is still at it when it is due again is not begun
    twice; one that fails is told in the log, as cron does, and stops nothing."""

    def __init__(self, jobs: Sequence[Job], environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self._environment, self._folder, self._log = environment, folder, log
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._secrets = secrets_in([environment])
        names = [f"job-{number}" for number in range(1, len(jobs) + 1)]
        self._threads = [
            threading.Thread(target=self._repeat, args=one, name=one[0], daemon=True)
            for one in zip(names, jobs, strict=True)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Call them off; what they run is ended. Raises nothing."""
        self._stopped.set()
        until = time.monotonic() + ENDS_WITHIN_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _repeat(self, name: str, job: Job) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            self._tell(f"{name}: {self._once(name, job)}")
            due = max(due + job.every_s, time.monotonic())
            self._stopped.wait(due - time.monotonic())

    def _once(self, name: str, job: Job) -> str:
        try:
            done = run(name, job.command, self._environment, self._folder, JOB_WITHIN_S, self._stopped.is_set)
        except HarnessError as error:
            return str(error)
        how = "called off" if done.exit_code is None else f"exit {done.exit_code}"
        return f"{job.command}: {how}\n{done.output}".rstrip()

    def _tell(self, text: str) -> None:
        with self._lock, self._log.open("a", encoding="utf-8") as log:
            log.write(f"{masked(text, self._secrets)}\n")


def until_done(
    command: str, environment: Mapping[str, str], folder: Path, within_s: float, cancelled: Callable[[], bool]
) -> str | None:
    """Run a command by sh until it succeeds, again each second. None, or why it did not within that time."""
    deadline = time.monotonic() + within_s
    while True:
        left_s = max(0.1, deadline - time.monotonic())
        done = run("before", command, environment, folder, left_s, cancelled)
        if done.exit_code == 0:
            return None
        if cancelled() or time.monotonic() + 1 > deadline:
            said = done.output.strip().splitlines()
            how = f"exit {done.exit_code}" if done.exit_code is not None else "no end"
            last = f", and it last said: {said[-1][:200]}" if said else ""
            return f"`{command}` did not succeed within {within_s:g} s ({how}){last}"
        wait_until(lambda: False, 1.0, cancelled=cancelled)

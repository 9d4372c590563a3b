"""Which tasks are being worked on, so that those which the end of the run cuts off are recorded and not forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, cast

import gevent
from gevent import GreenletExit
from locust import TaskSet
from locust.user.task import DefaultTaskSet


class Unfinished(NamedTuple):
    """A task whose answer had not come, and when it was intended and started, monotonic nanoseconds."""

    task: Any
    intended_ns: int
    started_ns: int


def around_tasks(around: Callable[[Any, Callable[[], None]], None]) -> None:
    """Have `around(task, run)` called for each task function, in place of just running it.

    Entering a nested task set is not yet work, so it is left as it is: its own tasks come here in turn.
    """
    for task_set in (TaskSet, DefaultTaskSet):
        task_set.execute_task = _wrapped(task_set.execute_task, around)  # type: ignore[method-assign]


def _wrapped(execute_task: Callable[[Any, Any], None], around: Callable[[Any, Callable[[], None]], None]) -> Any:
    def execute(self: TaskSet, task: Any) -> None:
        if isinstance(task, type):
            execute_task(self, task)
        else:
            around(task, lambda: execute_task(self, task))

    return execute


def track() -> None:
    """Make users note on their greenlet what they work on. For this process, which lives for one run."""

    def note(task: Any, run: Callable[[], None]) -> None:
        greenlet = cast(Any, gevent.getcurrent())
        greenlet.working = (task, time.monotonic_ns())
        try:
            run()
        except GreenletExit:
            raise  # it was killed in its work, which stays noted
        except BaseException:
            greenlet.working = None
            raise
        greenlet.working = None

    around_tasks(note)


def unfinished(greenlets: Iterable[object]) -> Iterator[Unfinished]:
    """The tasks that are still being worked on. In the open model `intended_ns` is None once a request was recorded."""
    for greenlet in greenlets:
        working = getattr(greenlet, "working", None)
        if working is not None:
            task, started_ns = working
            intended_ns = getattr(greenlet, "intended_ns", None)
            yield Unfinished(task, started_ns if intended_ns is None else intended_ns, started_ns)

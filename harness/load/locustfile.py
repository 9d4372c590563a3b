"""Imports a user's locustfile. Whatever is wrong with it becomes one sentence with the file and the line."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

from locust import LoadTestShape, User
from locust.user.task import filter_tasks_by_tags, is_markov_taskset
from locust.util.load_locustfile import load_locustfile


def read_locustfile(
    path: Path, tags: Sequence[str] = (), exclude_tags: Sequence[str] = ()
) -> tuple[list[type[User]], LoadTestShape | None]:
    """Its user classes with the tasks that the tags leave, and its shape, if it has one.

    Raises ValueError when it does not import, has no user, or no task is left.
    """
    if not path.is_file():
        raise ValueError(f"locustfile {path} does not exist; put it into locustfiles/ or give its path")
    try:
        users, shapes = load_locustfile(str(path))
    except SyntaxError as error:
        raise ValueError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = f":{frames[-1].lineno}" if frames else ""
        raise ValueError(f"{path}{line}: the locustfile does not import: {type(error).__name__}: {error}") from error
    if not users:
        raise ValueError(
            f"{path} has no user; give it a class such as `class Shopper(FastHttpUser)` with at least one @task"
        )
    for user in users.values():
        filter_tasks_by_tags(user, set(tags) if tags else None, set(exclude_tags) if exclude_tags else None)
    working = [user for user in users.values() if user.tasks or is_markov_taskset(user)]
    if not working:
        chosen = f" with tags {', '.join(tags) or 'any'} without {', '.join(exclude_tags) or 'none'}"
        raise ValueError(f"{path} has no @task{chosen if tags or exclude_tags else ''}, so its users would do nothing")
    return working, shapes[0] if shapes else None

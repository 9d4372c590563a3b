"""Imports a user's locustfile. Whatever is wrong with it becomes one sentence with the file and the line."""

from __future__ import annotations

import traceback
from pathlib import Path

from locust import LoadTestShape, User
from locust.util.load_locustfile import load_locustfile


def read_locustfile(path: Path) -> tuple[list[type[User]], LoadTestShape | None]:
    """Its user classes and its shape, if it has one. Raises ValueError when it does not import or has no user."""
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
    return list(users.values()), shapes[0] if shapes else None

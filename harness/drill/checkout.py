"""Which commit is checked out, by git itself; where there is none, or no git, nobody can tell."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import harness
from harness.errors import HarnessError
from harness.stack.shell import run

ANSWER_WITHIN_S = 20.0
CHANGED = "+changed"


def commit(folder: Path, tracked: str = "") -> str:
    """The commit of the repository that `folder` is in, with +changed where a file that it tracks is not as it was
    committed; "" where that cannot be told, and where the repository does not track that file of the folder."""
    asked = [f"git ls-files --error-unmatch -- {shlex.quote(tracked)} >/dev/null 2>&1"] if tracked else []
    asked += ["git rev-parse HEAD 2>/dev/null", "git --no-optional-locks status --porcelain --untracked-files=no"]
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # those of a hook
    try:
        done = run("git", " && ".join(asked), given, folder, ANSWER_WITHIN_S)
    except HarnessError:
        return ""
    if done.exit_code != 0:
        return ""
    head, *changes = done.output.splitlines()
    return f"{head}{CHANGED if changes else ''}"


def our_commit() -> str:
    """That of the harness, where it is run from a checkout; "" where it was installed."""
    ours = Path(harness.__file__)
    return commit(ours.parent, ours.name)

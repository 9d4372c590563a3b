"""The drills of a folder, as far as `drill due` and `drill calendar` need them: their names and their periods."""

from __future__ import annotations

import re
from pathlib import Path

from harness.drill.model import Drill
from harness.drill.records.due import Planned
from harness.errors import HarnessError

DAYS_MAX = 3660


def planned_in(folder: Path, period_days: int | None = None) -> list[Planned]:
    """One for each file of `folder`, by name; `period_days` is for all of them where given. Raises HarnessError."""
    paths = sorted(one for one in folder.glob("*.py") if not one.name.startswith("_"))
    if not paths:
        raise HarnessError(f"no drill in {folder}: it holds no .py file; say where they are: --drills FOLDER")
    return [Planned(path.stem, period_days or _drill(path).period_days) for path in paths]


def days(text: str) -> int:
    """`92d`, `13w`, `92` in days. Raises HarnessError."""
    match = re.fullmatch(r"(\d{1,5})\s*([dw]?)", text.strip())
    number = int(match[1]) * (7 if match[2] == "w" else 1) if match else 0
    if not 0 < number <= DAYS_MAX:
        raise HarnessError(f"a period is a number of days or weeks, such as 92d or 13w; given {text!r}")
    return number


def _drill(path: Path) -> Drill:
    names: dict[str, object] = {"__file__": str(path), "__name__": path.stem}
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    except BaseException as error:  # SystemExit too: a file that ends the program would end it well
        raise HarnessError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    drill = names.get("drill")
    if not isinstance(drill, Drill):
        raise HarnessError(f"{path} defines no drill; write: drill = Drill(...)")
    return drill

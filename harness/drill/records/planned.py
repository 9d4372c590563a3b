"""The drills of a folder, as far as `drill due` and `drill calendar` need them: their names and their periods."""

from __future__ import annotations

import re
from pathlib import Path

from harness.drill.model import Drill
from harness.drill.records.due import Planned
from harness.errors import HarnessError
from harness.loader import execute, find

DAYS_MAX = 3660


def planned_in(folder: Path, period_days: int | None = None) -> list[Planned]:
    """One for each file of `folder`, by name; `period_days` is for all of them where given. Raises HarnessError."""
    paths = find([folder], what="drill")
    return [Planned(path.stem, period_days or _drill(path).period_days) for path in paths]


def days(text: str) -> int:
    """`92d`, `13w`, `92` in days. Raises HarnessError."""
    match = re.fullmatch(r"(\d{1,5})\s*([dw]?)", text.strip())
    number = int(match[1]) * (7 if match[2] == "w" else 1) if match else 0
    if not 0 < number <= DAYS_MAX:
        raise HarnessError(f"a period is a number of days or weeks, such as 92d or 13w; given {text!r}")
    return number


def _drill(path: Path) -> Drill:
    drill = execute(path, "drill")[0].get("drill")
    if not isinstance(drill, Drill):
        raise HarnessError(f"{path} defines no drill; write: drill = Drill(...)")
    return drill

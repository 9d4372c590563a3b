"""What came of one trial, and the file that keeps it, so that a run goes on where it was ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from harness.record import Word

FAILED, SURVIVED, EQUIVALENT, NO_FIT = "caught", "survived", "equivalent", "does not fit"

NOT_OF_RESULTS = ("__init__.py", "page.py", "rate.py")
"""What can change without one result being another."""


@dataclass(frozen=True, slots=True)
class Result:
    """`word` is the verifier's; `detectors` those that failed, in their order, `unsure` those that could not judge.
    `damage` is what was done, `sentence` the verifier's. `changes_nothing` is of a mutant that holds what the good one
    holds, and `fits` false where the backup has nothing of the kind. `took_s` is making and verifying."""

    key: str
    word: str = ""
    detectors: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    damage: str = ""
    sentence: str = ""
    changes_nothing: bool = False
    fits: bool = True
    took_s: float = 0.0

    @property
    def end(self) -> str:
        """Of a mutant: FAILED, SURVIVED, EQUIVALENT or NO_FIT."""
        if not self.fits:
            return NO_FIT
        if self.word == Word.FAIL:
            return FAILED
        return EQUIVALENT if self.changes_nothing else SURVIVED

    def without(self, detectors: Collection[str]) -> Result:
        """The same, had these detectors not been there."""
        left = tuple(one for one in self.detectors if one not in detectors)
        lost = self.word == Word.FAIL and not left
        return replace(self, detectors=left, word="false alarm" if lost else self.word)


class Kept:
    """Results, by their trial, in one file of lines. A line that a kill cut is left out when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found: dict[str, Result] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    body = json.loads(line)
                    one = Result(**{**body, "detectors": tuple(body["detectors"]), "unsure": tuple(body["unsure"])})
                    self.found[one.key] = one

    def add(self, result: Result) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
        self.found[result.key] = result


def digest(folders: Iterable[Path], words: Iterable[str]) -> str:
    """What results hang on: the code in these folders, and these words."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted({*folder.glob("*.py"), *folder.glob("*.sql")} - {folder / name for name in NOT_OF_RESULTS}):
            total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for word in words:
        total.update(word.encode() + b"\0")
    return total.hexdigest()[:16]

"""What came of the runs of a matrix, kept so that a matrix that was ended goes on: `reports/matrix/<stack>.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import RunFolderError
from harness.record import Word
from harness.store import read_json, write_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Said:
    """What a check of the scenario said; `kind` is its name in the scenario's file."""

    kind: str
    word: Word
    sentence: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a trial. `doubt` says why no check's word stands, or why it could not start; "" where all is well.

    `digest` is of all that it hangs on, `folder` its run's, from the record's; `took_s` is its last try's, from the
    start of the stack to the report.
    """

    key: str
    digest: str
    said: tuple[Said, ...] = ()
    doubt: str = ""
    folder: str = ""
    took_s: float = 0.0


Record = Mapping[str, Done]
"""By the trial's key; one is kept of each."""


def read(path: Path) -> Record:
    """What is kept; nothing where there is no such file. Raises RunFolderError where it is damaged."""
    if not path.is_file():
        return {}
    held = read_json(path)
    try:
        if held["schema"] != SCHEMA:
            raise RunFolderError(f"{path} has schema {held['schema']!r}; this harness reads {SCHEMA}; remove it")
        return {one["key"]: Done(**{**one, "said": tuple(_said(said) for said in one["said"])}) for one in held["runs"]}
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{path} is damaged ({error}); remove it, and every run is made anew") from error


def write(path: Path, record: Record) -> None:
    """Keep it, in one atomic step. Raises RunFolderError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot write {path.parent}: {error.strerror or error}; give another --reports"
        ) from error
    write_json(path, {"schema": SCHEMA, "runs": [asdict(record[key]) for key in sorted(record)]})


def _said(held: Mapping[str, str]) -> Said:
    return Said(held["kind"], Word(held["word"]), held["sentence"])

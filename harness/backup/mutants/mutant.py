"""One kind of damage: its name, what it stands for, and which backups it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from harness.backup.mutants.parts import FORMATS, Parts
from harness.errors import MutationError


class DoesNotFit(MutationError):
    """The backup has nothing that could be damaged in this way."""


class Database(Protocol):
    """A restored backup on a server of its own, in which a mutant may change what it likes."""

    @property
    def name(self) -> str: ...
    @property
    def rules(self) -> Sequence[str]:
        """The queries of the manifest's invariants."""
        ...

    def sql(self, text: str, *, database: str = "") -> str:
        """Run SQL as a superuser, in the backup's database unless told otherwise; rows as lines, columns by `|`. Raises
        SqlRefused."""
        ...

    def path_of(self, relation: str) -> Path:
        """The file of a relation in the data folder of the server."""
        ...

    def while_stopped(self, act: Callable[[], None]) -> None:
        """Stop the server cleanly, let `act` change its files, start it again."""
        ...


class SqlRefused(MutationError):
    """The server did not do what a mutant asked."""


OnFiles = Callable[[Parts, Random], str]
OnContent = Callable[[Database, Random], str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A kind of damage. `sentence` says what the backup is then.

    `on_files` changes the copy's files; `on_content` changes the restored data, which is then dumped again. Either
    answers with what it did, and draws from its Random alone. `at_birth` is damage that was there when the sums of the
    files were made, so that they agree with it; `facts_agree`, when the rows and the heartbeat were read for the
    manifest. `formats` are those that it fits; `wal` is whether it needs an archive.
    """

    name: str
    sentence: str
    formats: tuple[str, ...] = FORMATS
    on_files: OnFiles | None = None
    on_content: OnContent | None = None
    at_birth: bool = False
    facts_agree: bool = False
    wal: bool = False

    def fits(self, parts: Parts) -> bool:
        """Whether this kind of backup can be damaged so."""
        return parts.format in self.formats and (parts.wal is not None or not self.wal)

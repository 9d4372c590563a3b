"""Damages files at rest: a copy, never the file itself."""

from __future__ import annotations

from pathlib import Path

from harness.baddata.mutation import KINDS, Mutated, Mutation, mutate
from harness.errors import MutationError


def mutate_file(path: Path, asked: Mutation, output: Path, earlier: Path | None = None) -> Mutated:
    """Write the damaged copy. Raises MutationError; then nothing is written."""
    if earlier is not None and not KINDS[asked.kind].asks_earlier:
        takers = ", ".join(name for name, kind in KINDS.items() if kind.asks_earlier)
        raise MutationError(f"{asked.kind} needs no earlier file; leave --earlier out (it is for {takers})")
    for one in (path, earlier):
        if one is not None and output.exists() and one.exists() and output.samefile(one):
            raise MutationError(f"{output} is {one} itself, which stays as it is; write to another file")
    before = None if earlier is None else _read(earlier)
    done = mutate(_read(path), asked, before)
    if done.note:
        hint = "; give --earlier FILE" if KINDS[asked.kind].asks_earlier and before is None else ""
        note = done.note.replace("say id_field", "say it: --id-field NAME")
        raise MutationError(f"{path} stays as it is, and nothing was written: {note}{hint}")
    try:
        output.write_bytes(done.body)
    except OSError as error:
        raise MutationError(f"cannot write {output}: {error.strerror or error}") from error
    return done


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MutationError(f"cannot read {path}: {error.strerror or error}") from error

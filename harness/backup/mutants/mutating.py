"""Makes a mutant of a backup: a copy, one damage, and sums that agree with it where it was there at birth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from harness.backup import programs
from harness.backup.mutants import logical, physical
from harness.backup.mutants.copying import copy
from harness.backup.mutants.mutant import Database, DoesNotFit, Mutant
from harness.backup.mutants.parts import Parts, recognise
from harness.backup.mutants.rows import OLD_DAYS
from harness.backup.mutants.server import Restored, Server
from harness.backup.mutants.sums import resum, rewrite
from harness.errors import MutationError

QUIET = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1; SET IntervalStyle = 'postgres'; "
    "SET bytea_output = 'hex'; SET row_security = off; SET enable_indexonlyscan = off; SET enable_indexscan = off; "
    "SET enable_bitmapscan = off; SET search_path = ''; "
)


@dataclass(frozen=True, slots=True)
class Made:
    """A mutant: where it is, and what was done to it."""

    parts: Parts
    sentence: str


class Bench:
    """A good backup that was restored once: each mutant of its content begins with a copy of that data folder."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        form = physical if parts.is_physical else logical
        self._major = form.major_of(parts)
        self._bin = programs.find(self._major)
        self._first: Server | None = None
        self._name = ""

    def restore(self) -> None:
        """Bring the backup up, once."""
        if self._first is not None:
            return
        user = {} if self._parts.is_physical else {"user": logical.superuser_of(self._parts)}
        server = Server(self._bin, self._major, **user)
        try:
            if self._parts.is_physical:
                self._name = physical.bring_up(server, self._parts)
            else:
                server.make()
                server.run_up()
                self._name = logical.restore(server, self._parts)
                server.stop()
        except BaseException:
            server.close()
            raise
        self._first = server

    @contextmanager
    def database(self, parts: Parts) -> Iterator[tuple[Server, Database]]:
        """A server of its own that holds what the backup holds; `parts` is the copy that will be made of it again."""
        self.restore()
        assert self._first is not None
        with Server(self._bin, self._major, user=self._first.user) as server:
            server.take(self._first.data)
            server.run_up(*(physical.settings_of_source(server, parts) if parts.is_physical else ()))
            rules = [str(one["sql"]) for one in parts.facts().get("invariants", ())]
            yield server, Restored(server, self._name, rules)

    def damage(self, mutant: Mutant, parts: Parts, random: Random) -> str:
        """Change the content by a mutant, and make the copy of that. Raises DoesNotFit, MutationError."""
        assert mutant.on_content is not None
        with self.database(parts) as (server, database):
            sentence = mutant.on_content(database, random)
            renewed = facts_of(database, parts) if mutant.facts_agree else {}
            if parts.is_physical:
                physical.back_up(server, parts)
            else:
                logical.dump(server, parts, database.name)
        if renewed:
            rewrite(parts, **renewed)
        return sentence

    def close(self) -> None:
        if self._first is not None:
            self._first.close()


def facts_of(database: Database, parts: Parts) -> dict[str, Any]:
    """What the manifest would say of the rows, had it been made of these; times go back as far as the heartbeat did."""
    facts = parts.facts()
    tables = {}
    for name in facts.get("tables", {}):
        schema, _, table = name.partition(".")
        quoted = database.sql(f"SELECT format('%I.%I', '{schema}', '{table}')")
        rows, total = database.sql(
            f"{QUIET} SELECT count(*), "
            "coalesce(sum(('x' || substr(md5((t.*)::text), 1, 15))::bit(60)::bigint::numeric), 0)::text "
            f"FROM ONLY {quoted} t"
        ).split("|")
        tables[name] = {"rows": int(rows), "hash": total}
    renewed: dict[str, Any] = {"tables": tables}
    if (beat := facts.get("heartbeat")) and database.sql("SELECT to_regclass('public.harness_heartbeat')"):
        at, nonce = database.sql("SET TimeZone = 'UTC'; SELECT at, nonce FROM public.harness_heartbeat").split("|")
        renewed["heartbeat"] = {"at": at.replace(" ", "T") + ":00" * at.endswith("+00"), "nonce": nonce}
        if nonce != beat.get("nonce"):
            renewed |= {key: _earlier(facts[key]) for key in ("started_at", "finished_at") if key in facts}
    return renewed


def _earlier(text: str) -> str:
    return (datetime.fromisoformat(text) - timedelta(days=OLD_DAYS)).isoformat().replace("+00:00", "Z")


def draw(mutant: Mutant, seed: int) -> Random:
    """The draws of a mutant: the same for a seed, others for another mutant."""
    return Random(f"{mutant.name} {seed}")


def make(mutant: Mutant, backup: Path, to: Path, seed: int, bench: Bench | None = None) -> Made:
    """A damaged copy of `backup` in the folder `to`; `bench` is one that has it restored already. Raises MutationError,
    and DoesNotFit where the backup has nothing of the kind."""
    parts = copy(backup, to)
    if not mutant.fits(parts):
        needs = ", ".join(mutant.formats) + (" with an archive of WAL" if mutant.wal else "")
        raise DoesNotFit(f"{mutant.name} damages {needs}; {backup} is {parts.format}")
    random = draw(mutant, seed)
    if mutant.on_files is not None:
        sentence = mutant.on_files(parts, random)
    else:
        own = bench or Bench(recognise(to))
        try:
            sentence = own.damage(mutant, parts, random)
        finally:
            if bench is None:
                own.close()
    if mutant.at_birth:
        resum(parts)
    return Made(parts, sentence)


__all__ = ["Bench", "DoesNotFit", "Made", "MutationError", "draw", "facts_of", "make"]

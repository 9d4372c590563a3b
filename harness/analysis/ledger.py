"""Rows by their ids: what a source offered, what a reader sees of it, and what the importer says of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.record import Account, Mark

Fields = Mapping[str, Any]


class Shapeless(ValueError):
    """An answer that is no list of batches. Its text is a clause that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch in one answer. `accounts` are the ids that the importer names, by what it says of them."""

    batch_id: str
    rows: tuple[tuple[str, Fields], ...]
    accounts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rejected_whole: bool = False

    def named(self, *words: str) -> frozenset[str]:
        return frozenset().union(*(self.accounts.get(word, frozenset()) for word in words))


WORDS = ("loaded", "quarantined", "rejected", "deduplicated")


def batches(body: Any) -> list[Batch]:
    """Those of an answer. Raises Shapeless."""
    listed = body.get("batches") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise Shapeless('has no list "batches"')
    return [_batch(one) for one in listed]


def _batch(one: Any) -> Batch:
    if not isinstance(one, dict) or not isinstance(one.get("batch_id"), str):
        raise Shapeless('has a batch without a text "batch_id"')
    name, rows = one["batch_id"], one.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise Shapeless(f'has in {name} no list "rows" of objects, each with an "id"')
    accounts = {}
    for word in WORDS:
        if word in one:
            if not isinstance(one[word], list):
                raise Shapeless(f'has in {name} a "{word}" that is no list of row ids')
            accounts[word] = frozenset(map(str, one[word]))
    return Batch(name, tuple((str(row["id"]), row) for row in rows), accounts, one.get("outcome") == "rejected")


@dataclass(slots=True)
class Offer:
    """A row as its source offers it: in which batch, since when, and with what content (later content comes last)."""

    batch_id: str
    first_s: float
    versions: list[Fields]


def offers(answers: Sequence[Account]) -> dict[str, Offer]:
    """Every row that any of the source's answers has, by its id. Raises Shapeless."""
    found: dict[str, Offer] = {}
    for answer in answers:
        for batch in batches(answer.body):
            for row_id, row in batch.rows:
                offer = found.setdefault(row_id, Offer(batch.batch_id, answer.at_s, []))
                if row not in offer.versions:
                    offer.versions.append(row)
    return found


@dataclass(frozen=True, slots=True)
class Touched:
    """What mutations named: row ids (or ids of batches), and where files were touched as a whole."""

    names: frozenset[str]
    places: tuple[str, ...]

    def row(self, row_id: str, batch_id: str) -> bool:
        """The row, or all of its file."""
        return row_id in self.names or batch_id in self.names or any(batch_id in place for place in self.places)


def touched(marks: Sequence[Mark]) -> Touched:
    """By the marks of kind mutated. One that names no row has touched the file that it names."""
    names: set[str] = set()
    places = []
    for mark in marks:
        rows = json.loads(str(mark.data.get("rows") or "[]"))
        names |= set(map(str, rows))
        if not rows:
            places.append(f"{mark.data.get('path', '')} {mark.data.get('key', '')}")
    return Touched(frozenset(names), tuple(places))


def difference(seen: Fields, versions: Sequence[Fields]) -> str | None:
    """The first field of a row that is other than in all that was offered; None where one version has all of it.

    Fields that only one side has are not compared.
    """
    found = None
    for version in versions:
        found = next((name for name in version if name in seen and name != "id" and seen[name] != version[name]), None)
        if found is None:
            return None
    return found


def comparable(seen: Fields, versions: Sequence[Fields]) -> bool:
    """Whether both sides have a field besides the id."""
    return any(name in seen and name != "id" for version in versions for name in version)


def at_end(ledgers: Sequence[tuple[float, Sequence[Batch]]]) -> dict[str, Batch]:
    """Each batch as it was seen last: an answer may have the newest only."""
    return {batch.batch_id: batch for _, listed in ledgers for batch in listed}


def strangers(
    ledgers: Sequence[tuple[float, Sequence[Batch]]], offered: Mapping[str, Offer], until_s: float
) -> Iterator[tuple[str, str, str | None]]:
    """(batch, id, the offered row whose content it has) of each row that nobody offered, and was seen by then."""
    told: set[str] = set()
    for at_s, listed in ledgers:
        for batch in listed if at_s <= until_s else ():
            for row_id, row in batch.rows:
                if row_id not in offered and row_id not in told:
                    told.add(row_id)
                    yield batch.batch_id, row_id, _copied(batch.batch_id, row, offered)


def _copied(batch_id: str, row: Fields, offered: Mapping[str, Offer]) -> str | None:
    alike = (
        row_id
        for row_id, offer in offered.items()
        if offer.batch_id == batch_id and comparable(row, offer.versions) and difference(row, offer.versions) is None
    )
    return next(alike, None)

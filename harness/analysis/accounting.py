"""What became of every row that a source offered: one end for each, and what is wrong with any of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.analysis.ledger import Batch, Offer, Touched, at_end, comparable, difference, strangers

READ_APART_S = 2.0
"""How much sooner than its time an answer may have been made: a row that is newer may be one that was not yet read."""

Name = tuple[str, str]
"""(batch, row id)"""


@dataclass(slots=True)
class Accounting:
    """Rows that are due, by where they came to. `waiting` ones are not due yet and are in no other number."""

    waiting: int = 0
    tested: int = 0
    loaded: list[Name] = field(default_factory=list)
    quarantined: list[Name] = field(default_factory=list)
    rejected: list[Name] = field(default_factory=list)
    deduplicated: int = 0
    lost: list[Name] = field(default_factory=list)
    lost_though_named: int = 0
    """Of the lost: those that the importer says it had loaded."""
    twice: list[Name] = field(default_factory=list)
    from_nowhere: list[Name] = field(default_factory=list)
    changed: dict[Name, str] = field(default_factory=dict)
    """Rows that were seen with other content than was offered, and with which."""
    touched: int = 0
    unseen: list[Name] = field(default_factory=list)
    """Touched rows that were loaded, of which no field but the id can be compared."""
    kept_out: list[Name] = field(default_factory=list)
    """Rows in quarantine, or rejected, that nothing had touched."""
    left_out: list[Name] = field(default_factory=list)
    """Rows that the importer's account of their batch does not name at all."""

    @property
    def due(self) -> int:
        return len(self.loaded) + len(self.quarantined) + len(self.rejected) + len(self.lost)


def account(
    offered: Mapping[str, Offer],
    source_s: float,
    ledgers: Sequence[tuple[float, Sequence[Batch]]],
    touched: Touched,
    windows: tuple[float, float] | None,
    within_s: float,
) -> Accounting:
    """By all that was read: the offers, until `source_s`, and the ledgers. `windows` are the first start, the last end.

    A row is due `within_s` after it was first offered and after the last fault, whichever is later.
    """
    began_s, healed_s = windows or (-math.inf, -math.inf)
    found, last, last_s = Accounting(), at_end(ledgers), ledgers[-1][0]
    seen = {row_id for batch in last.values() for row_id, _ in batch.rows}
    before = {row_id for at_s, listed in ledgers if at_s <= began_s for one in listed for row_id, _ in one.rows}
    nameless = {name: _nameless(batch, offered) for name, batch in last.items()}
    of_batch: dict[str, list[str]] = {}
    for row_id, offer in offered.items():
        if max(offer.first_s, healed_s) + within_s > last_s:
            found.waiting += 1
            continue
        of_batch.setdefault(offer.batch_id, []).append(row_id)
        batch, name = last.get(offer.batch_id), (offer.batch_id, row_id)
        hurt = touched.row(row_id, offer.batch_id)
        found.touched += hurt
        found.tested += row_id not in before or hurt
        if row_id in seen:
            found.loaded.append(name)
        elif batch and row_id in batch.named("quarantined"):
            found.quarantined.append(name)
        elif batch and (batch.rejected_whole or row_id in batch.named("rejected")):
            found.rejected.append(name)
        elif hurt and nameless.get(offer.batch_id, 0):
            nameless[offer.batch_id] -= 1
            found.quarantined.append(name)
        else:
            found.lost.append(name)
            found.lost_though_named += bool(batch and row_id in batch.named("loaded", "deduplicated"))
    spoilt = {offered[row_id].batch_id for row_id in touched.names if row_id in offered}
    found.kept_out = [one for one in found.quarantined if not touched.row(one[1], one[0])]
    found.kept_out += [one for one in found.rejected if one[0] not in spoilt and not touched.row(one[1], one[0])]
    found.left_out = [one for batch_id, rows in of_batch.items() for one in _left_out(batch_id, rows, last, offered)]
    found.deduplicated = len({one for _, listed in ledgers for batch in listed for one in batch.named("deduplicated")})
    _look_at_content(found, offered, ledgers, touched)
    for batch_id, row_id, copied in strangers(ledgers, offered, source_s - READ_APART_S):
        (found.twice if copied else found.from_nowhere).append((batch_id, copied or row_id))
    return found


def _nameless(batch: Batch, offered: Mapping[str, Offer]) -> int:
    """Rows that were kept out under a name that is no row's: their ids were spoilt."""
    return sum(one not in offered for one in batch.named("quarantined", "rejected"))


def _left_out(name: str, rows: Sequence[str], last: Mapping[str, Batch], offered: Mapping[str, Offer]) -> list[Name]:
    """Those of a batch that was loaded; each name that is no row's stands for one of them."""
    batch = last.get(name)
    if batch is None or batch.rejected_whole or "loaded" not in batch.accounts:
        return []
    named = batch.named("loaded", "quarantined", "rejected", "deduplicated")
    missing = [row_id for row_id in rows if row_id not in named]
    return [(name, row_id) for row_id in missing[_nameless(batch, offered) :]]


def _look_at_content(
    found: Accounting,
    offered: Mapping[str, Offer],
    ledgers: Sequence[tuple[float, Sequence[Batch]]],
    touched: Touched,
) -> None:
    """Any row of any answer: once with an id, and as it was offered."""
    twice: dict[str, Name] = {}
    unseen: dict[str, Name] = {}
    for _, listed in ledgers:
        count = Counter(row_id for batch in listed for row_id, _ in batch.rows)
        for batch in listed:
            for row_id, row in batch.rows:
                if (offer := offered.get(row_id)) is None:
                    continue
                name = (offer.batch_id, row_id)
                if count[row_id] > 1:
                    twice[row_id] = name
                if other := difference(row, offer.versions):
                    found.changed[name] = f"{other} {row[other]!r}, offered as {offer.versions[-1].get(other)!r}"
                elif touched.row(row_id, offer.batch_id) and not comparable(row, offer.versions):
                    unseen[row_id] = name
    found.twice, found.unseen = list(twice.values()), list(unseen.values())


def sums(
    found: Accounting, offered: Mapping[str, Offer], ledgers: Sequence[tuple[float, Sequence[Batch]]], of: str
) -> tuple[float, float, float] | None:
    """(offered, seen by readers, kept out) of the rows that are due, by a field; None where one has no number."""
    try:
        worth = {row_id: offer.versions[-1][of] + 0 for row_id, offer in offered.items()}
        kept_out = sum(worth[row_id] for _, row_id in (*found.quarantined, *found.rejected))
        ended = (found.loaded, found.quarantined, found.rejected, found.lost)
        due = {row_id for names in ended for _, row_id in names}
        due_batches = {offered[row_id].batch_id for row_id in due}
        seen = sum(
            row[of]
            for batch in at_end(ledgers).values()
            for row_id, row in batch.rows
            if row_id in due or (row_id not in offered and batch.batch_id in due_batches)
        )
        return sum(worth[row_id] for row_id in due), seen, kept_out
    except (KeyError, TypeError):
        return None

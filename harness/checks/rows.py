"""Rows accounted for, by their ids: none lost, none twice, none from nowhere, and what was spoilt is kept out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from harness.analysis.accounting import Accounting, Name, account, sums
from harness.analysis.ledger import Batch, Offer, Shapeless, batches, offers, touched
from harness.bounds import positive
from harness.checks.accounts import answers, why_no_answer
from harness.checks.points import Point, counted, verdict_of
from harness.model import Reads
from harness.record import Account, History, Scalar, Verdict, Word

ROWS_MIN = 20
"""No statement on fewer rows that came after the first fault, or that a mutation touched."""
NAMED_MAX = 3
"""So many ids in a sentence."""

Ledgers = Sequence[tuple[float, Sequence[Batch]]]


@dataclass(frozen=True, slots=True)
class RowsAccounted:
    """Every row that `source` offers at GET `offers` is, `within_s` later and after the last fault, accounted for once
    at GET `ledger` of `pipeline`: seen by a reader as it was offered, or quarantined, or rejected; and those alone.

    A row that no mutation touched is loaded. With `sum_of`, the name of a field, the sums reconcile too.
    """

    source: str
    offers: str
    _: KW_ONLY
    pipeline: str
    ledger: str
    within_s: float
    sum_of: str = ""
    every_s: float = 5.0

    def __post_init__(self) -> None:
        positive("within_s", self.within_s)
        _ = self.reads  # which refuses what is no path

    def __str__(self) -> str:
        return f"every row of {self.source} is accounted for in {self.pipeline} within {self.within_s:g} s"

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(self.source, self.offers, self.every_s), Reads(self.pipeline, self.ledger, self.every_s))

    @property
    def recovery_needed_s(self) -> float:
        """How long a run must go on after its last window for this to be seen."""
        return self.within_s + self.every_s

    def check(self, history: History) -> Verdict:
        check = f"Rows: {self.source} to {self.pipeline}"
        missing = self._missing(history)
        if missing is not None:
            return verdict_of(check, [Point("read", Word.UNKNOWN, missing)], "")
        source = answers(history, self.source, self.offers)
        ledgers = [(one.at_s, batches(one.body)) for one in answers(history, self.pipeline, self.ledger)]
        windows = history.windows
        offered = offers(source)
        found = account(
            offered,
            source[-1].at_s,
            ledgers,
            touched(history.marks_of("mutated")),
            (min(one.start_s for one in windows), max(one.end_s for one in windows)) if windows else None,
            self.within_s,
        )
        points = [*_points(found), *self._sums(found, offered, ledgers), _enough(found)]
        verdict = verdict_of(check, points, _passed(found))
        return Verdict(check, verdict.word, verdict.sentence, {**_numbers(found), **verdict.evidence})

    def _missing(self, history: History) -> str | None:
        """Why nothing can be said, in a clause."""
        for mark in history.marks_of("mutations_lost"):
            return f"not every row that a mutation touched is known: {mark.data.get('why')}"
        for service, path in ((self.source, self.offers), (self.pipeline, self.ledger)):
            found: list[Account] = answers(history, service, path)
            if not found:
                return why_no_answer(history, service, path)
            for one in found:
                try:
                    batches(one.body)
                except Shapeless as error:
                    return f"the answer of {service} to GET {path} {error}; docs/checks.md shows what is wanted"
        return None

    def _sums(self, found: Accounting, offered: Mapping[str, Offer], ledgers: Ledgers) -> list[Point]:
        if not self.sum_of:
            return []
        totals = sums(found, offered, ledgers, self.sum_of)
        if totals is None:
            return [Point("sums", Word.UNKNOWN, f"not every row has a number {self.sum_of}, so nothing can be summed")]
        all_of_it, seen, kept_out = totals
        off = round(all_of_it - seen - kept_out, 6)
        numbers: dict[str, Scalar] = {"offered": all_of_it, "loaded": seen, "kept_out": kept_out}
        clause = f"{self.sum_of}: {all_of_it:,} offered, {seen:,} loaded, {kept_out:,} kept out"
        if off:
            clause += f", which is {abs(off):,} too {'much' if off < 0 else 'little'}"
        return [Point("sums", Word.FAIL if off else Word.PASS, clause, numbers)]


def _points(found: Accounting) -> list[Point]:
    named = f", {found.lost_though_named} of them although its account says loaded" * bool(found.lost_though_named)
    changed = next(iter(found.changed.values()), "")
    return [
        _none("none lost", found.lost, "lost", named),
        _none("none twice", found.twice, "loaded twice"),
        _none("none from nowhere", found.from_nowhere, "loaded that nobody offered"),
        _none("as offered", list(found.changed), "seen with other content than was offered", f" (with {changed})"),
        _none("none kept out", found.kept_out, "kept out, untouched by any mutation"),
        _none("every one named", found.left_out, "not named at all in the importer's account"),
    ]


def _none(point: str, rows: Sequence[Name], what: str, more: str = "") -> Point:
    """Wrong where there is any: `3 rows of batch-7 were lost: a, b, c; and 2 rows of 1 other batch`."""
    if not rows:
        return Point(point, Word.PASS, f"no row was {what}")
    of = Counter(batch for batch, _ in rows)
    batch, count = next(iter(of.items()))
    ids = [row_id for name, row_id in rows if name == batch]
    rest = f" and {count - NAMED_MAX} more" if count > NAMED_MAX else ""
    clause = f"{counted(count, 'row')} of {batch} {'was' if count == 1 else 'were'} {what}{more}"
    clause += f": {', '.join(ids[:NAMED_MAX])}{rest}"
    if len(of) > 1:
        others = counted(len(of) - 1, "other batch", "other batches")
        clause += f"; and {counted(len(rows) - count, 'row')} of {others}"
    return Point(point, Word.FAIL, clause, {"rows": len(rows)})


def _enough(found: Accounting) -> Point:
    """Whether there was anything to lose: rows that came after the first fault, or were touched, and are due."""
    if found.unseen:
        count = counted(len(found.unseen), "row")
        clause = f"{count} that a mutation touched were loaded, and the ledger has no field of them to compare"
        return Point("enough", Word.UNKNOWN, clause)
    if found.tested < ROWS_MIN:
        clause = f"only {counted(found.tested, 'row')} came after the first fault, or were touched, and are due"
        clause += f" ({found.waiting} are not due yet), and {ROWS_MIN} are needed; let the run go on"
        return Point("enough", Word.UNKNOWN, clause, {"rows": found.tested, "needed": ROWS_MIN})
    return Point("enough", Word.PASS, f"{found.tested} rows were put to the test", {"rows": found.tested})


def _numbers(found: Accounting) -> dict[str, Scalar]:
    """The flow: what was offered, once and again, came to these ends."""
    return {
        "offered": found.due + found.deduplicated,
        "loaded": len(found.loaded),
        "quarantined": len(found.quarantined),
        "rejected": len(found.rejected),
        "deduplicated": found.deduplicated,
        "lost": len(found.lost),
        "twice": len(found.twice),
        "touched": found.touched,
        "waiting": found.waiting,
    }


def _passed(found: Accounting) -> str:
    again = f", and {found.deduplicated} that came again," * bool(found.deduplicated)
    ends = f"{len(found.loaded)} loaded, {len(found.quarantined)} quarantined, {len(found.rejected)} rejected"
    ends += f", {found.deduplicated} deduplicated" * bool(found.deduplicated)
    spoilt = f"; {found.touched} of them were touched by a mutation" * bool(found.touched)
    return f"all {counted(found.due, 'row')}{again} are accounted for by id: {ends}{spoilt}"

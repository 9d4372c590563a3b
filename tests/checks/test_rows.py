"""Rows accounted for by id: one that is lost, doubled, invented, altered, or kept out though it is good, is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import RowsAccounted
from harness.model import Reads
from harness.record import Account, Mark, Word
from tests.ledgers import accounted, batch_id, ids, mutated, read, row_id, rows

CHECK = RowsAccounted("feed", "/rows", pipeline="etl", ledger="/ledger", within_s=10, sum_of="amount_cents")
SEVEN = batch_id(7)


def _without(ledger, number, *gone):
    """The reader does not see these rows, and the account does not name them."""
    if batch := ledger.get(batch_id(number)):
        batch["rows"] = [row for row in batch["rows"] if row["id"] not in gone]
        batch["loaded"] = [one for one in batch["loaded"] if one not in gone]


def _kept_out(ledger, number, *out, as_what="quarantined"):
    _without(ledger, number, *out)
    if batch := ledger.get(batch_id(number)):
        batch[as_what] = list(out)


def test_where_every_row_is_loaded_once_it_passes():
    """In calm and under a fault; what came last is not due yet."""
    for windows in ([], None):
        verdict = CHECK.check(accounted(windows=windows))
        assert verdict.word is Word.PASS, verdict.sentence
        assert verdict.sentence == "All 250 rows are accounted for by id: 250 loaded, 0 quarantined, 0 rejected."
        assert (verdict.evidence["offered"], verdict.evidence["waiting"]) == (250, 50)
        assert verdict.evidence["sums: offered"] == verdict.evidence["sums: loaded"]


def test_what_was_spoilt_may_be_quarantined():
    """The account is whole with it: in = loaded + quarantined + rejected + deduplicated, and the sums."""
    out = [row_id(7, 2), row_id(7, 5), row_id(7, 7)]
    built = accounted(lambda ledger, at_s: _kept_out(ledger, 7, *out), marks=[mutated(*out)])
    verdict = CHECK.check(built)
    assert verdict.word is Word.PASS, verdict.sentence
    assert "247 loaded, 3 quarantined, 0 rejected; 3 of them were touched by a mutation" in verdict.sentence


def test_where_marks_of_mutations_are_missing_nothing_is_known():
    """A row that was kept out may have been spoilt."""
    marks = [Mark("mutations_lost", None, {"why": "the tap had to forget what it did to 7 answers"})]
    verdict = CHECK.check(accounted(lambda ledger, at_s: _kept_out(ledger, 7, row_id(7, 2)), marks=marks))
    assert verdict.word is Word.UNKNOWN
    assert "had to forget what it did to 7 answers" in verdict.sentence


def test_lost_rows_are_named():
    """By their ids, of their batch."""
    gone = [row_id(7, 2), row_id(7, 5), row_id(7, 7)]
    verdict = CHECK.check(accounted(lambda ledger, at_s: _without(ledger, 7, *gone), marks=[mutated(*gone)]))
    assert verdict.word is Word.FAIL
    assert verdict.sentence == (
        "3 rows of batch-07 were lost: inv-07-02, inv-07-05, inv-07-07. Also wrong: every one named, sums."
    )
    assert (verdict.evidence["lost"], verdict.evidence["loaded"]) == (3, 247)
    assert "21,014 too little" in verdict.evidence["sums"]


def test_a_row_lost_and_another_twice_do_not_cancel():
    """The numbers agree, and the ids do not."""

    def swap(ledger, at_s):
        _without(ledger, 7, row_id(7, 2))
        if SEVEN in ledger:
            ledger[SEVEN]["rows"].append(rows(7)[4])

    verdict = CHECK.check(accounted(swap))
    assert verdict.word is Word.FAIL
    assert verdict.sentence.startswith("1 row of batch-07 was lost: inv-07-02. Also wrong: none twice")


def test_an_importer_that_says_loaded_does_not_excuse_what_no_reader_sees():
    """Its own account is not enough."""

    def lie(ledger, at_s):
        for number in (7, 8):
            if batch := ledger.get(batch_id(number)):
                batch["rows"] = batch["rows"][:4]

    verdict = CHECK.check(accounted(lie))
    assert verdict.word is Word.FAIL
    assert verdict.sentence.startswith(
        "6 rows of batch-07 were lost, 12 of them although its account says loaded: "
        "inv-07-05, inv-07-06, inv-07-07 and 3 more; and 6 rows of 1 other batch. Also wrong: sums."
    )


@pytest.mark.parametrize("suffix", ["", "#7"])
def test_a_row_that_is_there_twice_is_wrong(suffix):
    """Under its own id or, where that is taken, under another."""

    def double(ledger, at_s):
        if SEVEN in ledger and at_s > 20:
            ledger[SEVEN]["rows"] += [{**row, "id": row["id"] + suffix} for row in rows(7)]

    verdict = CHECK.check(accounted(double))
    assert verdict.word is Word.FAIL
    assert verdict.sentence.startswith("10 rows of batch-07 were loaded twice: inv-07-01, inv-07-02, inv-07-03 and 7")
    assert verdict.evidence["twice"] == 10


def test_a_row_from_nowhere_is_wrong_but_not_one_that_is_new():
    """A row that the source may have offered after it was last asked is none."""
    odd = {"id": "inv-x", "amount_cents": 1, "currency": "EUR"}
    verdict = CHECK.check(accounted(lambda ledger, at_s: ledger.get(SEVEN, {"rows": []})["rows"].append(odd)))
    assert verdict.sentence.startswith("1 row of batch-07 was loaded that nobody offered: inv-x.")
    newer = {"batch_id": "batch-31", "rows": rows(31), "loaded": ids(31)}
    verdict = CHECK.check(accounted(lambda ledger, at_s: at_s == 60 and ledger.update({"batch-31": newer})))
    assert verdict.word is Word.PASS, verdict.sentence


@pytest.mark.parametrize("until_s", [20, 60])
def test_a_row_that_was_loaded_spoilt_is_wrong(until_s):
    """Also where it was put right later: readers saw it."""

    def spoil(ledger, at_s):
        if SEVEN in ledger and at_s <= until_s:
            ledger[SEVEN]["rows"][1]["currency"] = "USD"

    verdict = CHECK.check(accounted(spoil, marks=[mutated(row_id(7, 2), fields=["currency"])]))
    assert verdict.sentence == (
        "1 row of batch-07 was seen with other content than was offered (with currency 'USD', offered as 'EUR'): "
        "inv-07-02."
    )


def test_good_rows_that_are_kept_out_are_wrong():
    """Nothing had touched them. What was touched, and is loaded whole after all, is right."""
    built = accounted(lambda ledger, at_s: _kept_out(ledger, 7, row_id(7, 2)), marks=[mutated(row_id(7, 3))])
    verdict = CHECK.check(built)
    assert verdict.sentence == "1 row of batch-07 was kept out, untouched by any mutation: inv-07-02."
    assert CHECK.check(accounted(marks=[mutated(row_id(7, 3))])).word is Word.PASS


@pytest.mark.parametrize(
    ("marks", "word"),
    [
        ([mutated(row_id(7, 2))], Word.PASS),
        ([mutated(path="/batches/batch-07")], Word.PASS),
        ([mutated("batch-07", path="/batches")], Word.PASS),
        ([mutated(path="/batches/batch-08")], Word.FAIL),
        ([], Word.FAIL),
    ],
)
def test_a_file_that_was_touched_may_be_rejected_whole(marks, word):
    """Its rows need no names: they may have been past reading."""

    def reject(ledger, at_s):
        if SEVEN in ledger:
            ledger[SEVEN] = {"batch_id": SEVEN, "outcome": "rejected", "rejected": [], "loaded": [], "rows": []}

    verdict = CHECK.check(accounted(reject, marks=marks))
    assert verdict.word is word, verdict.sentence
    assert verdict.evidence["rejected"] == 10


def test_a_row_whose_id_was_spoilt_is_quarantined_under_another_name():
    """Each such name stands for one touched row, and for no more."""
    lost = [row_id(7, 2), row_id(7, 5)]
    for names, word in (["row 2", "row 5"], Word.PASS), (["row 2"], Word.FAIL):

        def nameless(ledger, at_s, names=names):
            _without(ledger, 7, *lost)
            if SEVEN in ledger:
                ledger[SEVEN]["quarantined"] = list(names)

        verdict = CHECK.check(accounted(nameless, marks=[mutated(*lost)]))
        assert (verdict.word, verdict.evidence["lost"]) == (word, 2 - len(names))


def test_what_came_again_is_in_the_sum_of_the_account():
    """in = loaded + quarantined + rejected + deduplicated."""

    def again(ledger, at_s):
        if SEVEN in ledger and at_s > 20:
            ledger[SEVEN] |= {"loaded": [], "deduplicated": ids(7)}

    verdict = CHECK.check(accounted(again))
    assert verdict.word is Word.PASS, verdict.sentence
    numbers = verdict.evidence
    assert numbers["offered"] == sum(
        int(numbers[name]) for name in ("loaded", "quarantined", "rejected", "deduplicated")
    )
    assert numbers["deduplicated"] == 10


def test_an_account_that_leaves_rows_out_is_wrong():
    """Although readers see them."""

    def silent(ledger, at_s):
        if SEVEN in ledger:
            ledger[SEVEN]["loaded"] = ids(7)[:-1]

    verdict = CHECK.check(accounted(silent))
    assert verdict.sentence == "1 row of batch-07 was not named at all in the importer's account: inv-07-10."


def test_a_ledger_of_the_newest_batches_is_enough():
    """What is no longer shown is as it was shown last."""

    def newest(ledger, at_s):
        for name in list(ledger)[:-3]:
            del ledger[name]

    assert CHECK.check(accounted(newest)).word is Word.PASS


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (read([]), "Feed was not asked for /rows"),
        (read([Account(1, "feed", "/rows", 503), Account(2, "feed", "/rows", 0)]), "Feed gave no good answer"),
        (accounted(lambda ledger, at_s: ledger.update(x={"rows": []})), "The answer of etl to GET /ledger has a batch"),
        (accounted(lambda ledger, at_s: ledger.update(x={"batch_id": "x", "rows": [1]})), "The answer of etl"),
        (accounted(lambda ledger, at_s: ledger.update(x={"batch_id": "x", "loaded": 1})), "The answer of etl"),
        (accounted(end_s=38), "Only 0 rows came after the first fault, or were touched, and are due (180 are not"),
        (accounted(windows=[], end_s=13), "Only 10 rows came"),
    ],
)
def test_where_too_little_was_read_it_is_unknown(built, says):
    """With what it would take."""
    verdict = CHECK.check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert verdict.sentence.startswith(says)


def test_touched_rows_without_content_are_unknown():
    """A list of ids cannot show that what was loaded was whole; nor what it is worth."""

    def bare(ledger, at_s):
        for batch in ledger.values():
            batch["rows"] = [{"id": row["id"]} for row in batch["rows"]]

    built = accounted(bare, marks=[mutated(row_id(7, 2))])
    verdict = replace(CHECK, sum_of="").check(built)
    assert verdict.word is Word.UNKNOWN
    assert "has no field of them to compare" in verdict.sentence
    assert "not every row has a number amount_cents" in CHECK.check(built).evidence["sums"]


def test_it_reads_both_sides_and_needs_a_recovery():
    """What it asks of a run; and what makes no sense is refused."""
    assert CHECK.reads == (Reads("feed", "/rows", 5), Reads("etl", "/ledger", 5))
    assert CHECK.recovery_needed_s == 15
    with pytest.raises(ValueError, match="must begin with /"):
        replace(CHECK, ledger="ledger")
    with pytest.raises(ValueError, match="within_s must be more than 0"):
        replace(CHECK, within_s=0)

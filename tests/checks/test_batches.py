"""Whole batches: one that any reader sees in part is wrong, whether the rest comes or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import NoPartialBatch
from harness.record import Account, Word
from tests.ledgers import FAULT, batch_id, read

CHECK = NoPartialBatch("etl", "/batches")


def _seen(change=lambda shown, at_s: None, **more):
    """A batch of ten rows every two seconds, each whole as soon as it is there."""
    accounts = []
    for step in range(121):
        at_s = step / 2
        shown = {
            n: {"batch_id": batch_id(n), "announced": 10, "rows": 10, "quarantined": 0, "sum": 55, "announced_sum": 55}
            for n in range(1, int(at_s / 2) + 1)
        }
        change(shown, at_s)
        accounts.append(Account(at_s, "etl", "/batches", 200, {"batches": list(shown.values())}))
    return read(accounts, **more)


def _is(number, start_s=0.0, end_s=100.0, **fields):
    """That batch is so in that time."""
    return lambda shown, at_s: number in shown and start_s <= at_s < end_s and shown[number].update(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda shown, at_s: None,
        _is(7, 14, 16, rows=0),
        _is(7, rows=8, quarantined=2, sum=50),
        _is(7, rows=20, sum=110),
        lambda shown, at_s: [
            one.pop(name) for one in shown.values() for name in ("sum", "announced_sum", "quarantined")
        ],
    ],
)
def test_all_rows_or_none_is_whole(change):
    """Less what is quarantined; sums need not be told. More than all is no part."""
    verdict = CHECK.check(_seen(change))
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.sentence == "In 121 answers no batch was seen in part, of 25 that came."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_is(7, 14, 14.6, rows=4), "At 14.0 s a reader saw batch-07 with 4 of 10 rows, and whole 1.0 s later."),
        (_is(7, rows=4), "At 14.0 s a reader saw batch-07 with 4 of 10 rows, and it was never seen whole."),
        (_is(7, rows=7, quarantined=2), "At 14.0 s a reader saw batch-07 with 7 of 8 rows, and it was never"),
        (_is(7, sum=54), "At 14.0 s a reader saw batch-07 with a sum of 54 and not 55, and it was never"),
        (
            lambda shown, at_s: [one.update(rows=4) for one in list(shown.values())[:3]],
            "At 2.0 s a reader saw batch-01 with 4 of 10 rows, and it was never seen whole; 2 more batches alike.",
        ),
    ],
)
def test_a_part_is_wrong(change, says):
    """The sentence says which batch, how much of it, and for how long."""
    verdict = CHECK.check(_seen(change))
    assert verdict.word is Word.FAIL
    assert verdict.sentence.startswith(says)


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (read([]), "Etl was not asked for /batches"),
        (_seen(_is(7, rows="ten")), "The answer of etl to GET /batches at 14.0 s is not a list"),
        (_seen(lambda shown, at_s: at_s > FAULT[0] and [shown.pop(n) for n in list(shown)[8:]]), "Only 3 batches came"),
        (read([Account(1, "etl", "/batches", 200, [])]), "The answer of etl"),
    ],
)
def test_where_too_little_was_read_it_is_unknown(built, says):
    """No answer, another shape, or too few batches that came after the first fault."""
    verdict = CHECK.check(built)
    assert verdict.word is Word.UNKNOWN, verdict.sentence
    assert verdict.sentence.startswith(says)


def test_what_it_reads_is_a_path():
    """Often, as a part is there for a short time only."""
    assert [(one.path, one.every_s) for one in CHECK.reads] == [("/batches", 0.5)]
    with pytest.raises(ValueError, match="every_s must be more than 0"):
        replace(CHECK, every_s=0)

"""What the etl answers an auditor, and that the checks of data see each of its planted defects in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import NoPartialBatch, RowsAccounted
from harness.record import Account, Mark, Verdict, Word
from tests.builders import window
from tests.ledgers import mutated, read
from tests.target.feeding import Etl, Feed, emptied, running_etl
from tests.target.running import Database, running_database

pytestmark = pytest.mark.integration

SINCE = "since=2025-12-31"
ROWS = RowsAccounted(
    "feed", f"/rows?{SINCE}", pipeline="etl", ledger=f"/ledger?{SINCE}", within_s=10, sum_of="amount_cents"
)
WHOLE = NoPartialBatch("etl", f"/batches?{SINCE}")
BEFORE_S, DURING_S, AFTER_S, END_S = 1.0, 7.0, 25.0, 40.0
WINDOWS = [window("bad invoices", 5, 10, "etl-feed")]
SPOILT = ("inv-2026-01-03-03", "inv-2026-01-04-03")


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    for _ in range(2):
        made.next_day()
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_database() -> Iterator[Database]:
    """For data that is wrong on purpose."""
    with running_database() as running:
        yield running


@pytest.fixture
def empty(own_database: Database) -> Database:
    return emptied(own_database)


def _accounts(etl: Etl, feed: Feed, at_s: float) -> list[Account]:
    """What the checks read, as the harness would."""
    offered = httpx.get(feed.url + ROWS.offers, trust_env=False).json()
    answers = {path: etl.client.get(path) for path in (ROWS.ledger, WHOLE.path)}
    assert all(answer.status_code == 200 for answer in answers.values())
    told = [Account(at_s, "etl", path, 200, answer.json()) for path, answer in answers.items()]
    return [Account(at_s, "feed", ROWS.offers, 200, offered), *told]


def _hurt(body: dict[str, Any]) -> None:
    """The third invoice of the second batch, and of the third."""
    for row in body["rows"]:
        if row["id"] in SPOILT:
            row["currency"] = "USD"


def _run(etl: Etl, feed: Feed, during: Callable[[], object]) -> list[Account]:
    """Two batches in calm, three while something happens, and three afterwards."""
    etl.pull()
    read = _accounts(etl, feed, BEFORE_S)
    for _ in range(3):
        feed.next_day()
    during()
    read += _accounts(etl, feed, DURING_S)
    feed.sound()
    for _ in range(3):
        feed.next_day()
    etl.pull()
    return [*read, *_accounts(etl, feed, AFTER_S), *_accounts(etl, feed, END_S)]


def _judged(read_: list[Account], check: Any, *marks: Mark) -> Verdict:
    verdict: Verdict = check.check(read(read_, marks=marks, windows=WINDOWS, end_s=END_S))
    return verdict


@pytest.mark.parametrize(
    ("weakness", "word", "says"),
    [
        ("", Word.PASS, "All 80 rows are accounted for by id: 78 loaded, 2 quarantined, 0 rejected; 2 of them were"),
        (
            "etl-drops-rows",
            Word.FAIL,
            "1 row of batch-2026-01-03 was lost: inv-2026-01-03-03; and 1 row of 1 other batch.",
        ),
    ],
)
def test_spoilt_rows_are_in_quarantine_or_they_are_lost(
    empty: Database, feed: Feed, tmp_path: Path, weakness: str, word: Word, says: str
):
    """etl-drops-rows: the ledger has them nowhere, and the sums say what they were worth."""
    feed.change = _hurt
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        accounts = _run(etl, feed, etl.pull)
    verdict = _judged(accounts, ROWS, mutated(*SPOILT))
    assert verdict.word is word, verdict.sentence
    assert verdict.sentence.startswith(says)
    whole = _judged(accounts, WHOLE)
    assert whole.word is word, whole.sentence


@pytest.mark.parametrize("weakness", ["", "etl-double-loads"])
def test_a_batch_that_comes_again_is_there_once(empty: Database, feed: Feed, tmp_path: Path, weakness: str):
    """etl-double-loads: it is there twice, under ids that nobody offered."""

    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        accounts = _run(etl, feed, lambda: [etl.pull(), etl.pull("batch-2026-01-02")])
    verdict = _judged(accounts, ROWS)
    if weakness:
        assert verdict.word is Word.FAIL
        assert verdict.sentence.startswith("10 rows of batch-2026-01-02 were loaded twice: inv-2026-01-02-01, ")
    else:
        assert verdict.word is Word.PASS, verdict.sentence
        assert (verdict.evidence["deduplicated"], verdict.evidence["offered"]) == (10, 90)


@pytest.mark.parametrize("weakness", ["", "etl-partial-commit"])
def test_a_load_that_breaks_off_leaves_nothing_behind(empty: Database, feed: Feed, tmp_path: Path, weakness: str):
    """etl-partial-commit: the first rows stay, their reader sees a part, and the account says that all were loaded."""

    def breaking(etl: Etl) -> None:
        fifth = "ALTER TABLE invoices ADD CONSTRAINT fifth CHECK (id NOT LIKE '%05-05') NOT VALID"
        asyncio.run(empty.execute(fifth))
        assert etl.client.post("/pull").status_code == 500

    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        accounts = _run(etl, feed, lambda: [breaking(etl), asyncio.run(empty.execute(MENDED))])
    rows, whole = _judged(accounts, ROWS), _judged(accounts, WHOLE)
    if weakness:
        assert rows.sentence.startswith(
            "6 rows of batch-2026-01-05 were lost, 6 of them although its account says loaded: inv-2026-01-05-05, "
        )
        assert whole.sentence == (
            "At 7.0 s a reader saw batch-2026-01-05 with 4 of 10 rows, and it was never seen whole."
        )
    else:
        assert (rows.word, whole.word) == (Word.PASS, Word.PASS), (rows.sentence, whole.sentence)


MENDED = "ALTER TABLE invoices DROP CONSTRAINT fifth"
SLOW = """
CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END';
CREATE TRIGGER slow BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION slow()
"""


@pytest.mark.parametrize(("weakness", "word"), [("", Word.PASS), ("etl-partial-commit", Word.FAIL)])
def test_a_reader_beside_a_slow_load_sees_whole_batches(
    empty: Database, feed: Feed, tmp_path: Path, weakness: str, word: Word
):
    """etl-partial-commit: it sees them grow, and whole a moment later."""
    with running_etl(empty, feed.url, tmp_path / "log", WEAKNESS=weakness) as etl:
        etl.pull()
        asyncio.run(empty.execute(SLOW))
        accounts = _accounts(etl, feed, BEFORE_S)
        for _ in range(6):
            feed.next_day()
        pulling = threading.Thread(target=etl.pull)
        pulling.start()
        while pulling.is_alive():
            at_s = DURING_S + 0.01 * len(accounts)
            accounts.append(Account(at_s, "etl", WHOLE.path, 200, etl.get(WHOLE.path)))
            pulling.join(0.02)
        accounts += _accounts(etl, feed, AFTER_S)
    verdict = _judged(accounts, WHOLE)
    assert verdict.word is word, verdict.sentence
    assert ("never seen whole" in verdict.sentence) is False


def test_a_file_past_reading_is_rejected_whole_and_the_ledger_says_so(empty: Database, feed: Feed, tmp_path: Path):
    """Its rows have no names, and it is of no known day; what is older than asked for is not told."""
    with running_etl(empty, feed.url, tmp_path / "log") as etl:
        etl.pull()
        feed.spoil = lambda content: content[: len(content) // 2] if b'"rows": [' in content else content
        feed.next_day()
        etl.pull()
        told = etl.get("/ledger?since=2026-01-01")["batches"]
        assert [(one["batch_id"], one["outcome"], len(one["rows"])) for one in told] == [
            ("batch-2026-01-02", "loaded", 10),
            ("batch-2026-01-03", "rejected", 0),
        ]
        assert [one["batch_id"] for one in etl.get("/batches?since=2026-01-01")["batches"]] == ["batch-2026-01-02"]
        assert etl.client.get("/ledger?since=yesterday").status_code == 422

"""What a run left behind is in the signed record by its hash."""

from __future__ import annotations

import shutil

import pytest

from harness.drill.records import chain
from harness.record import Word
from tests.drill.records.chains import QUIET, body


@pytest.fixture
def drilled(tmp_path):
    """The folder of drills, and in it the run of its only record."""
    run = tmp_path / "drills" / body()["folder"]
    (run / "evidence" / "logs").mkdir(parents=True)
    (run / "marks.jsonl").write_text('{"kind":"zero"}\n')
    (run / "writes.jsonl").write_text("")
    (run / "evidence" / "logs" / "api.log").write_text("started\n")
    (run / "report.html").write_text("<p>recovered")
    told = {name: value for name, value in body().items() if name != "evidence"}
    chain.append(tmp_path / "drills", "drill", told, **QUIET)
    return tmp_path / "drills", run


def test_a_record_holds_the_hash_of_each_file_of_evidence(drilled):
    """Of the raw files, and of what steps kept; not of the page, which can be made again."""
    folder, run = drilled
    (record,) = chain.read_chain(folder)
    assert sorted(record.body["evidence"]) == ["evidence/logs/api.log", "marks.jsonl", "writes.jsonl"]
    (run / "report.html").write_text("<p>another look")
    assert chain.verify(folder).word is Word.PASS


@pytest.mark.parametrize("name", ["marks.jsonl", "evidence/logs/api.log"])
def test_evidence_that_was_changed_or_taken_is_named(drilled, name):
    """By its path and its record; the chain itself is still read."""
    folder, run = drilled
    (run / name).write_text("all was well\n")
    assert chain.verify(folder).sentence == (
        f"{run / name}, evidence of record 1, was changed after the drill was recorded"
    )
    (run / name).unlink()
    assert chain.verify(folder).sentence == f"{run / name}, evidence of record 1, is gone"
    assert len(chain.read_chain(folder)) == 1


def test_a_run_that_is_kept_elsewhere_is_noted(drilled):
    """It is large: the records may be handed over without it."""
    folder, run = drilled
    shutil.rmtree(run)
    proof = chain.verify(folder)
    assert (proof.word, len(proof.notes)) == (Word.PASS, 1)
    assert proof.notes[0] == "the run of record 1 is not here: nobody looked at that evidence"


def test_evidence_outside_of_its_run_is_not_followed(tmp_path):
    """A name that leads out of the folder is told, and not read."""
    (tmp_path / "secret").write_text("")
    (tmp_path / "drills" / body()["folder"]).mkdir(parents=True)
    chain.append(tmp_path / "drills", "drill", body(evidence={"../../../secret": "0" * 64}), **QUIET)
    assert chain.verify(tmp_path / "drills").sentence.endswith("evidence of record 1, leads out of its run")

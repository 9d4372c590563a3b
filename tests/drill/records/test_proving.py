"""The proof names the first place that is not as it was signed, whatever was done to the chain."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from harness.drill.records import chain, files, keys
from harness.drill.records.learnings import learn
from harness.drill.records.proving import prove
from harness.drill.records.sealed import seal
from harness.errors import HarnessError, RecordError
from harness.record import Word
from tests.drill.records.chains import QUIET, body, file_of, grow


def _change(seq):
    def damage(folder):
        raw = file_of(folder, seq).read_bytes()
        file_of(folder, seq).write_bytes(raw.replace(b'"lost":3', b'"lost":0'))

    return damage


def _remove(*seqs):
    return lambda folder: [file_of(folder, seq).unlink() for seq in seqs]


def _swap(folder):
    second, third = file_of(folder, 2).read_bytes(), file_of(folder, 3).read_bytes()
    file_of(folder, 2).write_bytes(third)
    file_of(folder, 3).write_bytes(second)


def _close_the_gap(folder):
    """Record 2 goes, and the later ones move up, so that the names have no gap."""
    for seq in (3, 4, 5):
        file_of(folder, seq).replace(file_of(folder, seq - 1))


def _write(name, raw):
    return lambda folder: (folder / name).write_bytes(raw)


def _copy(seq, name):
    return lambda folder: shutil.copy(file_of(folder, seq), folder / "records" / name)


def _folder_in_place(folder):
    file_of(folder, 4).unlink()
    file_of(folder, 4).mkdir()


def _dead_link(folder):
    file_of(folder, 4).unlink()
    file_of(folder, 4).symlink_to("nowhere")


def _head_in_place(folder):
    shutil.copy(folder / "head.json", file_of(folder, 2))


def _old_head(folder):
    head = (folder / "head.json").read_bytes()
    grow(folder, 2)
    (folder / "head.json").write_bytes(head)


def _signed_and_no_record(folder):
    """What the key signed once for another purpose."""
    found = json.loads(file_of(folder, 2).read_text(encoding="utf-8"))
    del found["signature"]
    private = keys.read_private(keys.private_path(os.environ))
    file_of(folder, 2).write_bytes(seal({**found, "kind": "note"}, private))


def _more_members(folder):
    found = json.loads(file_of(folder, 2).read_text(encoding="utf-8"))
    raw = json.dumps({**found, "approved": True}, sort_keys=True, separators=(",", ":"))
    file_of(folder, 2).write_text(raw, encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "place", "says"),
    [
        (_change(1), "records/000001.json", "record 1 was changed after it was signed: its signature does not fit"),
        (_change(5), "records/000005.json", "record 5 was changed after it was signed: its signature does not fit"),
        (_remove(1), "records/000001.json", "record 1 is missing, and record 2 is there"),
        (_remove(3), "records/000003.json", "record 3 is missing, and record 4 is there"),
        (_remove(2, 3), "records/000002.json", "records 2 to 3 are missing, and record 4 is there"),
        (_swap, "records/000002.json", "records 2 and 3 were swapped"),
        (_close_the_gap, "records/000002.json", "record 2 is missing, and record 3 was put in its place"),
        (_remove(5), "records/000005.json", "record 5 is cut off at the end: head.json, signed 20"),
        (_remove(4, 5), "records/000004.json", "records 4 to 5 are cut off at the end: head.json, signed 20"),
        (_remove(1, 2, 3, 4, 5), "records/000001.json", "records 1 to 5 are cut off at the end"),
        (_write("records/000003.json", b"all went well"), "records/000003.json", "record 3 was .*: it is not JSON"),
        (_write("records/000003.json", b""), "records/000003.json", "record 3 was changed .*: it is not JSON"),
        (_write("records/000003.json", b"[" * 10**6), "records/000003.json", "record 3 was changed .*: it is n"),
        (_write("records/000003.json", b" " * (2**24 + 1)), "records/000003.json", "record 3 .*: it is too large"),
        (_old_head, "head.json", "head.json is an old one: it ends at record 5, and record 7 is there"),
        (_signed_and_no_record, "records/000002.json", "record 2 was changed .*: it is a note, and no record"),
        (_more_members, "records/000002.json", "record 2 was changed .*: its members are not those of one"),
        (_head_in_place, "records/000002.json", "record 2 was changed .*: its members are not those of one"),
        (_folder_in_place, "records/000004.json", "record 4 was changed .*: cannot read .*: Is a directory"),
        (_dead_link, "records/000004.json", "record 4 was changed .*: it leads nowhere"),
        (_copy(2, "000006.json"), "records/000006.json", "000006.json is a copy of record 2, under another number"),
        (_copy(2, "000003.json"), "records/000003.json", "000003.json is a copy of record 2, under another number"),
        (_copy(2, "0000002.json"), "records/0000002.json", "records/0000002.json is no record"),
        (_copy(2, "000002.json.bak"), "records/000002.json.bak", "records/000002.json.bak is no record"),
        (_write("head.json", b"{}"), "head.json", "head.json was changed after it was signed: its members"),
        (lambda folder: (folder / "head.json").unlink(), "head.json", "head.json is gone: nobody can tell whether"),
        (lambda folder: (folder / "key.pub.pem").unlink(), "key.pub.pem", "key.pub.pem is gone, .*: --key"),
        (_write("key.pub.pem", b"key"), "key.pub.pem", "key.pub.pem is not an Ed25519 public key in PEM"),
    ],
)
def test_the_first_place_is_named(five, damage, place, says):
    """What was changed, removed, swapped, renamed, added or cut off, by its number; and readers refuse the chain."""
    damage(five)
    proof = chain.verify(five)
    assert proof.word is Word.FAIL
    assert proof.problems[0].place == place
    with pytest.raises(RecordError, match=says):
        chain.read_chain(five)


def test_of_several_places_the_first_comes_first(five):
    """In the order of the chain; the others follow, each told once."""
    _change(4)(five)
    _remove(2)(five)
    _copy(1, "notes.txt")(five)
    (five / "head.json").unlink()
    places = [one.place for one in chain.verify(five).problems]
    assert places == ["records/000002.json", "records/000004.json", "records/notes.txt", "head.json"]


def test_any_byte_of_a_record_that_is_changed_is_found(tmp_path):
    """Each byte, one after the other, and one byte more or less."""
    folder = tmp_path / "drills"
    chain.append(folder, "drill", {"word": "fail", "lost": 3}, **QUIET)
    raw = file_of(folder, 1).read_bytes()
    for at in range(len(raw)):
        file_of(folder, 1).write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        assert [one.seq for one in chain.verify(folder).problems] == [1], raw[at - 20 : at + 20]
    for changed in (raw + b"\n", raw[:-1], b" " + raw):
        file_of(folder, 1).write_bytes(changed)
        assert chain.verify(folder).word is Word.FAIL


def test_any_byte_of_the_head_that_is_changed_is_found(tmp_path):
    """Each byte, one after the other."""
    five = grow(tmp_path / "drills", 1)
    raw = (five / "head.json").read_bytes()
    for at in range(len(raw)):
        (five / "head.json").write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        assert [one.place for one in chain.verify(five).problems] == ["head.json"], raw[at - 20 : at + 20]


def _rewritten(five):
    """Writes the chain anew, in the same place, with the key that is set now, and one number prettier."""
    shutil.rmtree(five)
    for _ in range(5):
        chain.append(five, "drill", body(writes={**body()["writes"], "lost": 0}), **QUIET)


def test_a_head_kept_elsewhere_shows_an_end_cut_with_its_head(five, tmp_path):
    """Who puts an old head beside a shorter chain passes here, and not against what was kept."""
    kept, cut = tmp_path / "kept.json", tmp_path / "cut"
    shutil.copytree(five, cut)
    grow(five, 2)
    shutil.copy(five / "head.json", kept)
    assert chain.verify(cut).word is Word.PASS
    proof = chain.verify(cut, head=kept)
    assert proof.sentence.startswith(f"records 6 to 7 are cut off at the end: {kept}, signed 20")
    assert chain.verify(five, head=kept).word is Word.PASS


def test_a_record_kept_elsewhere_is_an_anchor_as_a_head_is(five, tmp_path):
    """A learning that an auditor was given shows that it was cut off, and that what it is about was."""
    learning = learn(five, 5, "keep two dumps")
    kept = tmp_path / "learning.json"
    shutil.copy(file_of(five, learning.seq), kept)
    assert chain.verify(five, head=kept).word is Word.PASS
    _remove(5, 6)(five)
    (five / "head.json").unlink()
    sentences = [one.sentence for one in chain.verify(five, head=kept).problems]
    assert sentences[-1] == f"records 5 to 6 are cut off at the end: {kept} tells of 6"


def test_a_chain_written_anew_by_its_key_is_shown_by_what_was_kept(five, tmp_path):
    """The holder of the key can sign all of it again: beside it all is well, and the kept head says otherwise."""
    shutil.copy(five / "head.json", tmp_path / "kept.json")
    _rewritten(five)
    assert chain.verify(five).word is Word.PASS
    proof = chain.verify(five, head=tmp_path / "kept.json")
    assert proof.sentence == f"record 5 is not the one that {tmp_path / 'kept.json'} tells of: it was signed anew"


def test_a_chain_written_anew_by_another_key_is_shown_by_the_kept_key(five, tmp_path, monkeypatch):
    """With key.pub.pem replaced all is well beside it; the key or the head that was kept says otherwise."""
    shutil.copy(five / "head.json", tmp_path / "kept.json")
    shutil.copy(five / "key.pub.pem", tmp_path / "kept.pem")
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "other.pem"))
    _rewritten(five)
    assert chain.verify(five).word is Word.PASS
    assert (
        "does not belong to this chain: it is of another key"
        in chain.verify(five, head=tmp_path / "kept.json").sentence
    )
    proof = chain.verify(five, public_key=tmp_path / "kept.pem")
    assert proof.sentence.startswith("key.pub.pem is another key,")
    assert "record 1 was changed after it was signed: it is of another key" in proof.problems[1].sentence


def test_a_record_of_another_chain_of_the_same_key_is_found(five, tmp_path):
    """Signed and numbered right, it follows another record."""
    other = tmp_path / "other"
    for _ in range(5):
        chain.append(other, "drill", body("region-loss"), **QUIET)
    shutil.copy(file_of(other, 3), file_of(five, 3))
    proof = chain.verify(five)
    assert proof.problems[0].seq in (2, 3)
    assert "two chains are mixed" in proof.sentence


def test_a_learning_knows_the_record_that_it_is_about(five, tmp_path):
    """Who signs a drill anew, and all that follow, has to sign the learning anew too: it holds the drill's hash."""
    about = chain.read_chain(five)[1]
    learn(five, 2, "keep two dumps")
    forged = {**chain.read_chain(five)[5].body, "about_sha256": "0" * 64}
    chain.append(five, "learning", forged, **QUIET)
    proof = chain.verify(five)
    assert (proof.sentence, about.seq) == ("record 2 is not the one that learning 7 is about", 2)


@pytest.mark.parametrize("raw", [b"", b"no json", b"[]", None])
def test_what_is_neither_head_nor_record_is_no_anchor(five, tmp_path, raw):
    """A wrong file given as --head is a mistake of usage, and no finding."""
    if raw is not None:
        (tmp_path / "kept.json").write_bytes(raw)
    with pytest.raises(HarnessError, match=r"kept\.json is n"):
        chain.verify(five, head=tmp_path / "kept.json")


def test_no_records_at_all_are_no_proof(tmp_path, five):
    """With nothing kept that is a mistake of usage; with a head kept all of it is cut off."""
    with pytest.raises(HarnessError, match=r"no records in .*; the first drill writes the first"):
        chain.verify(tmp_path / "none")
    proof = chain.verify(tmp_path / "none", public_key=five / "key.pub.pem", head=five / "head.json")
    assert any("records 1 to 5 are cut off at the end" in one.sentence for one in proof.problems)


def test_a_record_that_comes_while_the_chain_is_read_is_no_problem(five, monkeypatch):
    """A drill may end between the listing of the records and the reading of head.json."""
    listed, left = files.record_files, [6]

    def list_and_let_it_end(folder):
        found = listed(folder)
        if left:
            left.clear()
            grow(five, 1)
        return found

    monkeypatch.setattr("harness.drill.records.proving.files.record_files", list_and_let_it_end)
    proof = prove(five)
    assert (proof.word, len(proof.records)) == (Word.PASS, 6), proof.sentence

"""Appending to the chain: by several at once, through crashes, and not where its end was touched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.drill.records import chain, keys
from harness.errors import HarnessError, RecordError
from harness.waiting import wait_until
from tests.drill.records.chains import QUIET, body, failed, file_of, grow

ROOT = Path(__file__).parents[3]
MANY = """
import sys
from pathlib import Path
from harness.drill.records import chain
for number in range(int(sys.argv[2])):
    print(chain.append(Path(sys.argv[1]), "drill", {"n": number}).seq, flush=True)
"""


def _appender(folder, count):
    """A process that appends `count` records, and says each number."""
    given = [sys.executable, "-c", MANY, str(folder), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(given, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_each_record_is_numbered_and_follows_the_one_before(five):
    """Sequence, hash and kind are as they were appended, and the head tells of the last."""
    records = chain.read_chain(five)
    assert [one.seq for one in records] == [1, 2, 3, 4, 5]
    assert records[0].previous == "0" * 64
    assert [one.previous for one in records[1:]] == [one.sha256 for one in records[:-1]]
    head = json.loads((five / "head.json").read_text(encoding="utf-8"))
    assert (head["seq"], head["sha256"]) == (5, records[-1].sha256)


def test_failed_and_aborted_drills_are_in_the_chain(five):
    """No word keeps a record out."""
    chain.append(five, "drill", failed(), **QUIET)
    chain.append(five, "drill", failed(aborted=True), **QUIET)
    assert [one.body["verdict"]["word"] for one in chain.read_chain(five)][-3:] == ["pass", "fail", "fail"]


def test_nothing_recorded_yet_is_an_empty_chain(tmp_path):
    """Whoever reads before the first drill reads nothing, and makes nothing."""
    assert chain.read_chain(tmp_path / "drills") == []
    assert not (tmp_path / "drills").exists()


def test_drills_that_end_at_once_each_have_their_place(tmp_path):
    """Two processes that append at the same time leave one whole chain."""
    folder = grow(tmp_path / "drills", 1)
    both = [_appender(folder, 15) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(int(one) for numbers in said for one in numbers) == list(range(2, 32))
    assert len(chain.read_chain(folder)) == 31


def test_a_kill_at_any_time_leaves_a_chain_that_goes_on(tmp_path):
    """What a killed drill had appended is there, nothing is half, and the next append needs no hand."""
    folder = grow(tmp_path / "drills", 1)
    for wait_s in (0.0, 0.003, 0.011):
        process = _appender(folder, 10_000)
        told = [int(process.stdout.readline())]
        deadline = time.monotonic() + wait_s
        wait_until(lambda end=deadline: time.monotonic() >= end, 1)
        process.send_signal(signal.SIGKILL)
        told += [int(one) for one in process.communicate(timeout=60)[0].split("\n")[:-1]]
        assert chain.verify(folder).problems == ()
        next_one = chain.append(folder, "drill", body(), **QUIET)
        assert next_one.seq > told[-1]
    assert [one.seq for one in chain.read_chain(folder)] == list(range(1, next_one.seq + 1))
    assert list(folder.glob(".writing-*")) == []


def test_a_crash_between_record_and_head_is_mended_and_told(five):
    """The head is one behind: verify notes it, and the next append moves it on."""
    head = (five / "head.json").read_bytes()
    grow(five, 1)
    (five / "head.json").write_bytes(head)
    proof = chain.verify(five)
    assert (proof.problems, len(proof.notes)) == ((), 1)
    said = []
    assert chain.append(five, "drill", body(), say=said.append).seq == 7
    assert "record 6 was written, and head.json was not" in said[0]
    assert chain.verify(five).notes == ()


def test_a_crash_around_the_first_record_is_mended(tmp_path):
    """The head is there before it: with no record, or with one, the chain goes on; without the head it does not."""
    folder = grow(tmp_path / "drills", 1)
    first_head = (folder / "head.json").read_bytes()
    grow(folder, 1)
    file_of(folder, 2).unlink()
    file_of(folder, 1).rename(tmp_path / "first.json")
    (folder / "head.json").unlink()
    (folder / "key.pub.pem").unlink()
    chain.ready(folder, **QUIET)
    assert json.loads((folder / "head.json").read_text(encoding="utf-8"))["seq"] == 0
    (folder / "key.pub.pem").unlink()
    (tmp_path / "first.json").rename(file_of(folder, 1))
    assert chain.append(folder, "drill", body(), **QUIET).seq == 2
    assert first_head != (folder / "head.json").read_bytes()
    assert chain.verify(folder).problems == ()
    file_of(folder, 2).unlink()
    (folder / "head.json").unlink()
    with pytest.raises(RecordError, match=r"head\.json of .* is gone, and 1 records are there"):
        chain.append(folder, "drill", body(), **QUIET)


FULL = """
import resource, sys
from pathlib import Path
from harness.drill.records import chain
from harness.errors import RecordError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    chain.append(Path(sys.argv[1]), "drill", {"text": "x" * 5000})
except RecordError as error:
    print(error)
"""


def test_a_disk_that_is_full_leaves_no_half_record(five):
    """It is told, and the next append goes on as if nothing had been."""
    given = [sys.executable, "-c", FULL, str(five)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(given, env=environment, capture_output=True, text=True, timeout=60)
    assert "cannot write" in done.stdout
    assert "make room" in done.stdout
    assert chain.verify(five).problems == ()
    assert chain.append(five, "drill", body(), **QUIET).seq == 6
    assert list(five.glob(".writing-*")) == []


def _delete_head(folder):
    (folder / "head.json").unlink()


def _cut_end(folder):
    file_of(folder, 5).unlink()


def _old_head(folder):
    head = (folder / "head.json").read_bytes()
    grow(folder, 2)
    (folder / "head.json").write_bytes(head)


def _change_head(folder):
    raw = (folder / "head.json").read_bytes()
    (folder / "head.json").write_bytes(raw.replace(b'"seq":5', b'"seq":4'))


def _change_last(folder):
    raw = file_of(folder, 5).read_bytes()
    file_of(folder, 5).write_bytes(raw.replace(b'"kept":812', b'"kept":815'))


def _delete_all(folder):
    shutil.rmtree(folder / "records")
    (folder / "head.json").unlink()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_delete_head, "head.json of .* is gone, and 5 records are there"),
        (_cut_end, "record 5 of .* is gone: head.json, signed 20.*Z, tells of 5"),
        (_old_head, "head.json of .* is an old one: it ends at record 5, and record 7 is there"),
        (_change_head, "head.json of .* is not as it was signed: its signature does not fit"),
        (_change_last, "record 5 of .*, at the end, is not as it was left"),
        (_delete_all, "every record of .* is gone, and head.json: only key.pub.pem is left"),
    ],
    ids=["head deleted", "end cut", "old head", "head changed", "last changed", "all deleted"],
)
def test_a_chain_whose_end_was_touched_is_not_gone_on_with(five, damage, says):
    """Nothing is written, before a drill or after one, and the message says what was touched and how to mend it."""
    damage(five)
    before = {path: path.read_bytes() for path in five.rglob("*") if path.is_file() and path.name != ".lock"}
    with pytest.raises(RecordError, match=says) as error:
        chain.append(five, "drill", body(), **QUIET)
    assert "back" in str(error.value)
    assert "new chain" in str(error.value)
    with pytest.raises(RecordError, match=says):
        chain.ready(five, **QUIET)
    assert before == {path: path.read_bytes() for path in five.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_chain_goes_on_only_with_its_own_key(five, key_path, monkeypatch):
    """With another one, or with none, nothing is written, and no key is made."""
    monkeypatch.setenv(keys.VARIABLE, str(key_path.with_name("none.pem")))
    with pytest.raises(RecordError, match=r"no private key at .*none\.pem, and .* has a chain"):
        chain.append(five, "drill", body(), **QUIET)
    assert not key_path.with_name("none.pem").exists()
    keys.make_private(key_path.with_name("other.pem"), lambda said: None)
    monkeypatch.setenv(keys.VARIABLE, str(key_path.with_name("other.pem")))
    with pytest.raises(RecordError, match="is signed by"):
        chain.append(five, "drill", body(), **QUIET)
    assert len(chain.read_chain(five)) == 5


def test_the_key_is_made_once_for_its_owner_alone_and_told(tmp_path, key_path):
    """Mode 0600, beside it nothing, and the place is said; the public half is with the records."""
    said = []
    chain.append(tmp_path / "drills", "drill", body(), say=said.append)
    chain.append(tmp_path / "drills", "drill", body(), say=said.append)
    assert [str(key_path) in one for one in said] == [True]
    assert (key_path.stat().st_mode & 0o777, os.listdir(key_path.parent)) == (0o600, ["key.pem"])
    assert b"BEGIN PUBLIC KEY" in (tmp_path / "drills" / "key.pub.pem").read_bytes()


def test_a_private_key_that_others_may_read_signs_nothing(five, key_path):
    """The message says how to close it."""
    key_path.chmod(0o644)
    with pytest.raises(RecordError, match="chmod 600"):
        chain.append(five, "drill", body(), **QUIET)


@pytest.mark.parametrize("raw", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_is_refused(tmp_path, key_path, raw):
    """With the command that makes one."""
    key_path.parent.mkdir()
    key_path.write_bytes(raw)
    key_path.chmod(0o600)
    with pytest.raises(RecordError, match="openssl genpkey -algorithm ed25519"):
        chain.append(tmp_path / "drills", "drill", body(), **QUIET)


def test_a_kind_that_is_not_known_is_refused(tmp_path):
    """By name, with what is allowed."""
    with pytest.raises(
        HarnessError, match="unknown kind of record 'dril'; allowed: drill, learning; did you mean 'drill'"
    ):
        chain.append(tmp_path / "drills", "dril", body(), **QUIET)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """A file in its place, as one without permission, is an error with a remedy."""
    (tmp_path / "drills").write_text("")
    with pytest.raises(RecordError, match=r"cannot write into .*; give another folder with --reports"):
        chain.append(tmp_path / "drills", "drill", body(), **QUIET)


def test_a_drill_is_recorded_once(five):
    """A second record of one run would be of other evidence, and the chain never whole again."""
    chain.append(five, "drill", body(id="down/1"), **QUIET)
    with pytest.raises(RecordError, match=r"drill down/1 is in .* already, as record 6"):
        chain.append(five, "drill", body(id="down/1", aborted=True), **QUIET)
    assert chain.verify(five).word == "pass"
    assert len(chain.read_chain(five)) == 6

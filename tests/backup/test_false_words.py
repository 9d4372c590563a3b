"""What made a good backup fail, or a verification end without a word; no server."""

from __future__ import annotations

import shutil
import subprocess
from types import SimpleNamespace

import pytest

from harness.backup import alert, backup_manifest, files, pages, verify, wal
from harness.backup.feed import takes_restrict
from harness.backup.judge import Judge
from harness.backup.manifest import Manifest, parse
from harness.backup.options import Options, Target, read_target
from harness.backup.place import Layout
from harness.backup.running import Bad, Deadline, NotJudged, OutOfTime
from harness.backup.session import QueryError
from harness.backup.shape import BASE, PHYSICAL, Shape
from harness.errors import BackupError
from harness.record import Word

MIB = 1 << 20
ONE = "0000000100000000000000"


def _segment(folder, name, text=b"x"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(text)


def test_of_an_archive_only_the_way_to_the_target_is_taken(tmp_path):
    """Also from where a part was set aside; a whole segment goes before a partial one, and our own before others."""
    for name in ("01", "02", "03.partial", "04", "09"):
        _segment(tmp_path, ONE + name)
    _segment(tmp_path / "left-1", f"{ONE}03", b"whole")
    _segment(tmp_path / "left-1", f"{ONE}05.partial")
    _segment(tmp_path / "left-1", f"{ONE}04", b"theirs")
    _segment(tmp_path, "00000002.history")
    chosen = wal.choose(tmp_path, f"{ONE}02", 4 * MIB + 40, MIB)
    assert {name: str(path.relative_to(tmp_path)) for name, path in chosen.items()} == {
        f"{ONE}02": f"{ONE}02",
        f"{ONE}03": f"left-1/{ONE}03",
        f"{ONE}04": f"{ONE}04",
        f"{ONE}05": f"left-1/{ONE}05.partial",
        "00000002.history": "00000002.history",
    }
    assert f"{ONE}09" in wal.choose(tmp_path, f"{ONE}02", None, MIB)


@pytest.mark.parametrize(("program", "suffix"), [("gzip", "gz"), ("zstd", "zst"), ("lz4", "lz4")])
def test_segments_are_unpacked_in_every_packing_of_pg_receivewal(tmp_path, program, suffix):
    """A partial one as far as it goes; one that is cut is told."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no program {program}")
    packed = subprocess.run([program, "-c"], input=bytes(range(256)) * 4000, capture_output=True, check=True).stdout
    _segment(tmp_path, f"{ONE}02.{suffix}", packed)
    _segment(tmp_path, f"{ONE}03.{suffix}.partial", packed[:-20])
    _segment(tmp_path, f"{ONE}04.{suffix}", packed[:-20])
    chosen = wal.choose(tmp_path, f"{ONE}02", None, MIB)
    assert len(chosen) == 3
    for name in (f"{ONE}02", f"{ONE}03"):
        wal.lay(chosen[name], tmp_path / name, 8)
    assert (tmp_path / f"{ONE}02").read_bytes() == bytes(range(256)) * 4000
    with pytest.raises(Bad, match=f"{suffix} cannot be unpacked"):
        wal.lay(chosen[f"{ONE}04"], tmp_path / "cut", 8)


def test_a_segment_that_is_whole_by_now_is_taken_as_it_is(tmp_path):
    """It was partial when the archive was looked at; one that is gone is told."""
    _segment(tmp_path, f"{ONE}03", b"whole")
    wal.lay(tmp_path / f"{ONE}03.partial", tmp_path / "to", 8)
    assert (tmp_path / "to").read_bytes() == b"whole\0\0\0"
    with pytest.raises(FileNotFoundError):
        wal.lay(tmp_path / f"{ONE}04", tmp_path / "to", 8)


@pytest.mark.parametrize(
    ("target", "is_own"),
    [
        ("name=point", True),
        ("lsn=0/300", True),
        ("name=later", False),
        ("immediate", False),
        ("time=2026-11-29", False),
    ],
)
def test_facts_of_one_moment_are_not_held_against_another(target, is_own):
    """A restore to a later point has other rows, and is good."""
    manifest = Manifest("physical", target="point", lsn="0/300", tables={"a.b": (1, "2")}, heartbeat={"nonce": "n"})
    not_judged: dict[str, str] = {}
    told = verify.told_at(manifest, read_target(target), not_judged)
    assert (told == manifest, "manifest" in not_judged) == (is_own, not is_own)
    assert is_own or (told.tables, told.heartbeat) == (None, {})
    assert verify.told_at(Manifest("physical"), Target("immediate"), {}) == Manifest("physical")


def test_an_answer_that_was_null_is_the_empty_one():
    """As psql says it."""
    text = '{"schema": 1, "kind": "logical", "invariants": [{"name": "n", "sql": "SELECT NULL", "result": null}]}'
    assert parse(text).invariants == (("n", "SELECT NULL", ""),)


def test_a_psql_without_restrict_is_not_asked_for_it():
    """It would stop at its first line."""
    assert [one for one in ("15.13", "15.14", "16.9", "16.10", "17.5", "17.6", "18.0", "18beta1", "12.22", "")
            if takes_restrict(one)] == ["15.14", "16.10", "17.6", "18.0", "18beta1"]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "is_ours"),
    [
        ("compression method lz4 not supported", True),
        ('could not access file "$libdir/postgis-3": No such file or directory', True),
        ("ICU is not supported in this build", True),
        ("timescaledb must be loaded via shared_preload_libraries", True),
        ('could not connect to server "billing"', True),
        ("invalid page in block 3 of relation base/5/16384", False),
    ],
)
def test_what_our_postgresql_lacks_is_no_fault_of_the_backup(said, is_ours):
    """It is not judged; a damaged page is the backup's."""

    def look():
        raise QueryError(said)

    judge = Judge(None, None, {})
    if is_ours:
        with pytest.raises(NotJudged, match="lacks"):
            judge.guarded("readable", look)
    else:
        judge.guarded("readable", look)
        assert [one.word for one in judge.found] == [Word.FAIL]


def test_a_verifier_that_fails_says_so(tmp_path, monkeypatch):
    """A word, a note and an alert come of it, and no traceback."""
    monkeypatch.setattr(verify, "recognise", lambda _: {}["surprise"])
    report = verify.verify(tmp_path, Options())
    assert (report.word, "KeyError" in report.sentence) == (Word.UNKNOWN, True)


def test_what_could_not_be_verified_is_unknown_and_what_is_not_there_failed(tmp_path):
    """Each is a word, with its note and its alert, and no error; an option that is wrong is one."""
    (tmp_path / "logical").mkdir()
    report = verify.verify(tmp_path, Options())
    assert (report.word, "holds many backups" in report.sentence) == (Word.UNKNOWN, True)
    report = verify.verify(tmp_path / "gone", Options())
    assert (report.word, report.sentence) == (Word.FAIL, f"recognise: there is no backup at {tmp_path / 'gone'}")
    with pytest.raises(BackupError, match="no manifest at"):
        verify.verify(tmp_path, Options(manifest=tmp_path / "gone"))


def test_a_webhook_with_a_password_is_refused_without_telling_it():
    """urllib takes what stands there for a port, and says it."""
    told = alert.send("http://ops:s3cret@127.0.0.1:9/", alert.message("A", "b", "c", verify.datetime.now(verify.UTC)))
    assert "did not reach" in told
    assert "s3cret" not in told


def test_an_index_whose_last_page_is_cut_is_read_as_far_as_it_goes(tmp_path):
    """A few bytes are no page."""
    (tmp_path / "index").write_bytes(bytes(8192) + b"cut")
    assert list(pages._blocks(tmp_path / "index", 8192, lambda: None)) == []


def test_a_link_within_a_tablespace_is_refused_in_words(tmp_path):
    """It leads out of the backup, as any other."""
    base, space = tmp_path / "base", tmp_path / "space"
    for one in (base / "pg_tblspc", space, tmp_path / "data"):
        one.mkdir(parents=True)
    (base / "pg_tblspc" / "16385").symlink_to(space)
    (space / "out").symlink_to("/etc/passwd")
    scratch = SimpleNamespace(folder=tmp_path / "scratch", data=tmp_path / "scratch" / "data")
    scratch.folder.mkdir()
    with pytest.raises(Bad, match="tablespace"):
        Layout(Shape(PHYSICAL, BASE, base), scratch, Deadline(20.0)).lay_out()


def test_sums_of_large_files_end_when_the_time_is_over(tmp_path):
    """They were made to their end, however long that took, and nobody could call them off."""
    (tmp_path / "file").write_bytes(b"x")
    over = Deadline(60.0, cancelled=lambda: True).left_s
    for algorithm in ("CRC32C", "SHA256"):
        with pytest.raises(OutOfTime):
            backup_manifest.digest(tmp_path / "file", algorithm, over)
    with pytest.raises(OutOfTime):
        list(pages._zero(tmp_path / "file", 8192, over))
    with pytest.raises(OutOfTime):
        files.judge_files(tmp_path, Manifest("logical", files={"file": (1, "")}), tmp_path, over)

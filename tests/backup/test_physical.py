"""Base backups: restored to an explicit target, and looked at below their rows."""

from __future__ import annotations

import gzip
import select
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.backup import programs
from harness.backup.making import write_manifest
from harness.backup.options import Options, Target
from harness.backup.verify import verify
from harness.record import Word
from harness.waiting import wait_until
from tests.backup.sources import damaged, flip, says, shop

pytestmark = pytest.mark.integration
HINDRANCES = ("statement_timeout = 1", "default_transaction_read_only = on", "transaction_timeout = 2")
"""What a database may set for itself, and what would end or forbid a look at it: in ms."""


@pytest.fixture(scope="module")
def publisher():
    """The address to which the shop's subscription leads; nobody answers there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="module")
def made(tmp_path_factory, publisher):
    """`own` with a manifest and an archive of WAL beside it; `bare` without lists; `tar`; files of the table and its
    index."""
    folder = tmp_path_factory.mktemp("bases")
    with shop("--no-data-checksums") as (server, source):
        (folder / "wal").mkdir()
        (folder / "own").mkdir()
        base = [server.bin / "pg_basebackup", *server.where, "-c", "fast"]
        with server.session("shop", source.deadline) as session:
            session.query("SELECT pg_create_physical_replication_slot('slot', true)")
            receiver = [server.bin / "pg_receivewal", *server.where, "-D", folder / "wal", "-S", "slot"]
            with subprocess.Popen([str(one) for one in receiver], stderr=subprocess.DEVNULL) as receiving:
                _run(*base, "-D", folder / "own" / "base")
                session.query("INSERT INTO public.orders (amount, note) SELECT g, 'b' FROM generate_series(1, 500) g")
                write_manifest(source, folder / "own", [], "../wal")
                segment = str(session.value("SELECT pg_walfile_name(pg_switch_wal())"))
                assert wait_until(lambda: (folder / "wal" / segment).exists(), 20.0)
                receiving.terminate()
            session.query(
                f"CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port={publisher.getsockname()[1]}' PUBLICATION p "
                "WITH (connect = false)"
            )
            session.query("ALTER SUBSCRIPTION s ENABLE")
            for one in HINDRANCES:
                session.query(f"ALTER DATABASE shop SET {one}")
            _run(*base, "-D", folder / "bare", "--no-manifest")
            _run(*base, "-D", folder / "tar", "-Ft", "-z")
            paths = [
                str(session.value(f"SELECT pg_relation_filepath('public.{one}')")) for one in ("orders", "orders_pkey")
            ]
    return folder, segment, *paths


def _run(*command):
    subprocess.run([str(one) for one in command], check=True, timeout=60)


def test_a_good_base_backup_passes_up_to_the_point_of_its_manifest(made):
    """What was written after the base backup is there, by its WAL."""
    folder, *_ = made
    report = verify(folder / "own", Options(max_age_s=600))
    assert report.word is Word.PASS, report.sentence
    assert {one.detector for one in report.judgements} >= {"pg_verifybackup", "wal range", "content hash", "zero pages"}


def test_a_table_that_lost_its_end_is_told_by_its_index(made, tmp_path):
    """Without any list of files: no page is bad, and every row that is there is found by the index."""
    folder, _, table, _ = made

    def cut(root):
        path = root / table
        path.write_bytes(path.read_bytes()[:8192])

    report = verify(damaged(folder / "bare", tmp_path / "cut", cut))
    assert "index rows" in [one.detector for one in report.failed], report.sentence


def test_a_time_is_taken_as_it_is_written():
    """With a Z, which PostgreSQL's own setting refuses, or without."""
    for text in ("2026-11-29T21:00:00Z", "2026-11-29T21:00:00+00:00", "2026-11-29 21:00:00+00:00"):
        assert Target("time", text).setting == "2026-11-29 21:00:00+00:00"
    assert Target("name", "here").setting == "here"


def test_a_gap_in_the_wal_is_no_half_of_the_rows(made, tmp_path):
    """Recovery does not come to its target, and that is a fail."""
    folder, segment, *_ = made
    wal = damaged(folder / "wal", tmp_path / "wal", lambda wal: (wal / segment).unlink())
    assert says(verify(folder / "own", Options(wal=wal)), Word.FAIL, "target")


def test_a_target_whose_name_is_full_of_quotes_is_one_name(made):
    """It is not there, and that is told; nothing else comes of it."""
    folder, *_ = made
    options = Options(target=Target("name", "it's \\ \"not' there"))
    assert says(verify(folder / "own", options), Word.FAIL, "target")


def test_an_archive_without_a_target_is_not_judged(made):
    """Recovery would end wherever its WAL does."""
    folder, *_ = made
    assert says(verify(folder / "bare", Options(wal=folder / "wal")), Word.UNKNOWN, "restore")


def test_what_a_database_sets_for_itself_hinders_no_look_at_it(made):
    """It is read-only, and its statements and transactions end after a moment."""
    folder, *_ = made
    report = verify(folder / "bare")
    assert report.word is Word.PASS, report.sentence


def test_the_tar_form_passes_and_a_subscriber_in_it_does_not_come_to_its_publisher(made, publisher):
    """base.tar.gz and pg_wal.tar.gz, with the list of files beside them; the slot is for the one that it copies."""
    folder, *_ = made
    report = verify(folder / "tar")
    assert report.word is Word.PASS, report.sentence
    assert "wal archive" in report.not_judged
    assert select.select([publisher], [], [], 0)[0] == []


def test_damage_that_no_list_tells_of_is_found_in_the_pages(made, tmp_path):
    """A page of zeros where an index says that rows are, an index page of zeros, a key that leads nowhere."""
    folder, _, table, index = made

    def zero(name, page):
        def damage(base):
            with (base / name).open("r+b") as file:
                file.seek(8192 * page)
                file.write(bytes(8192))

        return damage

    assert says(verify(damaged(folder / "bare", tmp_path / "rows", zero(table, 3))), Word.FAIL, "zero pages")
    assert says(verify(damaged(folder / "bare", tmp_path / "keys", zero(index, 3))), Word.FAIL, "indexes")


def test_a_good_base_backup_in_other_clothes_is_no_bad_one(made, tmp_path):
    """Packed with lz4, with a sum beside it, in modes that a chmod of the copy mends."""
    folder, _, table, _ = made

    def modes(base):
        base.chmod(0o755)
        (base / table).chmod(0o440)

    def pack(tar):
        for name in ("base.tar.gz", "pg_wal.tar.gz"):
            raw = gzip.decompress((tar / name).read_bytes())
            packed = subprocess.run(["lz4", "-c"], input=raw, capture_output=True, check=True).stdout
            (tar / name.replace("gz", "lz4")).write_bytes(packed)
            (tar / name).unlink()
        (tar / "base.tar.lz4.sha256").write_text("a sum")

    cases = {"bare": modes, **({"tar": pack} if shutil.which("lz4") else {})}
    for name, change in cases.items():
        report = verify(damaged(folder / name, tmp_path / name, change))
        assert report.word is Word.PASS, report.sentence


def test_what_is_not_the_backups_fault_is_not_judged(made, tmp_path):
    """It holds only what changed since another; --postgres gives another version."""
    folder, *_ = made

    def increment(base):
        with (base / "backup_label").open("a") as file:
            file.write("INCREMENTAL FROM LSN: 0/2000028\n")

    report = verify(damaged(folder / "bare", tmp_path / "one", increment))
    assert says(report, Word.UNKNOWN, "restore")
    assert "pg_combinebackup" in report.sentence
    other = next((one for major, one in programs.installed().items() if major != max(programs.installed())), None)
    if other is not None:
        report = verify(folder / "bare", Options(postgres=other))
        assert says(report, Word.UNKNOWN, "restore")
        assert "give the bin folder" in report.sentence


def test_what_a_server_cannot_start_from_is_told_in_words(made, tmp_path):
    """No backup_label, a link that leads out, modes that PostgreSQL refuses, a newer PostgreSQL."""
    folder, _, table, _ = made
    cases = {
        "label": (lambda base: (base / "backup_label").unlink(), Word.FAIL, "backup_label"),
        "link": (lambda base: (base / "pg_xact" / "out").symlink_to("/etc/passwd"), Word.FAIL, "links"),
        "mode": (lambda base: (base / table).chmod(0), Word.FAIL, "file modes"),
        "newer": (lambda base: (base / "PG_VERSION").write_text("19\n"), Word.UNKNOWN, "restore"),
    }
    for name, (damage, word, detector) in cases.items():
        assert says(verify(damaged(folder / "bare", tmp_path / name, damage)), word, detector), name


def test_a_file_that_is_not_what_the_list_says_is_told(made, tmp_path):
    """By backup_manifest, where there is no manifest of ours."""
    folder, _, table, _ = made

    def damage(backup):
        (backup / "manifest.json").unlink()
        flip(Path(backup, "base", table), 8192 + 8000)

    report = verify(damaged(folder / "own", tmp_path / "one", damage))
    assert says(report, Word.FAIL, "pg_verifybackup")
    assert table in report.sentence

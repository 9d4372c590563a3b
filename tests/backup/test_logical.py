"""Dumps: what pg_dump and pg_dumpall write is restored and judged."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.backup.making import Source, make_logical, write_manifest
from harness.backup.options import Options
from harness.backup.running import Deadline
from harness.backup.verify import verify
from harness.errors import BackupError
from harness.record import Word
from tests.backup.sources import damaged, flip, says, shop

pytestmark = pytest.mark.integration
SUM = ("sum", "SELECT sum(amount) FROM public.orders")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A backup of ours, dumps in other forms, and one of another day, made of one server that is gone after."""
    folder = tmp_path_factory.mktemp("dumps")
    with shop() as (server, source):
        with pytest.raises(BackupError):
            make_logical(source, folder / "own", [("bad", "SELECT nope")])
        make_logical(source, folder / "own", [SUM])
        for name, *flags in (("plain.sql",), ("dir", "-Fd", "-C"), ("t.tar", "-Ft"), ("z0.dump", "-Fc", "-Z0")):
            _tool(server, "pg_dump", *flags, "-f", str(folder / name), "-d", "shop")
        _tool(server, "pg_dumpall", "-f", str(folder / "all.sql"))
        with server.session("shop", source.deadline) as session:
            session.query(
                "UPDATE public.orders SET amount = CASE id WHEN 1 THEN 2 WHEN 2 THEN 1 END WHERE id IN (1, 2)"
            )
            session.query("DROP INDEX public.orders_amount")
            session.query("REVOKE SELECT ON public.orders FROM reader")
            session.query("SELECT setval('public.orders_id_seq', 10)")
        make_logical(source, folder / "changed", [SUM])
    return folder


def _tool(server, name, *arguments):
    command = [server.bin / name, *server.where, *arguments]
    subprocess.run([str(one) for one in command], check=True, timeout=60)


def test_a_good_backup_passes_all_of_it(made):
    """With its manifest nothing is left that cannot be told."""
    report = verify(made / "own", Options(max_age_s=600))
    assert report.word is Word.PASS, report.sentence
    assert report.not_judged == {}
    assert {one.detector for one in report.judgements} >= {"files", "content hash", "schema", "roles and grants"}


@pytest.mark.parametrize("name", ["plain.sql", "dir", "t.tar", "z0.dump", "all.sql"])
def test_a_dump_without_a_manifest_passes_and_says_what_it_could_not_judge(made, name):
    """Counts and contents of then are known to nobody."""
    report = verify(made / name)
    assert report.word is Word.PASS, report.sentence
    assert {"row counts", "content hash", "schema", "matviews"} <= set(report.not_judged)
    assert "not judged: " in report.sentence


def test_a_backup_is_its_owners_alone_without_passwords_and_its_manifest_stays(made):
    """It holds all that the database does; and what was true then is not written over with what is true now."""
    assert (made / "own").stat().st_mode & 0o077 == 0
    assert "PASSWORD" not in (made / "own" / "globals.sql").read_text()
    with pytest.raises(BackupError, match="manifest already"):
        write_manifest(Source("host=/nowhere", Deadline(5.0)), made / "own")


def test_what_only_content_can_tell_is_told(made, tmp_path):
    """Two values swapped, an index, a grant and a sequence lost: each by its own detector, and the sum holds; a column
    that has the name of the query's own alias hides nothing."""

    def exchange(backup):
        shutil.copyfile(made / "changed" / "shop.dump", backup / "shop.dump")
        body = json.loads((backup / "manifest.json").read_text())
        body["files"] = {}
        body["files"]["shop.dump"] = json.loads((made / "changed" / "manifest.json").read_text())["files"]["shop.dump"]
        (backup / "manifest.json").write_text(json.dumps(body))

    report = verify(damaged(made / "own", tmp_path / "one", exchange))
    words = {one.detector: one.word for one in report.judgements}
    failed = {detector for detector, word in words.items() if word is Word.FAIL}
    assert failed == {"content hash", "schema", "roles and grants", "sequences"}
    assert words["row counts"] is words["invariants"] is Word.PASS


def test_a_flipped_bit_without_a_manifest_is_caught_by_the_restore(made, tmp_path):
    """The compressed data does not unpack."""

    def damage(backup):
        (backup / "manifest.json").unlink()
        flip(backup / "shop.dump", (backup / "shop.dump").stat().st_size - 400)

    assert says(verify(damaged(made / "own", tmp_path / "one", damage)), Word.FAIL, "restore")


def test_a_lost_file_and_a_manifest_that_is_none_are_told(made, tmp_path):
    """The globals are gone; the manifest is not JSON; it is of a schema to come."""
    gone = damaged(made / "own", tmp_path / "gone", lambda backup: (backup / "globals.sql").unlink())
    assert says(verify(gone), Word.FAIL, "files")
    bad = damaged(made / "own", tmp_path / "bad", lambda backup: (backup / "manifest.json").write_text("{"))
    assert says(verify(bad), Word.FAIL, "manifest")


def test_a_dump_of_sql_that_was_cut_is_told_by_its_end(made, tmp_path):
    """psql itself ends well on it, plain or compressed."""
    for name in ("plain.sql", "all.sql"):
        text = (made / name).read_bytes()
        (tmp_path / name).write_bytes(text[: int(len(text) * 0.95)])
        assert says(verify(tmp_path / name), Word.FAIL, "trailer")


def test_a_role_that_the_globals_lack_fails_the_restore(made, tmp_path):
    """Who owned the tables is nobody now."""

    def damage(backup):
        lines = (backup / "globals.sql").read_text().splitlines(keepends=True)
        (backup / "globals.sql").write_text("".join(one for one in lines if "app" not in one))
        (backup / "manifest.json").unlink()

    assert says(verify(damaged(made / "own", tmp_path / "one", damage)), Word.FAIL, "restore")


def test_a_stale_backup_is_told_by_its_data(made, tmp_path):
    """A fresh time of the file makes it no fresher."""
    copy = damaged(made / "own", tmp_path / "one", lambda backup: (backup / "shop.dump").touch())
    report = verify(copy, Options(max_age_s=0.001))
    assert says(report, Word.FAIL, "freshness")
    assert report.taken_at.endswith("Z")


def test_a_dump_of_no_rows_is_unknown(made, tmp_path):
    """Without a manifest nobody can say that there were none."""
    path = tmp_path / "schema.sql"
    lines = (made / "plain.sql").read_text().splitlines(keepends=True)
    kept, inside = [], False
    for line in lines:
        inside = inside or (line.startswith("COPY ") and not kept.append(line))
        if not inside or line == "\\.\n":
            kept.append(line)
            inside = False
    path.write_text("".join(kept))
    assert says(verify(path), Word.UNKNOWN, "content")


def test_commands_of_psql_in_a_dump_are_not_obeyed(made, tmp_path):
    """A dump that would run a program of its own is refused, and the program does not run."""
    touched = tmp_path / "touched"
    text = (
        (made / "plain.sql")
        .read_text()
        .replace("SET statement_timeout", f"\\! touch {touched}\nSET statement_timeout", 1)
    )
    (tmp_path / "evil.sql").write_text(text)
    tmp_path.chmod(0o777)
    assert says(verify(tmp_path / "evil.sql"), Word.FAIL, "restore")
    assert not Path(touched).exists()

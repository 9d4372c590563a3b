"""What is read without a server: heads, manifests, lists of files, SQL, targets."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile

import pytest

from harness.backup import backup_manifest
from harness.backup.archive_header import read_head
from harness.backup.dsn import without_password
from harness.backup.files import judge_files
from harness.backup.making import Source
from harness.backup.manifest import Manifest, ManifestError, parse
from harness.backup.options import read_target
from harness.backup.recognise import recognise
from harness.backup.running import Bad, Deadline
from harness.backup.schema import differences, schema_hash
from harness.backup.sql_text import Script
from harness.errors import BackupError
from harness.record import Word


def _integer(value: int) -> bytes:
    return b"\0" + value.to_bytes(4, "little")


def _head(server: str = "18.4", archive: tuple[int, int, int] = (1, 16, 0)) -> bytes:
    texts = b"".join(_integer(len(one)) + one.encode() for one in ("shop", server, "18.4"))
    compression = b"\1" if archive >= (1, 15, 0) else _integer(6)
    return b"PGDMP" + bytes(archive) + b"\4\10\1" + compression + _integer(1) * 7 + texts


@pytest.mark.parametrize("archive", [(1, 14, 0), (1, 15, 0), (1, 16, 0)])
def test_the_head_of_an_archive_tells_who_made_it(archive):
    """Of every version from 15 to 18."""
    head = read_head(_head("16.2 (Debian)", archive))
    assert (head.database, head.server, head.tool) == ("shop", "16.2 (Debian)", "18.4")


def test_a_head_that_is_cut_or_strange_is_told():
    """Never an error of ours."""
    for data in (_head()[:30], b"PGDMP", b"XXDMP" + _head()[5:], _head(archive=(9, 0, 0)), b"PGDMP" + b"\xff" * 200):
        with pytest.raises(ValueError, match=r"archive|head"):
            read_head(data)


def test_a_manifest_that_is_none_is_told_in_a_sentence():
    """Not JSON, not an object, another schema, a kind that is none, a field of another type."""
    good = {"schema": 1, "kind": "logical", "tables": {"public.a": {"rows": 1, "hash": "2"}}}
    assert parse(json.dumps(good)).tables == {"public.a": (1, "2")}
    bad = ["{", "[]", "7", json.dumps({**good, "schema": 2}), json.dumps({**good, "kind": "x"})]
    bad += [json.dumps({**good, "tables": 3}), json.dumps({**good, "files": {"a": 1}}), '{"a":' * 100_000]
    for text in bad:
        with pytest.raises(ManifestError, match=r"manifest\.json"):
            parse(text)


def _list(folder, **more):
    files = [{"Path": "a", "Size": 3, "Checksum-Algorithm": "CRC32C", "Checksum": "b73f4b36", **more}]
    body = json.dumps({"PostgreSQL-Backup-Manifest-Version": 1, "Files": files, "WAL-Ranges": []})[:-1] + ",\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    (folder / "a").write_bytes(b"abc")
    return f'{body}"Manifest-Checksum": "{digest}"}}\n'.encode()


def test_the_list_of_a_base_backup_is_checked_here(tmp_path):
    """Sizes and CRC32C; one file missing, another, and too many but our own manifest."""
    listed = backup_manifest.parse(_list(tmp_path))
    (tmp_path / "manifest.json").touch()
    assert list(backup_manifest.wrong_files(tmp_path, listed)) == []
    (tmp_path / "b").touch()
    (tmp_path / "a").write_bytes(b"abd")
    wrong = list(backup_manifest.wrong_files(tmp_path, listed))
    assert wrong == ["a is not what it was: another checksum", "b is there, and was not when it was backed up"]


def test_a_list_that_was_changed_or_leads_out_is_refused(tmp_path):
    """By its own checksum, by its paths."""
    with pytest.raises(ValueError, match="its own checksum"):
        backup_manifest.parse(_list(tmp_path).replace(b'"Size": 3', b'"Size": 4'))
    with pytest.raises(ValueError, match="outside of the backup"):
        backup_manifest.parse(_list(tmp_path, Path="../a"))


def test_wal_segments_from_one_place_to_another():
    """By 16 MB and by 64 MB, over the end of a log."""
    assert backup_manifest.segments("0/FF000028", "1/100", 2, 16 << 20) == [
        "0000000200000000000000FF",
        "000000020000000100000000",
    ]
    assert backup_manifest.segments("0/4000028", "0/4000100", 1, 64 << 20) == ["000000010000000000000001"]


def test_a_dump_of_sql_is_whole_or_cut():
    """By each end that belongs to a beginning, and never within rows."""
    begin = b"-- PostgreSQL database dump\n"
    whole = [begin, b"COPY a.b (c) FROM stdin;\n", begin, b"\\.\n"]
    end = b"-- PostgreSQL database dump complete\n"
    assert Script().read([*whole, end]).missing_end == ""
    assert "1 dumps begin in it and 0 are complete" in Script().read(whole).missing_end
    assert "middle of a table's rows" in Script().read(whole[:3]).missing_end
    cluster = [b"-- PostgreSQL database cluster dump\n", *whole, end]
    assert "cluster dump complete" in Script().read(cluster).missing_end


def test_the_roles_and_databases_of_a_dump_are_found():
    """Where they own, where they are granted, in policies; names with quotes; not in rows."""
    lines = [
        b'ALTER TABLE a.b OWNER TO "we ird";\n',
        b"GRANT SELECT ON TABLE a.b TO reader WITH GRANT OPTION;\n",
        b"CREATE POLICY p ON a.b FOR SELECT TO one, two USING (true);\n",
        b"REVOKE ALL ON SCHEMA public FROM PUBLIC;\n",
        b"COPY a.b (c) FROM stdin;\n",
        b"ALTER TABLE a.b OWNER TO nobody;\n",
        b"\\.\n",
        b"\\connect -reuse-previous=on \"dbname='a\\\\'b'\"\n".replace(b"\\\\'", b"\\'"),
        b"\\connect `touch x`\n",
    ]
    script = Script().read(lines)
    assert script.roles == {"we ird", "reader", "one", "two"}
    assert script.connected == ["a'b"]


def test_a_dump_does_not_command_psql_and_makes_no_tablespace_elsewhere():
    """psql is shut but for connecting; a tablespace lies in the scratch server; a locale may be left out."""
    lines = [
        b"CREATE TABLESPACE t OWNER o LOCATION '/srv/it''s';\n",
        b"CREATE DATABASE d ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'x';\n",
        b"\\connect d\n",
        b"\\unrestrict abc\n",
    ]
    assert list(Script(locale=False).pass_on(lines, "G")) == [
        b"\\restrict G\n",
        b"CREATE TABLESPACE t OWNER o LOCATION '';\n",
        b"CREATE DATABASE d ENCODING = 'UTF8' LOCALE = 'C';\n",
        b"\\unrestrict G\n\\connect d\n\\restrict G\n",
    ]


@pytest.mark.parametrize(
    ("dsn", "without", "password"),
    [
        ("postgresql://a:s%40x@h:5/d?sslmode=require", "postgresql://a@h:5/d?sslmode=require", "s@x"),
        ("postgresql://a@h/d?password=s&sslmode=off", "postgresql://a@h/d?sslmode=off", "s"),
        ("postgresql://h:5/d", "postgresql://h:5/d", ""),
        (r"host=h password = 's \'x' dbname=d", "host=h dbname=d", "s 'x"),
        ("host=h options='-c password=1'", "host=h options='-c password=1'", ""),
        ("shop", "shop", ""),
    ],
)
def test_no_command_line_has_the_password(dsn, without, password):
    """It goes by the environment, which only its owner can read."""
    assert without_password(dsn) == (without, password)
    source = Source(dsn, Deadline(1.0))
    assert (source.where, source.extra.get("PGPASSWORD", "")) == (("-d", without), password)


@pytest.mark.parametrize("text", ["name=", "lsn=zz", "time=yesterday", "nowhere=1", "xid=5"])
def test_a_target_that_is_none_is_refused(text):
    """With what is allowed."""
    with pytest.raises(BackupError):
        read_target(text)


def test_a_target_says_its_timeline():
    """Behind an @; a time's own colon and plus stay."""
    assert read_target("time=2026-11-29T22:11:33+00:00@2").timeline == "2"
    assert read_target("time=2026-11-29T22:11:33+00:00").value == "2026-11-29T22:11:33+00:00"
    assert read_target("immediate").kind == "immediate"


def test_definitions_are_compared_as_postgresql_prints_them_after_a_restore():
    """An expression that was rewritten is the same; a label that changed its place is not."""
    before = {"constraints": {"c": "CHECK (((n)::text = ANY ((ARRAY['a'::character varying])::text[])))"}}
    after = {"constraints": {"c": "CHECK (((n)::text = ANY (ARRAY[('a'::character varying)::text])))"}}
    assert differences(before, after) == []
    assert schema_hash(before) == schema_hash(after)
    found = differences({"enum types": {"e": "'a', 'b'"}, "views": {"v": "x"}}, {"enum types": {"e": "'b', 'a'"}})
    assert [kind for kind, _ in found] == ["enum types", "views"]


def test_a_manifest_of_before_is_not_held_against_what_it_never_told_of():
    """A kind that came later: absent it was not looked at, empty there was nothing; the hash stays what it was."""
    now = {"views": {"v": "x"}, "casts": {"cast (a AS b)": "e i"}}
    assert differences({"views": {"v": "x"}}, now) == []
    assert [kind for kind, _ in differences({"views": {"v": "x"}, "casts": {}}, now)] == ["casts"]
    assert schema_hash(now) == schema_hash({"views": {"v": "x"}})


def test_what_is_no_backup_is_told(tmp_path):
    """Nothing, an empty file, text, a server's own folder, a folder of many."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing.sql").touch()
    (tmp_path / "text.dump").write_text("hello")
    for name in ("empty", "nothing.sql", "text.dump", "gone"):
        with pytest.raises(Bad) as bad:
            recognise(tmp_path / name)
        assert bad.value.detector == "recognise"
    (tmp_path / "server").mkdir()
    for name in ("PG_VERSION", "postmaster.pid"):
        (tmp_path / "server" / name).touch()
    (tmp_path / "many" / "logical").mkdir(parents=True)
    for name in ("server", "many"):
        with pytest.raises(BackupError):
            recognise(tmp_path / name)


def test_a_dump_of_all_databases_is_one_however_long_its_roles_are(tmp_path):
    """Compressed or not, in a folder of its own, it is not taken for a dump of roles."""
    roles = "".join(f"CREATE ROLE r{number} WITH PASSWORD '{'x' * 60}';\n" for number in range(2000))
    dump = f"--\n-- PostgreSQL database cluster dump\n--\n{roles}\\connect template1\n-- PostgreSQL database dump\n"
    for name, data in (("all.sql", dump.encode()), ("all.sql.gz", gzip.compress(dump.encode()))):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(data)
        shape = recognise(folder)
        assert (shape.main, shape.format, shape.globals_sql) == (folder / name, "plain of all databases", None)


def test_a_dump_is_not_taken_for_another_that_lies_beside_it(tmp_path):
    """What is none of a dump's own companions is told by name; sums, logs and roles are no harm, also packed."""
    good = b"-- PostgreSQL database dump\n"
    roles = b"-- PostgreSQL database cluster dump\nCREATE ROLE a;\n"
    for name, data in (("monday.sql", good), ("monday.sql.sha256", b"x"), ("dump.log", b"x"), (".note", b"x")):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "globals.sql.gz").write_bytes(gzip.compress(roles))
    shape = recognise(tmp_path)
    assert (shape.main.name, shape.globals_sql) == ("monday.sql", tmp_path / "globals.sql.gz")
    for broken in (b"", b"PG"):
        (tmp_path / "tuesday.dump").write_bytes(broken)
        with pytest.raises(Bad, match=r"tuesday\.dump .*beside monday\.sql"):
            recognise(tmp_path)
    (tmp_path / "tuesday.dump").write_bytes(good)
    with pytest.raises(Bad, match=r"2 dumps \(monday\.sql, tuesday\.dump\)"):
        recognise(tmp_path)


def test_a_manifest_of_another_dump_is_not_held_against_this_one(tmp_path):
    """Its files are as they were, and none of them is the one that is verified."""
    for name in ("a.dump", "b.dump"):
        (tmp_path / name).write_bytes(b"x")
    manifest = Manifest("logical", files={"a.dump": (1, hashlib.sha256(b"x").hexdigest())})
    assert judge_files(tmp_path, manifest, tmp_path / "a.dump").word is Word.PASS
    other = judge_files(tmp_path, manifest, tmp_path / "b.dump")
    assert (other.word, "b.dump is not in the manifest, which is of a.dump" in other.sentence) == (Word.FAIL, True)


@pytest.mark.parametrize("program", ["gzip", "zstd", "lz4"])
def test_a_dump_in_an_archive_may_be_packed_as_a_whole(tmp_path, program):
    """pg_dump -Fc and -Ft through a program that packs."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no program {program}")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("toc.dat")
        member.size = len(_head())
        tar.addfile(member, io.BytesIO(_head()))
    for name, data, form in (("c", _head(), "custom"), ("t", raw.getvalue(), "tar")):
        packed = subprocess.run([program, "-c"], input=data, capture_output=True, check=True).stdout
        (tmp_path / name).write_bytes(packed)
        shape = recognise(tmp_path / name)
        assert (shape.format, shape.compression, shape.database) == (form, program, "shop")


def test_an_archive_of_a_base_backup_is_told_by_its_name(tmp_path):
    """base.tar.gz stands for the folder that it is in; under another name nobody can tell what is beside it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        member = tarfile.TarInfo("PG_VERSION")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"18\n"))
    (tmp_path / "base.tar.gz").write_bytes(gzip.compress(raw.getvalue()))
    (tmp_path / "base.tar.gz.sha256").write_text("a sum, and no archive")
    shape = recognise(tmp_path / "base.tar.gz")
    assert (shape.main, shape.format, shape.server) == (tmp_path, "basebackup tar", "18")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "monday.tar").write_bytes(raw.getvalue())
    with pytest.raises(BackupError, match=r"base\.tar"):
        recognise(tmp_path / "other" / "monday.tar")

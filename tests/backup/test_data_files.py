"""The files of a dump in directory form: their ends, which pg_restore does not look at."""

from __future__ import annotations

import gzip
import shutil
import subprocess

import pytest

from harness.backup import data_files
from harness.backup.running import Bad, Deadline, OutOfTime

COPY = b"\0COPY public.a (id) FROM stdin;\n\0"
ROWS = b"1\tx\n2\ty\n"
END = b"\\.\n\n\n"


def _dump(folder, toc=COPY, **files):
    folder.mkdir()
    (folder / "toc.dat").write_bytes(b"PGDMP" + toc)
    for name, data in files.items():
        (folder / name.replace("_dat", ".dat").replace("_gz", ".gz").replace("_toc", ".toc")).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("toc", "files"),
    [
        (COPY, {"1_dat": ROWS + END, "2_dat_gz": gzip.compress(END)}),
        (b"", {"1_dat": b"INSERT INTO a VALUES (1);\n\n\n", "2_dat": b"\n\n"}),
        (COPY, {"1_dat": END, "blob_7.dat": b"", "blobs_toc": b"7 blob_7.dat\n"}),
        (COPY, {"1_dat": END, "blob_7_dat_gz": gzip.compress(b""), "blobs_9_toc": b"7 blob_7.dat\n"}),
    ],
    ids=["copy", "inserts", "blobs of 15", "blobs of 18"],
)
def test_a_whole_dump_is_taken(tmp_path, toc, files):
    """Rows by COPY and by INSERT, tables without a row, large objects without a byte."""
    data_files.look_at(_dump(tmp_path / "dump", toc, **files), Deadline(10.0))


@pytest.mark.parametrize(
    ("toc", "files"),
    [
        (COPY, {"1_dat": ROWS}),
        (COPY, {"1_dat": b""}),
        (COPY, {"1_dat_gz": gzip.compress(ROWS)}),
        (COPY, {"1_dat_gz": gzip.compress(b"")}),
        (COPY, {"1_dat_gz": b""}),
        (COPY, {"1_dat_gz": gzip.compress(ROWS + END)[:-3]}),
        (COPY, {"1_dat": b"\n\n"}),
        (b"", {"1_dat": b"INSERT INTO a VALUES (1);\n"}),
        (COPY, {"1_dat": END, "blob_7_dat_gz": b"", "blobs_toc": b"7 blob_7.dat\n"}),
        (COPY, {"1_dat": END, "blob_7_dat": b"x", "blob_8_dat": b"x", "blobs_toc": b"7 blob_7.dat\n"}),
    ],
    ids=["a row", "empty", "packed row", "packed none", "packed empty", "packed cut", "rows of nothing", "insert",
         "blob", "list of blobs"],
)  # fmt: skip
def test_a_file_that_was_cut_is_told(tmp_path, toc, files):
    """At the end of a row, in its packing, to nothing; a list of large objects that lacks one."""
    with pytest.raises(Bad):
        data_files.look_at(_dump(tmp_path / "dump", toc, **files), Deadline(10.0))


@pytest.mark.parametrize("program", ["zstd", "lz4"])
def test_other_packings_are_read_by_their_programs(tmp_path, program):
    """What pg_dump --compress=zstd and lz4 write is looked into."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no program {program}")
    suffix = {"zstd": "zst", "lz4": "lz4"}[program]
    for name, rows in (("good", ROWS + END), ("bad", ROWS)):
        folder = _dump(tmp_path / name)
        packed = subprocess.run([program, "-c"], input=rows, capture_output=True, check=True).stdout
        (folder / f"1.dat.{suffix}").write_bytes(packed)
    data_files.look_at(tmp_path / "good", Deadline(10.0))
    with pytest.raises(Bad, match="after the last row"):
        data_files.look_at(tmp_path / "bad", Deadline(10.0))


def test_a_copy_ends_when_the_time_is_over(tmp_path):
    """Between two pieces."""
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutOfTime):
        data_files.copy_file(tmp_path / "file", tmp_path / "to", Deadline(60.0, cancelled=lambda: True))

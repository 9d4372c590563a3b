"""Archives that would get out of their folder, or fill the disk."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
import tracemalloc

import pytest

from harness.backup import unpack
from harness.backup.packed import opened
from harness.backup.running import Bad, Deadline, NotJudged


def _tar(path, *members, text=b"x"):
    with tarfile.open(path, "w") as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(text) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(text) if info.isreg() else None)
    return path


def _link(name, to, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "member",
    [
        "../out",
        "/etc/out",
        "a/../../out",
        _link("a", "/etc"),
        _link("a", "b", tarfile.LNKTYPE),
        _link("a", "", tarfile.FIFOTYPE),
        _link("pg_tblspc/1/2", "/etc"),
    ],
    ids=["above", "absolute", "winding", "symlink", "hard link", "pipe", "tablespace"],
)
def test_nothing_gets_out_of_the_folder(tmp_path, member):
    """No path, no link, no device: refused by name, and nothing is written outside."""
    into = tmp_path / "in"
    into.mkdir()
    with pytest.raises(Bad, match="refused") as bad:
        unpack.unpack(_tar(tmp_path / "base.tar", member), into, Deadline(10.0))
    assert bad.value.detector == "archive"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["base.tar", "in"]


def test_a_bomb_is_stopped(tmp_path, monkeypatch):
    """At so many times its own size."""
    monkeypatch.setattr(unpack, "FREE_BYTES", 1000)
    inner = _tar(tmp_path / "base.tar", "zeros", text=bytes(4 << 20))
    (tmp_path / "base.tar.gz").write_bytes(gzip.compress(inner.read_bytes()))
    (tmp_path / "in").mkdir()
    with pytest.raises(Bad, match="unpacks to more than 200 times"):
        unpack.unpack(tmp_path / "base.tar.gz", tmp_path / "in", Deadline(10.0))


def test_an_archive_that_is_cut_is_told(tmp_path):
    """In the middle of a file, in the middle of the compressed bytes."""
    whole = _tar(tmp_path / "base.tar", "one", text=bytes(range(256)) * 4000).read_bytes()
    for name, data in (("a.tar", whole[:100_000]), ("b.tar.gz", gzip.compress(whole)[:-2000])):
        (tmp_path / name).write_bytes(data)
        (tmp_path / f"in-{name}").mkdir()
        with pytest.raises(Bad, match=r"cut|cannot be unpacked"):
            unpack.unpack(tmp_path / name, tmp_path / f"in-{name}", Deadline(10.0))


@pytest.mark.parametrize("program", ["gzip", "zstd", "lz4"])
def test_the_rest_of_an_archive_is_not_read_into_memory(tmp_path, program):
    """Neither when its reader ends early, nor when it is read to its end to see whether it is whole."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no program {program}")
    packed = subprocess.run([program, "-c"], input=bytes(64 << 20), capture_output=True, check=True).stdout
    (tmp_path / "packed").write_bytes(packed)
    tracemalloc.start()
    try:
        for whole in (False, True):
            with opened(tmp_path / "packed", whole=whole) as stream:
                assert stream.read(10) == bytes(10)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_no_space_is_said_before_it_is_filled(tmp_path):
    """With what is needed, what is free, and what to give."""
    with pytest.raises(NotJudged, match=r"no space for the restore .* --scratch"):
        unpack.say_no_space(tmp_path, 1 << 60)

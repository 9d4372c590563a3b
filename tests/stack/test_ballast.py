"""A full disk, and only the one that was meant."""

from __future__ import annotations

import os
import subprocess

import pytest

from harness.errors import StartError
from harness.stack.ballast import NAME, empty, leave_free, mounted


def _free(folder):
    here = os.statvfs(folder)
    return here.f_bavail * here.f_frsize


@pytest.fixture
def disk(tmp_path):
    folder = mounted(tmp_path, "small", 4 * 2**20)
    if folder is None:
        pytest.skip("only root can mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=10)


def test_so_much_is_left_free_however_much_was_before(disk):
    """More, less, none; and all of it after."""
    before = _free(disk)
    for free in (2**20, 2**16, 0, 3 * 2**20):
        leave_free(disk, free, "it")
        assert _free(disk) == free
    leave_free(disk, None, "it")
    assert _free(disk) == before
    assert not empty(disk)


def test_what_is_written_meanwhile_is_not_the_ballasts(disk):
    """It leaves so much free of what is left."""
    (disk / "theirs").write_bytes(b"x" * 2**20)
    leave_free(disk, 0, "it")
    with pytest.raises(OSError, match="No space left"):
        (disk / "more").write_bytes(b"x" * 2**16)
    assert empty(disk)
    assert (disk / "theirs").stat().st_size == 2**20


def test_a_file_system_that_others_use_is_refused(tmp_path):
    """Nothing is written there; nor in a folder that is none."""
    more_than_there_is = 2**60  # so that a harness without that rule would write nothing either
    with pytest.raises(StartError, match="others use too"):
        leave_free(tmp_path, more_than_there_is, "it")
    assert not (tmp_path / NAME).exists()
    with pytest.raises(StartError, match="it has no folder"):
        leave_free(tmp_path / "none", more_than_there_is, "it")


def test_a_folder_that_is_no_mount_is_refused(disk):
    """Its file system is not the service's own, however small it is."""
    (disk / "theirs").mkdir()
    with pytest.raises(StartError, match="others use too"):
        leave_free(disk / "theirs", 0, "it")


def test_a_link_in_the_ballasts_place_is_not_followed(disk, tmp_path):
    """Whoever owns the disk could lead us anywhere."""
    (disk / NAME).symlink_to(tmp_path / "theirs")
    with pytest.raises(StartError, match="cannot be filled"):
        leave_free(disk, 0, "it")
    assert not (tmp_path / "theirs").exists()

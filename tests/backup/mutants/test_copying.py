"""The copy: whole, apart from the original, and never over anything that is there."""

from __future__ import annotations

import json

import pytest

from harness.backup.mutants import find
from harness.backup.mutants.copying import copy
from harness.backup.mutants.mutating import make
from harness.errors import MutationError
from tests.backup.mutants.builders import base, custom


def test_a_copy_holds_what_the_backup_holds(tmp_path):
    """Every file, byte for byte."""
    backup = custom(tmp_path / "good")
    parts = copy(backup, tmp_path / "copy")
    assert parts.format == "custom"
    assert {p.name: p.read_bytes() for p in backup.iterdir()} == {p.name: p.read_bytes() for p in parts.root.iterdir()}


def test_a_folder_that_holds_something_is_refused(tmp_path):
    """Nothing is written over, and nothing beside."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("mine")
    with pytest.raises(MutationError, match="holds something already"):
        copy(custom(tmp_path / "good"), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine"]


@pytest.mark.parametrize("inner", ["good/copy", "good", "."])
def test_a_copy_into_the_backup_is_refused(tmp_path, inner):
    """Nor one that the backup lies in."""
    backup = custom(tmp_path / "good")
    with pytest.raises(MutationError, match="lie in one another"):
        copy(backup, tmp_path / inner)


def test_damage_never_goes_through_a_link(tmp_path):
    """A dump that is a link to elsewhere is copied as bytes: what it leads to stays as it was."""
    backup = custom(tmp_path / "good")
    outside = tmp_path / "outside.dump"
    (backup / "shop.dump").rename(outside)
    (backup / "shop.dump").symlink_to(outside)
    before = outside.read_bytes()
    made = make(find("file-empty"), backup, tmp_path / "copy", 0)
    assert (made.parts.data.stat().st_size, made.parts.data.is_symlink()) == (0, False)
    assert outside.read_bytes() == before


def test_a_link_within_the_backup_stays_one(tmp_path):
    """By a relative path it leads to the copy's own file."""
    backup = custom(tmp_path / "good")
    (backup / "again").symlink_to("globals.sql")
    parts = copy(backup, tmp_path / "copy")
    assert (parts.root / "again").is_symlink()
    assert (parts.root / "again").resolve() == (parts.root / "globals.sql").resolve()


def test_folders_that_lead_into_one_another_are_refused(tmp_path):
    """A link to a folder above would be copied for ever."""
    backup = custom(tmp_path / "good")
    (backup / "deep").mkdir()
    (backup / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "up").symlink_to(tmp_path)
    with pytest.raises(MutationError, match="leads back"):
        copy(backup, tmp_path.parent / f"{tmp_path.name}-copy")


def test_the_archive_comes_with_the_copy(tmp_path):
    """The WAL that the manifest points to is copied, and the copy's manifest points to that."""
    backup = base(tmp_path / "good", tmp_path / "wal")
    (tmp_path / "wal" / "notes.txt").write_text("not WAL")
    parts = copy(backup, tmp_path / "copies" / "one")
    assert parts.wal == parts.root / "wal"
    assert len(parts.segments()) == 7
    assert not (parts.root / "wal" / "notes.txt").exists()
    good, copied = (json.loads((root / "manifest.json").read_text()) for root in (backup, parts.root))
    assert copied == {**good, "wal": "wal"}

"""Damage to files: it is done, it is the same again for a seed, and sums of at birth agree with it."""

from __future__ import annotations

import hashlib
import json

import pytest

from harness.backup.mutants import MUTANTS, NOOP, DoesNotFit, find
from harness.backup.mutants.mutating import make
from harness.backup.mutants.parts import recognise
from harness.errors import MutationError
from tests.backup.mutants.builders import CLUSTER, PLAIN, base, custom, directory, plain

FORMS = ("custom", "plain", "cluster", "directory", "basebackup")
"""Those that are built by hand; tar files are made by a server."""
ON_FILES = [one for one in MUTANTS if one.on_files is not None and {*FORMS} & {*one.formats}]


def _bytes(root):
    return {p.relative_to(root): (p.read_bytes(), p.stat().st_mode) for p in root.rglob("*") if p.is_file()}


def _modes(root, folder):
    return {**_bytes(root), "": folder.stat().st_mode}


def _good(kind, tmp_path):
    makers = {
        "custom": custom,
        "plain": plain,
        "cluster": lambda folder: plain(folder, CLUSTER),
        "directory": directory,
        "basebackup": lambda folder: base(folder, tmp_path / "wal"),
    }
    return makers[kind](tmp_path / "good")


@pytest.mark.parametrize("mutant", ON_FILES, ids=lambda one: one.name)
def test_each_damages_and_does_the_same_again(tmp_path, mutant):
    """On the first form that it fits, the copy differs from the good one, and two copies of one seed are alike."""
    backup = _good(next(one for one in FORMS if one in mutant.formats), tmp_path)
    before = _bytes(tmp_path)
    one, two = (make(mutant, backup, tmp_path / name / "copy", 3) for name in ("one", "two"))
    assert one.sentence == two.sentence
    assert _bytes(one.parts.root) == _bytes(two.parts.root)
    whole = make(NOOP_ON_FILES, backup, tmp_path / "whole" / "copy", 0)
    assert _modes(one.parts.root, one.parts.data.parent) != _modes(whole.parts.root, whole.parts.data.parent)
    after = _bytes(tmp_path)
    assert {name: after[name] for name in before} == before


NOOP_ON_FILES = type(NOOP)("nothing", "Nothing.", on_files=lambda parts, random: "nothing")


def test_seeds_differ():
    """Another seed turns another bit."""
    from harness.backup.mutants.mutating import draw

    mutant = find("bit-flipped")
    assert len({draw(mutant, seed).random() for seed in range(20)}) == 20
    assert draw(mutant, 1).random() != draw(find("truncated"), 1).random()


@pytest.mark.parametrize("name", ["bit-flipped", "truncated", "file-missing"])
def test_sums_at_birth_agree_with_the_damage(tmp_path, name):
    """The manifest of such a backup is right of its files, and tells of the good data."""
    backup = custom(tmp_path / "good")
    before = json.loads((backup / "manifest.json").read_text())
    kept = make(find(name), backup, tmp_path / "kept", 1).parts
    assert kept.facts() == before
    born = make(find(f"{name}-at-birth"), backup, tmp_path / "born", 1).parts
    assert born.facts()["tables"] == before["tables"]
    assert born.facts()["files"] == {
        path.name: {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in born.root.iterdir()
        if path.name != "manifest.json"
    }
    assert born.facts()["files"] != before["files"]


def test_a_gap_is_in_the_wal_that_is_needed(tmp_path):
    """Never before the base backup's end, never after the target, and what follows it is there."""
    backup = base(tmp_path / "good", tmp_path / "wal")
    for seed in range(12):
        left = [p.name[-1] for p in make(find("wal-gap"), backup, tmp_path / str(seed), seed).parts.segments()]
        (gone,) = {*"2345678"} - {*left}
        assert gone in "456"


def test_an_archive_that_ends_early_lacks_the_target(tmp_path):
    """The target's segment and all after it never came."""
    backup = base(tmp_path / "good", tmp_path / "wal")
    left = make(find("wal-ends-early"), backup, tmp_path / "copy", 0).parts.segments()
    assert [path.name[-1] for path in left] == ["2", "3", "4", "5", "6"]


def test_a_label_goes_out_of_postgresqls_own_manifest(tmp_path):
    """Its sum is made anew, over the bytes before it, and the rest is JSON still."""
    backup = base(tmp_path / "good", tmp_path / "wal")
    parts = make(find("backup-label-removed"), backup, tmp_path / "copy", 0).parts
    text = (parts.data / "backup_manifest").read_text()
    body, _, last = text.rpartition('"Manifest-Checksum": ')
    assert hashlib.sha256(body.encode()).hexdigest() in last
    assert [one["Path"] for one in json.loads(text)["Files"]] == ["PG_VERSION", "table"]
    assert not (parts.data / "backup_label").exists()


def test_a_cluster_is_cut_between_two_databases(tmp_path):
    """What is left ends with a whole dump of one database."""
    parts = make(find("cluster-cut-between"), plain(tmp_path / "good", CLUSTER), tmp_path / "copy", 0).parts
    text = parts.data.read_text()
    assert text.endswith("-- PostgreSQL database dump complete\n--\n")
    assert 0 < text.count("dump complete") < 3


def test_a_block_of_rows_is_lost_and_nothing_else(tmp_path):
    """The text is whole but for the rows."""
    parts = make(find("copy-block-lost"), plain(tmp_path / "good"), tmp_path / "copy", 0).parts
    assert parts.data.read_text() == PLAIN.replace("1\n2\n", "")


def test_what_does_not_fit_is_refused_by_name(tmp_path):
    """A gap in the WAL of a dump is nothing, and an unknown kind is told from those that there are."""
    with pytest.raises(DoesNotFit, match="wal-gap damages basebackup"):
        make(find("wal-gap"), custom(tmp_path / "good"), tmp_path / "copy", 0)
    with pytest.raises(MutationError, match="did you mean 'bit-flipped'"):
        find("bitflipped")


def test_names_are_unique_and_every_kind_says_what_it_is():
    """One name, one kind, one sentence."""
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    assert all(one.sentence.endswith(".") and (one.on_files is None) != (one.on_content is None) for one in MUTANTS)


def test_a_backup_is_known_by_its_bytes(tmp_path):
    """Names do not matter, and a folder of nothing is refused."""
    backup = custom(tmp_path / "good")
    (backup / "shop.dump").rename(backup / "x")
    assert recognise(backup).format == "custom"
    (tmp_path / "empty").mkdir()
    with pytest.raises(MutationError, match="holds no backup that is known"):
        recognise(tmp_path / "empty")

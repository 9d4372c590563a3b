"""With a real server: content is changed and nothing beside, and the oracle tells one from the other."""

from __future__ import annotations

import pytest

from harness.backup import programs
from harness.backup.killrate import oracle
from harness.backup.killrate.good import Good
from harness.backup.mutants import find
from harness.backup.mutants.mutating import Bench, make
from harness.backup.mutants.parts import recognise
from harness.backup.verify import verify

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """One good backup, a bench on which it is restored once, and what it holds as text."""
    backup = tmp_path_factory.mktemp("good") / "custom"
    Good("custom", "", max(programs.installed()), "custom").make(backup)
    bench = Bench(recognise(backup))
    try:
        yield backup, bench, oracle.text_of(recognise(backup))
    finally:
        bench.close()


def test_made_again_without_damage_it_is_as_good(good, tmp_path):
    """What a mutant of content does beside its damage is nothing: same text, and no detector fails."""
    backup, bench, text = good
    made = make(find("noop"), backup, tmp_path / "copy", 0, bench)
    assert oracle.changes_nothing(made.parts.root, text)
    assert [one.sentence for one in verify(made.parts.root).failed] == []


@pytest.mark.parametrize(
    ("kind", "detector"),
    [("duplicate-and-loss", "content hash"), ("invariant-broken", "invariants")],
)
def test_damage_of_content_is_there_and_is_seen(good, tmp_path, kind, detector):
    """The text is another, the sums agree with it, and the detector that should see it does."""
    backup, bench, text = good
    made = make(find(kind), backup, tmp_path / "copy", 0, bench)
    assert not oracle.changes_nothing(made.parts.root, text)
    failed = {one.detector for one in verify(made.parts.root).failed}
    assert detector in failed
    assert "files" not in failed

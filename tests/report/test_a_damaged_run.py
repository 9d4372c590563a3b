"""A run folder that rots: no traceback, and never in silence beside verdicts that were given on the whole."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from harness import kept, report
from harness.cli import app
from harness.errors import RunFolderError
from harness.history import read
from harness.record import Verdict, Word
from harness.report import sweep as sweeps
from harness.store import RunFolder, read_json, write_json
from harness.sweep import record
from tests.builders import run_folder, window
from tests.sweep.planted import link, planted, refused, sweep_folder
from tests.synthetic_shop import LINKS, SERVICES, synthetic_shop

PASSED = (Verdict("Availability", Word.PASS, "100 % of 600 requests were ok; 99 % wanted."),)
STACK = {
    "services": list(SERVICES),
    "links": {name: {"client": client, "service": service} for name, (client, service) in LINKS.items()},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A judged run of ten seconds; its charts are not drawn."""
    monkeypatch.setattr(report, "_charts", lambda *_: [])
    built = synthetic_shop(1, windows=(window("database slow", 3, 6, "api-postgres", delay_ms=20),), end_s=10.0)
    made = run_folder(tmp_path / "run", built, PASSED, **STACK)
    write_json(made.verdicts, read_json(made.verdicts) | {"judged": kept.judged(made, read(made))})
    return made


def _random(whole: bytes) -> bytes:
    return random.Random(0).randbytes(len(whole))


def _half(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def _bit(whole: bytes) -> bytes:
    return whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) + whole[len(whole) // 2 + 1 :]


def test_a_whole_run_has_no_warning(folder):
    """Nor has one that was judged before folders kept what they were judged on."""
    assert report.build(folder).warnings == ()
    write_json(folder.verdicts, {name: read_json(folder.verdicts)[name] for name in ("word", "verdicts")})
    assert report.build(folder).warnings == ()


@pytest.mark.parametrize("name", ["samples.arrow", "marks.jsonl", "resources.arrow"])
@pytest.mark.parametrize("damage", [_random, _half, _bit, lambda _: b"", None])
def test_damage_since_the_verdicts_is_told(folder, name, damage):
    """On the page, in the summary and in the figures, for each file and each way to lose it."""
    file = folder.path / name
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    (warning,) = report.build(folder).warnings
    assert warning.startswith(f"{name} {'is missing' if damage is None else 'was damaged or cut short'}")
    assert "Not all of this run is here any more" in folder.report.read_text(encoding="utf-8")
    assert name in folder.summary.read_text(encoding="utf-8")


def test_the_warning_counts_what_is_left(folder):
    """How many of the samples that were judged can still be read."""
    folder.samples.write_bytes(_half(folder.samples.read_bytes()))
    (warning,) = report.build(folder).warnings
    assert f"{len(read(folder).samples)} of the 600 samples that the verdicts were given on can be read" in warning


@pytest.mark.parametrize("seed", range(40))
def test_no_flipped_bit_ends_in_a_traceback(folder, seed):
    """Wherever it is: the report is made, or it is refused with a message for the user."""
    chosen = random.Random(seed)
    file = chosen.choice([folder.samples, folder.marks, folder.resources, folder.manifest, folder.verdicts])
    whole = bytearray(file.read_bytes())
    for _ in range(chosen.choice([1, 20])):
        whole[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
    file.write_bytes(bytes(whole))
    with contextlib.suppress(RunFolderError):
        report.build(folder)


@pytest.mark.parametrize("body", [[], {"word": "pass"}, {"verdicts": [{"check": "x"}]}, {"verdicts": [], "judged": 5}])
def test_verdicts_that_are_none_are_told(folder, body):
    """JSON that is not what was written names its file."""
    folder.verdicts.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"verdicts\.json is damaged"):
        report.build(folder)


@pytest.fixture
def swept(tmp_path):
    """A sweep of one cell as its runner leaves it."""
    path = tmp_path / "reports" / "sweep" / "20260101T000000Z"
    sweep_folder(path, planted([link("web-db", "outage", {"*": refused()})]))
    run = RunFolder(path / "runs" / "1")
    kept.keep(run, read(run), ())
    return path


def test_a_whole_sweep_has_no_warning(swept):
    """Nor does its page speak of one."""
    assert sweeps.build(swept).warnings == ()
    assert "here any more" not in (swept / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("samples.arrow", "runs/1: samples.arrow is missing"),
        ("manifest.json", "runs/1: manifest.json is missing"),
        ("", "runs/1: manifest.json is missing"),
    ],
)
def test_what_a_sweep_has_lost_is_told(swept, name, says):
    """On its page, in its summary, among its numbers, and by the command; a run that is gone as a whole, too."""
    shutil.rmtree(swept / "runs/1") if not name else (swept / "runs/1" / name).unlink()
    (warning,) = sweeps.build(swept).warnings
    assert warning.startswith(says)
    for file in ("report.html", "summary.md", "matrix.json"):
        assert says in (swept / file).read_text(encoding="utf-8")
    result = CliRunner().invoke(app, ["report", str(swept)])
    assert result.exit_code == 0
    assert f"warning: {says}" in result.output


def test_a_run_that_had_no_manifest_is_no_loss(swept):
    """It had not begun when it ended."""
    (swept / "runs/2").mkdir()
    held = record.read(swept / "sweep.json")
    record.write(swept / "sweep.json", replace(held, runs=("runs/1", "runs/2")))
    assert sweeps.build(swept).warnings == ()

"""What the page for auditors gives them works as it is written, without the harness."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.drill.records import evidence
from harness.drill.records.learnings import learn
from tests.drill.records.chains import file_of

PAGE = (Path(__file__).parents[3] / "docs" / "hand-the-record-to-an-auditor.md").read_text(encoding="utf-8")


def _block(language, holds):
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (block,) = [one for one in blocks if holds in one]
    return block


def _by_openssl(folder, *arguments):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    return _run(["sh", "-c", _block("sh", "openssl pkeyutl"), "sh", *arguments], folder)


def _by_python(folder, *arguments):
    return _run([sys.executable, "-I", "-c", _block("python", "load_pem_public_key"), *arguments], folder)


def _run(command, folder):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def _change(folder):
    raw = file_of(folder, 2).read_bytes()
    file_of(folder, 2).write_bytes(raw.replace(b'"lost":3', b'"lost":0'))


def _swap(folder):
    second, third = file_of(folder, 2).read_bytes(), file_of(folder, 3).read_bytes()
    file_of(folder, 2).write_bytes(third)
    file_of(folder, 3).write_bytes(second)


@pytest.mark.parametrize("way", [_by_openssl, _by_python])
def test_a_sound_chain_passes_without_the_harness(five, way):
    """With texts in it that look like a signature, or like the end of a record."""
    learn(five, 2, 'says ","signature":"AAAA"}\nand more: äöü €')
    done = way(five)
    assert (done.returncode, done.stdout) == (0, "6 records, each as it was signed and in its place\n"), done.stderr


@pytest.mark.parametrize("way", [_by_openssl, _by_python])
@pytest.mark.parametrize(
    "damage",
    [
        _change,
        _swap,
        lambda folder: file_of(folder, 3).unlink(),
        lambda folder: file_of(folder, 5).unlink(),
        lambda folder: file_of(folder, 2).replace(file_of(folder, 9)),
    ],
    ids=["changed", "swapped", "missing", "cut off", "renamed"],
)
def test_a_touched_chain_fails_without_the_harness(five, way, damage):
    """Whatever was done to it, both ways end with an error."""
    damage(five)
    assert way(five).returncode != 0


@pytest.mark.parametrize("way", [_by_openssl, _by_python])
def test_the_auditors_own_key_is_what_counts(five, tmp_path, way):
    """A chain of another key than the one they were given fails."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "other.pem")], check=True)
    other = subprocess.run(
        ["openssl", "pkey", "-in", str(tmp_path / "other.pem"), "-pubout"], check=True, capture_output=True
    )
    (tmp_path / "other.pub.pem").write_bytes(other.stdout)
    assert way(five, str(tmp_path / "other.pub.pem")).returncode != 0
    assert way(five, "key.pub.pem").returncode == 0


def test_the_page_names_each_file_that_is_evidence_and_no_other():
    """As the record has them."""
    (told,) = re.findall(r"^The evidence of a run is (.*?), where it has them", PAGE, re.MULTILINE | re.DOTALL)
    assert sorted(re.findall(r"`([^`]+)`", told)) == sorted(evidence.FILES)

"""Which commit a record names, by repositories that are made here."""

from __future__ import annotations

import subprocess

import pytest

from harness.drill.checkout import commit


def _git(folder, *given):
    told = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *told, *given], cwd=folder, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A repository with one file, in a folder of it."""
    folder = tmp_path / "project" / "drills"
    folder.mkdir(parents=True)
    (folder / "down.py").write_text("one", encoding="utf-8")
    _git(folder, "init", "-q", "..")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "one")
    return folder


def test_a_tree_that_was_changed_is_told(project):
    """The commit alone would name other files than those that ran; what git does not track is no change."""
    head = _git(project, "rev-parse", "HEAD")
    (project / "reports").mkdir()
    (project / "reports" / "run").write_text("new", encoding="utf-8")
    assert commit(project) == head
    (project / "down.py").write_text("two", encoding="utf-8")
    assert commit(project) == f"{head}+changed"


def test_a_repository_whose_git_is_a_file_is_not_passed_over_for_an_outer_one(project):
    """As that of a worktree, or of a submodule."""
    _git(project, "worktree", "add", "-q", "inner")
    inner = project / "inner"
    (inner / "more").write_text("more", encoding="utf-8")
    _git(inner, "add", ".")
    _git(inner, "commit", "-qm", "two")
    assert commit(inner) == _git(inner, "rev-parse", "HEAD") != commit(project)


def test_where_nobody_can_tell_the_commit_is_empty(project, tmp_path, monkeypatch):
    """No repository, no commit in it yet, none that tracks the file that is asked for, no git."""
    outside = tmp_path / "outside"
    outside.mkdir()
    assert commit(project, "down.py") != ""
    assert (commit(project, "other.py"), commit(outside)) == ("", "")
    _git(outside, "init", "-q")
    assert commit(outside) == ""
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit(project) == ""

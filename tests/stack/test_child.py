"""Processes of ours: recognised by id and start, ended as whole groups."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.errors import StartError
from harness.stack.child import last_lines, start
from harness.waiting import wait_until

FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def test_the_whole_group_ends(tmp_path: Path):
    """What a process started ends with it."""
    child = start("family", [sys.executable, "-c", FAMILY], tmp_path / "log")
    parent = psutil.Process(child.pid)
    assert wait_until(lambda: bool(parent.children()), 10)
    (grandchild,) = parent.children()
    assert child.id.end()
    assert wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 5)


def test_one_that_will_not_hear_is_killed(tmp_path: Path):
    """SIGKILL follows the stop signal when its time is over."""
    child = start("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "log")
    assert wait_until(lambda: "deaf" in (tmp_path / "log").read_text(encoding="utf-8"), 10)
    assert child.id.end(within_s=0.3)
    assert not child.id.alive()


def test_an_id_that_was_used_anew_is_not_taken_for_the_old_process(tmp_path: Path):
    """A process is its id and its start: another one with that id is left alone."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        child = start("brief", [sys.executable, "-c", ""], tmp_path / "log")
        child.popen.wait(10)
        stale = replace(child.id, pid=bystander.pid, started=child.id.started - 60)
        assert not stale.alive()
        stale.end(within_s=0.2)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(5)


def test_a_command_that_is_not_there_is_told(tmp_path: Path):
    """In words, with the command."""
    with pytest.raises(StartError, match="ghost could not start"):
        start("ghost", ["/no/such/command"], tmp_path / "log")


def test_how_it_ended_is_known(tmp_path: Path):
    """By exit code or by signal, with the end of its log."""
    child = start("brief", [sys.executable, "-c", "print('goodbye'); raise SystemExit(3)"], tmp_path / "log")
    assert wait_until(lambda: child.ended() is not None, 10)
    assert child.ended() == "exit code 3"
    assert "goodbye" in last_lines(tmp_path / "log")
    assert os.getpgid(0) != child.pid

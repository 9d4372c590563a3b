"""What the embedded stack does to a process and all that it started, on small processes of our own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

import pytest

from harness.errors import StartError
from harness.stack import process_tree
from harness.stack.child import start
from harness.stack.launch import record
from harness.stack.process_powers import ProcessPowers
from harness.stack.state import RunningService
from harness.waiting import wait_until

BUSY = "while True: pass"
STILL_S = 0.005
"""A signal takes a moment to arrive."""
FAMILY = "import os\nif os.fork() == 0: os.setsid()\nwhile True: pass"


@pytest.fixture
def powers(tmp_path):
    """Makes the powers over a process that runs some Python, and can be started again."""
    made = []

    def one(code):
        launch = record(tmp_path, "it", [sys.executable, "-c", code], tmp_path / "log")
        child = launch.begin()
        made.append(ProcessPowers(RunningService("it", "", "", child.id, launch.path), child.id))
        return made[-1]

    yield one
    for powers in made:
        powers.let_go()
        process_tree.kill(powers.process)


def _used_s(powers, over_s):
    members = process_tree.pids(powers.process)
    before_s = process_tree.cpu_s(members)
    time.sleep(over_s)
    return process_tree.cpu_s(members) - before_s


def _family(powers):
    assert wait_until(lambda: len(process_tree.pids(powers.process)) == 2, 5)
    return process_tree.pids(powers.process)


def test_a_squeeze_bounds_all_of_it_together(powers):
    """A child that left its group counts too."""
    it = powers(FAMILY)
    _family(it)
    it.limit_cpu(0.1)
    _used_s(it, 0.3)
    assert _used_s(it, 1.0) <= 0.13
    it.limit_cpu(None)
    assert not process_tree.held_still(it.process)


def test_a_squeeze_lets_nothing_go_on_that_is_frozen(powers):
    """Neither while it goes on nor when it ends; and the freeze's end leaves the squeeze."""
    it = powers(BUSY)
    it.limit_cpu(0.2)
    _used_s(it, 0.2)
    it.freeze()
    assert _used_s(it, 0.3) < STILL_S
    it.limit_cpu(None)
    assert _used_s(it, 0.1) < STILL_S
    it.limit_cpu(0.2)
    it.thaw()
    assert 0 < _used_s(it, 0.8) <= 0.3


def test_a_frozen_process_is_still_with_all_that_it_started(powers):
    """No child of it goes on."""
    it = powers(FAMILY)
    _family(it)
    it.freeze()
    assert wait_until(lambda: process_tree.held_still(it.process), 2)
    assert _used_s(it, 0.2) < STILL_S
    it.thaw()
    assert wait_until(lambda: not process_tree.held_still(it.process), 2)


def test_a_kill_leaves_no_child(powers):
    """Nor a frozen one, nor one that left the group."""
    it = powers(FAMILY)
    family = _family(it)
    it.freeze()
    it.kill()
    for pid in family:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    assert not [pid for pid in family if process_tree._lives(pid)]


def test_what_holds_more_than_it_may_is_killed(powers):
    """Not what holds less, and nothing any more when the limit is gone."""
    it = powers("x = bytearray(50_000_000)\nimport time; time.sleep(1000)")
    it.limit_memory(1_000_000_000)
    assert not wait_until(lambda: not it.alive(), 0.3)
    it.limit_memory(20_000_000)
    assert wait_until(lambda: not it.alive(), 2)
    it.limit_memory(None)
    assert it.start()
    assert not wait_until(lambda: not it.alive(), 0.5)


def test_a_limit_of_memory_changes_while_it_is_watched(powers):
    """The watch takes the newest."""
    it = powers("import time; time.sleep(1000)")
    it.limit_memory(1_000_000_000)
    it.limit_memory(1_000_000)
    assert wait_until(lambda: not it.alive(), 2)


def test_what_did_not_run_is_not_started(tmp_path):
    """A run that found a service ended leaves it so."""
    launch = record(tmp_path, "it", [sys.executable, "-c", BUSY], tmp_path / "log")
    child = start("it", launch.command, tmp_path / "log")
    child.end()
    powers = ProcessPowers(RunningService("it", "", "", child.id, launch.path, running=False), child.id)
    assert not powers.start()
    assert not powers.alive()


def test_a_process_without_a_record_cannot_be_started_again(tmp_path):
    """Its stack is gone, and the error says so."""
    child = start("it", [sys.executable, "-c", BUSY], tmp_path / "log", stop_signal=signal.SIGKILL)
    child.end()
    with pytest.raises(StartError, match="cannot be started again"):
        ProcessPowers(RunningService("it", "", "", child.id, str(tmp_path / "none")), child.id).start()

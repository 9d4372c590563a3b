"""Faults on a service are counted: each heal ends its own, whatever overlaps, over powers written by hand."""

from __future__ import annotations

import threading
import time

import pytest

from harness.errors import StartError
from harness.stack.service import BreakableService


class _Powers:
    """Remembers what was done, and does it to a service that is four words."""

    def __init__(self):
        self.did: list[str] = []
        self.lives, self.frozen, self.limits = True, False, {}
        self.stops_in_s = 0.0
        self.needs_bytes = 0
        self.done = False
        self.stopping = threading.Event()

    def alive(self):
        return self.lives

    def is_done(self):
        return self.done

    def kill(self):
        self.did.append("kill")
        self._end()
        self.stopping.set()

    def stop(self):
        self.did.append("stop")
        self.stopping.wait(self.stops_in_s)
        self._end()

    def _end(self):
        self.lives = self.frozen = False

    def start(self):
        if self.lives:
            return False
        if self.limits.get("memory") is not None and self.limits["memory"] < self.needs_bytes:
            raise StartError("too little memory")
        self.did.append("start")
        self.lives = True
        return True

    def freeze(self):
        self.frozen = True

    def thaw(self):
        self.frozen = False

    def limit_cpu(self, cores):
        self.limits["cpu"] = cores

    def limit_memory(self, limit_bytes):
        self.limits["memory"] = limit_bytes
        if limit_bytes is not None and limit_bytes < self.needs_bytes:
            self._end()

    def limit_disk(self, path, free_bytes):
        self.limits[path] = free_bytes

    def leave_networks(self):
        self.did.append("leave")

    def join_networks(self):
        self.did.append("join")

    def break_dns(self):
        self.did.append("break dns")

    def mend_dns(self):
        self.did.append("mend dns")

    def let_go(self):
        self.did.append("let go")


@pytest.fixture
def powers():
    return _Powers()


@pytest.fixture
def service(powers):
    return BreakableService("db", powers)


def _soon(true):
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_last_that_lets_go_ends_it(service, powers):
    """Two windows of one kind: it goes on when both have ended."""
    first, second = service.freeze(), service.freeze()
    first()
    assert powers.frozen
    second()
    assert not powers.frozen


def test_two_that_hold_it_down_start_it_once(service, powers):
    """Killed in a stop's window: it is back with the last of both."""
    stop = service.stop()
    _soon(lambda: not powers.lives)
    kill = service.kill()
    stop()
    assert not powers.lives
    kill()
    assert powers.did == ["stop", "kill", "start"]


def test_of_several_limits_the_tightest_counts(service, powers):
    """Whatever the order in which they come and go; at the end it has what it had."""
    heals = [service.squeeze_cpu(cores) for cores in (0.5, 0.2, 0.8)]
    assert powers.limits["cpu"] == 0.2
    heals[1]()
    assert powers.limits["cpu"] == 0.5
    heals[0]()
    assert powers.limits["cpu"] == 0.8
    heals[2]()
    assert powers.limits["cpu"] is None
    wide, tight = service.fill_disk("/data", 1000), service.fill_disk("/data", 0)
    assert powers.limits["/data"] == 0
    tight()
    assert powers.limits["/data"] == 1000
    wide()
    assert powers.limits["/data"] is None


def test_what_is_started_again_is_brought_to_what_is_still_wanted(service, powers):
    """Frozen, cut off and nameless ones are so again, in the windows that still hold them."""
    freeze, partition, dns = service.freeze(), service.partition(), service.break_dns()
    kill = service.kill()
    powers.did.clear()
    dns()
    kill()
    assert powers.frozen
    assert powers.did == ["mend dns", "start", "leave"]
    freeze()
    partition()
    assert not powers.frozen


def test_what_is_down_is_brought_to_it_when_it_is_back(service, powers):
    """A freeze that begins in a kill's window cannot hold what is not there."""
    kill, freeze = service.kill(), service.freeze()
    assert not powers.frozen
    kill()
    assert powers.frozen
    freeze()
    assert not powers.frozen


def test_a_restart_in_the_window_of_a_kill_starts_nothing(service, powers):
    """What holds it down starts it again."""
    kill = service.kill()
    service.restart()()
    assert not powers.lives
    kill()
    assert powers.did == ["kill", "start"]


def test_a_restart_that_takes_its_time_keeps_no_other_fault_waiting(service, powers):
    """Nor does it look like a death; a kill ends it, and what is killed is down until the kill's window ends."""
    powers.stops_in_s = 30
    began = time.monotonic()
    restart, squeeze = service.restart(), service.squeeze_cpu(0.1)
    assert not service.died()
    kill = service.kill()
    restart()
    squeeze()
    assert time.monotonic() - began < 5
    assert not powers.lives
    kill()
    assert powers.did == ["stop", "kill", "start"]


@pytest.mark.parametrize("fault", ["stop", "restart"])
def test_what_has_not_ended_soon_after_its_window_is_killed(service, powers, monkeypatch, fault):
    """Whoever runs the clock cannot wait a whole grace period; it is started then, as it would have been."""
    monkeypatch.setattr("harness.stack.service.CUT_SHORT_AFTER_S", 0.1)
    powers.stops_in_s = 30
    began = time.monotonic()
    getattr(service, fault)()()
    assert time.monotonic() - began < 5
    assert powers.did == ["stop", "kill", "start"]


def test_a_job_that_is_done_has_neither_died_nor_fallen(service, powers):
    """Whatever fault is in; but one that comes back lives, and may die."""
    powers.lives, powers.done = False, True
    heal = service.squeeze_cpu(0.1)
    assert not service.fell()
    heal()
    powers.lives, powers.done = False, True
    assert not service.died()


def test_a_stop_that_takes_its_time_keeps_nobody_waiting(service, powers):
    """It is asked at once and waited for when its window ends, before the start."""
    powers.stops_in_s = 0.3
    began = time.monotonic()
    heal = service.stop()
    assert time.monotonic() - began < 0.2
    assert not service.died()
    heal()
    assert powers.did == ["stop", "start"]


def test_a_kill_ends_a_stop_that_takes_its_time(service, powers):
    """A crash does not wait for good order."""
    powers.stops_in_s = 30
    stop = service.stop()
    kill = service.kill()
    assert not powers.lives
    stop()
    kill()
    assert powers.lives


def test_an_error_of_what_is_done_meanwhile_is_told_at_its_end(service, powers, monkeypatch):
    """A stop that the engine refused does not pass for one that was done."""

    def refuse():
        raise StartError("refused")

    monkeypatch.setattr(powers, "stop", refuse)
    with pytest.raises(StartError, match="refused"):
        service.stop()()


def test_what_was_asked_to_end_is_noted_until_it_is_started_again(powers, tmp_path):
    """On disk, for whoever heals after a harness that is killed meanwhile."""
    powers.stops_in_s = 0.2
    note = tmp_path / "ending-db"
    heal = BreakableService("db", powers, note).stop()
    _soon(note.exists)
    _soon(lambda: not powers.lives)
    assert note.exists()
    heal()
    assert not note.exists()


def test_what_memory_killed_is_started_when_it_may_have_enough(service, powers):
    """Not before: with the other limit still in it could not start."""
    powers.needs_bytes = 500
    small, smaller = service.squeeze_memory(100), service.squeeze_memory(50)
    assert service.fell()
    assert not service.fell()
    smaller()
    assert not powers.lives
    small()
    assert powers.lives


def test_an_end_under_a_fault_is_the_faults_and_is_mended_with_it(service, powers):
    """A database that ends because its disk is full did not die by itself, and is started with the disk's heal."""
    heal = service.fill_disk("/data", 0)
    powers.lives = False
    assert not service.died()
    assert service.fell()
    heal()
    assert powers.lives
    assert not service.died()


def test_an_end_without_a_fault_is_its_own(service, powers):
    """The run ends by it."""
    assert not service.died()
    powers.lives = False
    assert service.died()
    assert not service.fell()


def test_letting_go_ends_a_stop_at_once_and_wants_nothing(service, powers):
    """The stack's heal must not be undone by what was still going on."""
    powers.stops_in_s = 30
    service.stop()
    service.squeeze_cpu(0.1)
    _soon(lambda: "stop" in powers.did)
    began = time.monotonic()
    service.let_go()
    assert time.monotonic() - began < 5
    assert powers.did == ["stop", "kill", "let go"]
    powers.lives = True
    assert not service.died()
    powers.lives = False
    assert service.died()

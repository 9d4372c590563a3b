"""What goes on beside a drill, by real commands: it is repeated, told in a log, ended with the drill."""

from __future__ import annotations

import os
import time

from harness.drill.jobs import Jobs, until_done
from harness.drill.model import Job
from harness.waiting import wait_until


def test_a_job_is_done_again_and_again_and_ends_with_the_drill(tmp_path):
    """In the drill's environment; what it is at when the drill ends is ended too."""
    ticks, pid = tmp_path / "ticks", tmp_path / "pid"
    jobs = (Job('echo "$WORD" >> ticks', every_s=0.1), Job("echo $$ > pid; exec sleep 60", every_s=60))
    running = Jobs(jobs, {**os.environ, "WORD": "tick"}, tmp_path, tmp_path / "jobs.log")
    running.start()
    try:
        assert wait_until(lambda: ticks.is_file() and ticks.read_text().count("tick") > 2 and pid.is_file(), 10)
    finally:
        running.stop()
    counted = ticks.read_text().count("tick")
    assert not os.path.exists(f"/proc/{pid.read_text().strip()}")
    assert not wait_until(lambda: ticks.read_text().count("tick") > counted, 0.3)
    assert "exit 0" in (tmp_path / "jobs.log").read_text(encoding="utf-8")


def test_a_job_that_fails_is_told_without_its_secrets_and_stops_nothing(tmp_path):
    """As cron does; passwords stay out of the log."""
    environment = {**os.environ, "SHOP_PASSWORD": "kept-to-ourselves"}
    running = Jobs((Job('echo "$SHOP_PASSWORD"; exit 3', every_s=0.05),), environment, tmp_path, tmp_path / "jobs.log")
    running.start()
    try:
        log = tmp_path / "jobs.log"
        assert wait_until(lambda: log.is_file() and log.read_text().count("exit 3") > 1, 10)
    finally:
        running.stop()
    assert "kept-to-ourselves" not in log.read_text(encoding="utf-8")


def test_what_must_be_there_before_is_asked_again_until_it_is(tmp_path):
    """Each second; it is told what it last said where it never is, and nothing more is asked once it is called off."""
    asked = 'echo x >> asked; test "$(wc -l < asked)" -ge 2'
    assert until_done(asked, dict(os.environ), tmp_path, 10, lambda: False) is None
    why = until_done("echo not yet; exit 7", dict(os.environ), tmp_path, 0.2, lambda: False)
    assert why is not None
    assert "exit 7" in why
    assert "not yet" in why
    began = time.monotonic()
    assert until_done("sleep 60", dict(os.environ), tmp_path, 60, lambda: True) is not None
    assert time.monotonic() - began < 5

"""What the runbooks do with what is worth keeping: moved, never lost, and only what was looked at."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from tests.runbook.played import EXEC, Night

REGION = ("postgres", "api", "etl", "payments", "shipping", "feed", "backup")


def _night(folder: Path, *names: str, end: str = "echo 'pass: good'") -> Night:
    """Backups of those names, `kind/2name`; those that have bad in it fail."""
    night = Night(folder, f'case "$3" in *bad*) echo "fail: bad"; exit 1;; esac\n{end}\n')
    for one in names:
        (night.backups / one).mkdir(parents=True)
    return night


@pytest.mark.parametrize(("code", "said"), [(4, "unknown: no PostgreSQL 19"), (6, "harness: no"), (1, "Traceback")])
def test_a_verifier_that_fails_calls_no_backup_damaged(tmp_path: Path, code: int, said: str) -> None:
    """And nothing is moved: the step says why, and fails."""
    night = _night(tmp_path, "logical/2good", "logical/2bad", end=f'echo "{said}"; exit {code}')
    is_well, output = night.play("backup-failed", "which")
    assert not is_well
    assert output.splitlines()[-1].endswith(f"2good was not judged (exit code {code}): {said}")
    assert (night.evidence / "damaged.txt").read_text().split() == [str(night.backups / "logical/2bad")]


def test_the_last_backup_of_a_kind_stays_until_there_is_another(tmp_path: Path) -> None:
    """Executed twice, the step moves nothing more."""
    night = _night(tmp_path, "logical/2bad", "physical/2bad", "physical/3good", "physical/2good")
    assert night.play("backup-failed", "which")[0]
    for _ in range(2):
        assert night.play("backup-failed", "aside")[0]
        assert (night.backups / "logical/2bad").is_dir()
        assert (night.backups / "damaged/physical-2bad").is_dir()
    (night.backups / "logical/2new").mkdir()
    for _ in range(2):
        assert night.play("backup-failed", "last")[0]
        assert not (night.backups / "logical/2bad").exists()
    assert (night.backups / "damaged/logical-2bad").is_dir()


def test_no_backup_is_moved_while_somebody_reads_it(tmp_path: Path) -> None:
    """Who restores or verifies holds a shared lock."""
    night = _night(tmp_path, "logical/2bad", "logical/2good")
    night.play("backup-failed", "which")
    with (night.backups / ".in-use").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        waits = threading.Thread(target=night.play, args=("backup-failed", "aside"))
        waits.start()
        waits.join(1)
        assert (night.backups / "logical/2bad").is_dir()
    waits.join(10)
    assert (night.backups / "damaged/logical-2bad").is_dir()


@pytest.mark.parametrize("alive", ["", *REGION])
def test_a_region_is_lost_only_where_nothing_of_it_is_alive(tmp_path: Path, alive: str) -> None:
    """One service that is up is another runbook's."""
    night = Night(tmp_path, f"cat {tmp_path}/status\n")
    lines = [f"{one} {'127.0.0.1:1 pid 1' if one == alive else 'at 127.0.0.1:1 DEAD '}" for one in REGION]
    (tmp_path / "status").write_text("\n".join([*lines, "toxiproxy at 127.0.0.1:2"]) + "\n")
    is_well, output = night.play("region-loss", "look")
    assert is_well is (alive == "")
    assert not alive or output.endswith(f"{alive} is not down\n")


@pytest.mark.parametrize("book", ["region-loss", "postgres-down"])
@pytest.mark.parametrize(("asked", "ends"), [("echo 20000000", False), ("echo 7", True), ("exit 2", True)])
def test_a_database_that_adds_up_is_not_taken_down(tmp_path: Path, book: str, asked: str, ends: bool) -> None:
    """An alert that is late, or a service that is not back, is no reason; a wrong sum, or no answer, is one."""
    script = f'if test "$2" = exec; then {asked}; else echo "$3 is stopped" | tee -a {tmp_path}/stopped; fi\n'
    is_well, _ = Night(tmp_path, script).play(book, "halt")
    assert is_well
    assert (tmp_path / "stopped").exists() is ends


@pytest.mark.parametrize(("code", "is_quiet"), [(0, True), (4, True), (1, False)])
def test_after_a_lost_region_only_its_own_alerts_are_asked(tmp_path: Path, code: int, is_quiet: bool) -> None:
    """Those that were never heard of are quiet: who would have told them was gone."""
    night = Night(
        tmp_path, f'test "$3 $4 $5" = "ServiceDown DatabaseUnreachable BackupFailed" && exit {code}\nexit 9\n'
    )
    assert night.play("region-loss", "quiet")[0] is is_quiet


def test_data_that_does_not_come_up_is_moved_aside_and_kept(tmp_path: Path) -> None:
    """Executed twice, it finds nothing more to move."""
    data = tmp_path / "volume" / "pgdata"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16")
    night = Night(tmp_path, EXEC, DATABASE_FOLDER=str(data))
    assert night.play("postgres-down", "aside")[0]
    assert not data.exists()
    assert night.play("postgres-down", "aside") == (True, "nothing is there\n")
    (moved,) = data.parent.iterdir()
    assert moved.name.startswith("pgdata.aside-")
    assert (moved / "PG_VERSION").read_text() == "16"


def test_only_files_that_were_named_are_removed(tmp_path: Path) -> None:
    """A log goes; a tar, what was moved aside, and what was struck out of the list stay. Twice does no more."""
    data = tmp_path / "volume" / "pgdata"
    (data.parent / "pgdata.aside-1").mkdir(parents=True)
    (data / "base").mkdir(parents=True)
    large = ["pgdata/debug.log", "core.7", "pgdata/kept.log", "shop.tar", "pgdata.aside-1/x.log", "pgdata/base/1.log"]
    for name in large:
        (data.parent / name).write_bytes(bytes(2**20 + 1024))
    (data / "small.log").write_text("small")
    night = Night(tmp_path, EXEC, DATABASE_FOLDER=str(data))
    assert night.play("disk-full", "strange")[1].endswith("they are 3\n")
    assert all((data.parent / name).exists() for name in large)
    listed = night.evidence / "to-remove.txt"
    listed.write_text("".join(one for one in listed.read_text().splitlines(True) if "kept" not in one))
    for _ in range(2):
        assert night.play("disk-full", "remove")[0]
    assert [name for name in large if not (data.parent / name).exists()] == ["pgdata/debug.log", "core.7"]
    assert (data / "small.log").exists()


def test_the_door_that_a_killed_step_left_open_is_shut(tmp_path: Path) -> None:
    """By the rollback, with what pg_hba.conf was before."""
    open_door = "host all all 127.0.0.1/32 trust\n"
    (tmp_path / "pg_hba.conf").write_text(f"{open_door}host all all all scram-sha-256\n")
    (tmp_path / "pg_hba.conf.kept").write_text("host all all all scram-sha-256\n")
    night = Night(tmp_path, EXEC, PGDATA=str(tmp_path))
    for _ in range(2):
        assert night.play("bad-config", "shut-again")[0]
        assert (tmp_path / "pg_hba.conf").read_text() == "host all all all scram-sha-256\n"


@pytest.mark.parametrize("book", ["bad-deploy", "retry-storm", "bad-config", "billing-anomaly", "etl-bad-file"])
def test_the_deploy_that_was_shown_is_the_one_that_is_taken_back(tmp_path: Path, book: str) -> None:
    """The last one, by its name: another that comes in between is not."""
    step = {"retry-storm": "calm", "billing-anomaly": "right-files", "etl-bad-file": "right-files"}.get(book, "back")
    night = Night(tmp_path, 'printf "2026-03-01T02:00:00.000Z RELEASE\\n2026-03-01T01:00:00.000Z SEED\\n"\n')
    assert night.play(book, "deploys")[0]
    night.harness('echo "$@"\n')
    assert night.play(book, step)[1].endswith(" --back 2026-03-01T02:00:00.000Z\n")

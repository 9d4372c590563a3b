"""The scratch server: where it may stand, and that nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.backup import programs, warden
from harness.backup.folder import NOTE
from harness.backup.running import Deadline
from harness.backup.scratch import Scratch, refuse_in_use
from harness.backup.session import QueryError
from harness.errors import BackupError, StartError
from harness.waiting import wait_until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
_BEGINS = """
import sys
from harness.backup import programs
from harness.backup.running import Deadline
from harness.backup.scratch import Scratch
scratch = Scratch(programs.installed()[max(programs.installed())])
scratch.initdb(Deadline(60)); scratch.start(Deadline(60))
print(scratch.folder, scratch._server.pid, flush=True)
sys.stdin.read()
"""


def test_kill_9_leaves_neither_a_server_nor_a_folder():
    """The warden takes both away."""
    command = [sys.executable, "-c", _BEGINS]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as popen:
        folder, pid = popen.stdout.readline().split()
        assert Path(f"/proc/{pid}").exists()
        popen.send_signal(signal.SIGKILL)
        popen.wait()
    assert wait_until(lambda: not Path(folder).exists(), 15.0)
    assert wait_until(lambda: warden.ours(folder) == [] and not Path(f"/proc/{pid}").exists(), 15.0)


def test_what_a_backup_runs_has_no_network_and_writes_into_no_folder_of_ours():
    """Only the loopback, which is down; as root nothing can be put in the place of what we write next."""
    with Scratch(programs.installed()[max(programs.installed())]) as scratch:
        scratch.initdb(Deadline(60.0))
        scratch.start(Deadline(60.0))
        with scratch.session("postgres", Deadline(60.0)) as session:
            session.query("CREATE TEMP TABLE said (line text)")
            if scratch.network_said == "":
                session.query("COPY said FROM PROGRAM 'tail -n +3 /proc/net/dev | cut -d: -f1'")
                assert [str(row[0]).strip() for row in session.query("SELECT line FROM said")] == ["lo"]
            if os.geteuid() == 0:
                for act in ("touch x", "mv server.log y", "mkdir dump"):
                    with pytest.raises(QueryError):
                        session.query(f"COPY said TO PROGRAM 'cd {scratch.folder} && {act}'")


def test_a_folder_in_use_is_refused(tmp_path):
    """A server's data, a folder in it, one that holds anything, the backup itself."""
    for name in ("primary/base", "full", "backup", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "primary" / "PG_VERSION").touch()
    (tmp_path / "full" / "file").touch()
    for name in ("primary", "primary/base", "primary/new", "full", "full/file"):
        with pytest.raises(BackupError, match="give an empty folder"):
            refuse_in_use(tmp_path / name)
    with pytest.raises(BackupError, match="in the backup itself"):
        refuse_in_use(tmp_path / "backup" / "new", tmp_path / "backup")
    refuse_in_use(tmp_path / "empty", tmp_path / "backup")


def test_programs_that_are_not_here_are_told():
    """With those that are."""
    with pytest.raises(StartError, match=r"no programs of PostgreSQL 12 are here.*HARNESS_POSTGRES"):
        programs.find(12)
    assert [programs.major_of(one) for one in ("18.4", "18beta1", "15.1 (Debian)", "x")] == [18, 18, 15, None]


def _harness(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "harness", "backup", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@contextlib.contextmanager
def receiver():
    """(address, what came) of a receiver of alerts."""
    came = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()


def test_the_verbs_end_as_they_say_and_the_alert_is_delivered(tmp_path):
    """1 for a backup that is none or is not there, with its note and its alert; 1 for the note; 2 for what is asked
    wrongly, and for a note that cannot be written, which keeps nobody from being told."""
    (tmp_path / "bad.dump").write_text("no dump")
    with receiver() as (url, came):
        done = _harness("verify", tmp_path / "bad.dump", "--note", tmp_path, "--webhook", url, "--json")
        assert (done.returncode, json.loads(done.stdout)["word"]) == (1, "fail")
        assert json.loads((tmp_path / NOTE).read_text())["kinds"][""]["word"] == "fail"
        done = _harness("check", tmp_path, "--within", "1h", "--webhook", url)
        assert (done.returncode, "no pass" in done.stdout) == (1, True)
        done = _harness("verify", tmp_path / "gone", "--kind", "logical", "--note", tmp_path, "--webhook", url)
        assert (done.returncode, "fail: " in done.stdout) == (1, True)
        assert json.loads((tmp_path / NOTE).read_text())["kinds"]["logical"]["word"] == "fail"
        (tmp_path / NOTE).unlink()
        (tmp_path / NOTE).mkdir()
        done = _harness("verify", tmp_path / "bad.dump", "--note", tmp_path, "--webhook", url)
        assert (done.returncode, "fail: " in done.stdout, "cannot be written" in done.stderr) == (2, True, True)
    alerts = [one["alerts"][0]["labels"]["alertname"] for one in came]
    assert alerts == ["BackupNotRestorable", "BackupNotVerified", "BackupNotRestorable", "BackupNotRestorable"]
    for arguments in (
        ("verify", tmp_path / "bad.dump", "--kind", "physic"),
        ("verify", tmp_path / "bad.dump", "--target", "x=1"),
        ("latest", "no"),
    ):
        assert _harness(*arguments).returncode == 2, arguments

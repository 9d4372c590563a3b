"""The load process with every kind of user, against a real server: what it sends, when, and what it records."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from harness.errors import LocustfileError
from harness.generator import Generator
from harness.history import read_samples
from harness.schema import SAMPLES
from tests.integration.driven import Driven
from tests.integration.project import Project, wait_for

FAST = "class U(FastHttpUser):\n    network_timeout = 5.0\n    @task\n    def t(self): self.client.get('{path}')"


def test_the_open_model_sends_when_it_was_intended(tmp_path: Path, host: str) -> None:
    """Every arrival of the schedule is there, at its time, and the warm-up is left out."""
    samples = Driven(tmp_path, host, FAST.format(path="/")).run()
    assert len(samples) == 150
    assert np.allclose(np.sort(samples["intended_ns"]), np.arange(150) * 20_000_000, atol=1)
    assert (samples["outcome"] == "ok").all()
    assert set(samples["endpoint"]) == {"GET /"}


def test_a_server_that_stalls_is_seen_by_all_who_waited(tmp_path: Path, host: str) -> None:
    """During a freeze of a second, arrivals go on: their response times fall from a second to nothing."""
    locustfile = (
        "sent = []\nclass U(FastHttpUser):\n    @task\n    def t(self):\n        sent.append(1)\n"
        "        self.client.get('/freeze' if len(sent) == 60 else '/', name='/')"
    )
    samples = Driven(tmp_path, host, locustfile).run()
    assert len(samples) == 150
    assert 40 <= (samples["response_ms"] > 100).sum() <= 60


def test_arrivals_that_find_nobody_free_are_counted(tmp_path: Path, host: str) -> None:
    """Two users at half a second a request take four a second; the rest are dropped, and said to be."""
    driven = Driven(tmp_path, host, FAST.format(path="/ms/500"), users=2)
    samples = driven.run()
    assert len(samples) <= 16
    assert sum(beat.dropped for beat in driven.beats) >= 120


@pytest.mark.parametrize("kind", ["FastHttpUser", "HttpUser"])
def test_users_that_wait_hold_no_connection(tmp_path: Path, host: str, kind: str) -> None:
    """Each asked once in on_start; a server that takes no more than sixty connections has room for those who ask."""
    locustfile = (
        f"class U({kind}):\n    def on_start(self): self.client.get('/room')\n    @task\n"
        "    def t(self): self.client.get('/room')"
    )
    samples = Driven(tmp_path, host, locustfile, users=150).run()
    assert len(samples) == 150
    assert (samples["outcome"] == "ok").all()


def test_the_closed_model_is_as_many_users(tmp_path: Path, host: str) -> None:
    """Four users without a think time at 50 ms a request send eighty a second."""
    locustfile = FAST.format(path="/ms/50") + "\n    wait_time = constant(0)"
    samples = Driven(tmp_path, host, locustfile, model="closed", users=4).run()
    assert 180 <= len(samples) <= 245
    assert (samples["response_ms"] == samples["service_ms"]).all()


def test_a_shape_of_the_locustfile_is_followed(tmp_path: Path, host: str) -> None:
    """Its own LoadTestShape says how many users there are, and when it ends."""
    shape = (
        "\n    wait_time = constant(0.02)\n\nclass S(LoadTestShape):\n    def tick(self):\n"
        "        return (2, 10) if self.get_run_time() < 2 else None"
    )
    samples = Driven(tmp_path, host, FAST.format(path="/") + shape, model="shape").run()
    assert len(samples) > 50


EVERY_KIND = """
import time
from locust.exception import StopUser

@events.init.add_listener
def ready(environment, **_): print("the listener of init was called")

@events.test_stop.add_listener
def over(environment, **_): print("the listener of test_stop was called")

class Own:
    def call(self):
        events.request.fire(request_type="RPC", name="own", response_time=5.0, response_length=7, response=None,
                                 exception=None, context={}, start_time=time.time() - 0.005, url="")

class Fast(FastHttpUser):
    weight = 3
    @task(2)
    @tag("read")
    def named(self): self.client.get("/status/200?x=1", name="/named")
    @task(1)
    @tag("read")
    def judged(self):
        with self.client.get("/status/200", name="/judged", catch_response=True) as answer:
            answer.failure("not what I wanted")
    @task(1)
    @tag("write")
    def refused(self): self.client.post("/status/503", name="/refused")

class Slow(HttpUser):
    weight = 1
    @task
    @tag("read")
    def t(self): self.client.get("/status/404", name="/http")

class Mine(User):
    weight = 1
    def on_start(self): self.own = Own()
    @task
    @tag("read")
    def t(self): self.own.call()
"""


def test_every_kind_of_user_is_recorded(tmp_path: Path, host: str) -> None:
    """FastHttpUser, HttpUser, a client of one's own; names, weights, catch_response; outcomes with their reasons."""
    driven = Driven(tmp_path, host, EVERY_KIND, rates=[[0.0, 100.0]])
    samples = driven.run()
    by_endpoint = samples.groupby("endpoint", observed=True)
    assert by_endpoint["outcome"].agg(lambda column: column.astype(str).unique().tolist()).to_dict() == {
        "GET /named": ["ok"],
        "GET /judged": ["fail"],
        "POST /refused": ["fail"],
        "GET /http": ["fail"],
        "RPC own": ["ok"],
    }
    counts = by_endpoint.size()
    assert counts["GET /named"] > counts["GET /judged"]
    assert set(samples[samples.endpoint == "POST /refused"]["status"]) == {503}
    for event in ("init", "test_stop"):
        assert f"the listener of {event} was called" in driven.log.read_text(encoding="utf-8")
    assert "not what I wanted" in str(samples[samples.endpoint == "GET /judged"]["error"].iloc[0])


def test_tags_choose_tasks(tmp_path: Path, host: str) -> None:
    """As on Locust's own command line."""
    samples = Driven(tmp_path, host, EVERY_KIND, tags=["write"]).run()
    assert set(samples["endpoint"]) == {"POST /refused"}


def test_what_the_end_of_the_run_cuts_off_is_unknown(tmp_path: Path, host: str) -> None:
    """No request is forgotten because its answer never came."""
    samples = Driven(tmp_path, host, FAST.format(path="/ms/60000"), drain_s=0.2, rates=[[0.0, 10.0]]).run()
    assert len(samples) == 30
    assert set(samples["outcome"]) == {"unknown"}


def test_nobody_there_is_a_fail_and_no_answer_is_unknown(tmp_path: Path, host: str) -> None:
    """What was never sent has surely not been done; what was sent and not answered may have been."""
    refused = Driven(tmp_path, "http://127.0.0.1:9", FAST.format(path="/"), rates=[[0.0, 10.0]]).run()
    assert set(refused["outcome"]) == {"fail"}
    silent = FAST.format(path="/ms/60000").replace("5.0", "0.2")
    assert set(Driven(tmp_path, host, silent, rates=[[0.0, 10.0]]).run()["outcome"]) == {"unknown"}


def test_the_file_is_what_the_schema_says(tmp_path: Path, host: str) -> None:
    """Any reader of Arrow finds the documented columns."""
    driven = Driven(tmp_path, host, FAST.format(path="/"), end_s=1.0)
    driven.run()
    with pa.OSFile(str(driven.samples_path)) as source:
        table = pa.ipc.open_stream(source).read_all()
    assert table.schema.equals(SAMPLES)
    assert table.num_rows == 75  # with the warm-up, before zero


def test_load_does_not_leave_the_machine(tmp_path: Path, host: str) -> None:
    """A locustfile that names somebody else's server reaches nobody; the sample says why."""
    samples = Driven(tmp_path, host, FAST.format(path="http://example.com/"), rates=[[0.0, 10.0]]).run()
    assert set(samples["outcome"]) == {"fail"}
    assert "load goes to this machine only" in str(samples["error"].iloc[0])


def test_names_without_end_become_one(tmp_path: Path, host: str) -> None:
    """A locustfile without name= makes an endpoint of every id: a thousand are told apart, the rest is one."""
    many = "n = iter(range(10**9))\n" + FAST.format(path="/").replace("'/'", "f'/x{next(n)}'")
    samples = Driven(tmp_path, host, many, rates=[[0.0, 500.0]]).run()
    assert len(samples) == 1500
    assert samples["endpoint"].nunique() <= 1001
    assert "GET (other endpoints)" in set(samples["endpoint"])


def test_a_user_class_of_little_weight_is_there(tmp_path: Path, host: str) -> None:
    """Its arrivals are not dropped for want of a user."""
    two = FAST.format(path="/often") + "\n    weight = 200\n\nclass R(FastHttpUser):\n    weight = 1\n"
    two += "    @task\n    def t(self): self.client.get('/seldom')"
    driven = Driven(tmp_path, host, two, rates=[[0.0, 300.0]])
    assert len(driven.run()) == 900
    assert sum(beat.dropped for beat in driven.beats) == 0


def test_a_load_process_that_fails_says_so(tmp_path: Path, host: str) -> None:
    """A recorder that cannot write any more is no whole history, and the run hears of it."""
    breaking = (
        "import harness.load.recorder as recorder\nold = recorder.Recorder.flush\n"
        "def flush(self):\n    if self.counts['ok'] > 60: raise OSError(28, 'No space left on device')\n    old(self)\n"
        "recorder.Recorder.flush = flush\n"
    )
    driven = Driven(tmp_path, host, breaking + FAST.format(path="/"))
    with pytest.raises(AssertionError):
        driven.run()
    assert "No space left" in str(driven.died)


def test_a_locustfile_may_print(tmp_path: Path, host: str) -> None:
    """What it prints is in the log, and not among the process's own words."""
    driven = Driven(tmp_path, host, "print('hello from a locustfile')\n" + FAST.format(path="/"), end_s=1.0)
    assert len(driven.run()) == 50
    assert "hello from a locustfile" in driven.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("locustfile", "says"),
    [
        ("x = 1", "has no user"),
        ("raise KeyError('k')", "load.py:2"),
        ("def (", "load.py:2"),
        ("exit(3)", "load.py:2"),
        ("class U(FastHttpUser): pass", "no @task"),
    ],
)
def test_a_locustfile_that_is_wrong_is_told(tmp_path: Path, host: str, locustfile: str, says: str) -> None:
    """With the file and the line."""
    with pytest.raises(LocustfileError) as caught:
        Driven(tmp_path, host, locustfile).run()
    assert says in str(caught.value)


def test_the_death_of_the_parent_ends_it(tmp_path: Path, host: str) -> None:
    """When the pipe closes it writes what it has and goes."""
    driven = Driven(tmp_path, host, FAST.format(path="/"), end_s=60.0)
    generator = Generator(driven.log, driven.beats.append)
    generator.order(driven.order)
    generator.wait_ready(lambda: False)
    generator.go(time.monotonic_ns() + 800_000_000)
    wait_for(lambda: len(driven.beats) >= 2, 20, "the second beat")
    generator._child.stdin.close()
    wait_for(lambda: not generator.id.alive(), 10, "its end")
    assert len(read_samples(driven.samples_path)) > 20
    generator.stop()


def test_the_plain_load_test_needs_no_stack(project: Project, host: str) -> None:
    """`harness load`: the same run folder, the same report, its own verdict."""
    (project.folder / "plain.py").write_text("from locust import *\n" + FAST.format(path="/"), encoding="utf-8")
    done = project.run("load", "plain.py", "--host", host, "--rate", "50", "--for", "3s", "--warmup", "1s")
    assert done.returncode == 0, done.stdout
    assert project.latest("load-plain").report.is_file()


def test_somebody_elses_server_is_not_loaded_by_accident(project: Project) -> None:
    """A host beyond the loopback needs its name said twice."""
    (project.folder / "plain.py").write_text("from locust import *\n" + FAST.format(path="/"), encoding="utf-8")
    done = project.run("load", "plain.py", "--host", "http://example.com", "--rate", "1", "--for", "1s")
    assert done.returncode == 2
    assert "--allow-host example.com" in done.stdout

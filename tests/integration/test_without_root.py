"""A user who may use Docker and is not root: what crosses a link is told by the network's own counters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.integration.docker_here import require_docker
from tests.integration.pair import LOCUSTFILE, Pair, asked, make
from tests.integration.project import words

SLOW = asked('during(2.5, 5.5, Latency("front-back", delay_ms=50))', 6.5)
MAY_NOT = "-sys_admin,-sys_ptrace"
NO_ROOT = ["setpriv", f"--inh-caps={MAY_NOT}", f"--bounding-set={MAY_NOT}"] if os.geteuid() == 0 else []
"""Without these even root may not enter another's network namespace."""
FELT = "Fault felt: latency front-back"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    require_docker()
    made = make(tmp_path_factory.mktemp("no-root") / f"noroot{os.getpid()}")
    done = made.run("stack", "up", prefix=NO_ROOT)
    assert done.returncode == 0, done.stdout
    yield made
    done = made.run("stack", "down", prefix=NO_ROOT)
    assert (done.returncode, made.left_in_docker()) == (0, []), done.stdout


def _metrics(pair: Pair, scenario: str) -> set[str]:
    with pa.ipc.open_stream(Path(pair.latest(scenario).resources).read_bytes()) as stream:
        rows = stream.read_all().to_pylist()
    return {row["metric"] for row in rows if row["subject"] == "front-back"}


def test_a_fault_that_was_felt_is_known_to_be(kept: Pair) -> None:
    """By the bytes of the link's own interface; what that does not tell is not said."""
    kept.scenario("slow", SLOW)
    done = kept.run("run", "scenarios/slow.py", prefix=NO_ROOT)
    assert words(kept.latest("slow"))[FELT] == "pass", done.stdout
    assert _metrics(kept, "slow") == {"connections", "received_bytes", "sent_bytes", "bypass_connections"}


def test_a_link_that_nothing_crosses_is_not_taken_for_one_with_traffic(kept: Pair) -> None:
    """An idle network has packets too: the fault is not known to have been felt."""
    (kept.folder / "locustfiles" / "shop.py").write_text(LOCUSTFILE.replace('"/"', '"/alone"'), encoding="utf-8")
    kept.scenario("idle", SLOW)
    done = kept.run("run", "scenarios/idle.py", prefix=NO_ROOT)
    assert words(kept.latest("idle"))[FELT] == "unknown", done.stdout
    assert "No traffic crossed front-back" in done.stdout

"""The state of a stack survives the disk, and says what is damaged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import StartError
from harness.stack import state as states
from harness.stack.child import ProcessId
from harness.stack.running import RunningStack
from harness.stack.state import RunningLink, RunningService, StackState
from harness.stack.toxiproxy import ProxyState, Toxic

STATE = StackState(
    kind="embedded",
    compose_file="docker-compose.yml",
    toxiproxy_url="http://127.0.0.1:1",
    entry="http://127.0.0.1:2",
    services=(RunningService("api", "127.0.0.1:2", "api.log", ProcessId("api", 1, 2.5)), RunningService("x", "y", "z")),
    links=(RunningLink("api-postgres", "api", "postgres", "127.0.0.1:3", "127.0.0.1:4"),),
    proxies=(ProxyState("api-postgres", "127.0.0.1:3", "127.0.0.1:4", True, (Toxic("t", "latency", "upstream"),)),),
    owned=(ProcessId("api", 1, 2.5),),
    folders=("somewhere",),
    variables={"WEAKNESS": ""},
)


def test_what_is_written_is_read(tmp_path):
    """Every part of it, so that whoever comes next can heal it and take it down."""
    states.write(tmp_path / "stack.json", STATE)
    assert states.read(tmp_path / "stack.json") == STATE


def test_an_attached_stack_owns_nothing():
    """A run that did not start a stack does not end it."""
    assert (STATE.attached().owned, STATE.attached().folders) == ((), ())
    assert STATE.attached().proxies == STATE.proxies


def test_the_links_that_lead_to_a_service_are_found():
    """Those of its clients, and not its own."""
    stack = RunningStack(replace(STATE, services=()))
    assert [link.name for link in stack.links_to("postgres")] == ["api-postgres"]
    assert stack.links_to("api") == []


def test_a_damaged_state_is_told(tmp_path):
    """With what to do."""
    (tmp_path / "stack.json").write_text('{"kind": "embedded"}', encoding="utf-8")
    with pytest.raises(StartError, match="is damaged"):
        states.read(tmp_path / "stack.json")

"""The kernel's tables of connections, read for who dialled whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.stack import proc_net
from harness.stack.child import ProcessId
from harness.stack.docker.connections import Member, connections, direct, member, open_ports
from harness.stack.docker.engine import Engine

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
REST = "00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0"
WEB, API = Member("web", 11, ("172.18.0.2",)), Member("api", 22, ("172.18.0.3", "fd00::3"))
Tables = Callable[..., None]


class Seeing(Engine):
    """Sees the process of every container as given, or none."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid

    def process_of(self, body: Mapping[str, Any], name: str) -> ProcessId | None:
        return ProcessId(name, self._pid, 1) if self._pid else None


def v4(text: str) -> str:
    """An address as this machine's kernel writes it in /proc/net/tcp."""
    host, _, port = text.rpartition(":")
    return f"{bytes(map(int, host.split('.')))[::-1].hex().upper()}:{int(port):04X}"


def row(local: str, remote: str, state: str) -> str:
    return f"   0: {local} {remote} {state} {REST}"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Say what the tables of a process hold."""
    written: dict[tuple[int, str], str] = {}

    def read(pid: int, table: str) -> str:
        return written.get((pid, table), "")

    def write(pid: int, *rows: str, table: str = "tcp") -> None:
        written[pid, table] = "\n".join([HEAD, *rows])

    monkeypatch.setattr(proc_net, "table", read)
    return write


def test_a_connection_is_known_by_who_dialled(tables: Tables) -> None:
    """The side whose port is open was dialled, seen from either end, and counted once."""
    here, there = v4("172.18.0.2:41000"), v4("172.18.0.3:8000")
    tables(11, row(here, there, "01"))
    tables(22, row(v4("0.0.0.0:8000"), v4("0.0.0.0:0"), "0A"), row(there, here, "01"))
    assert dict(connections((WEB, API))) == {("web", "api", 8000): 1}


def test_a_connection_is_known_from_the_end_that_was_dialled(tables: Tables) -> None:
    """The client's own table may not show it any more, or not be seen."""
    listens = row(v4("0.0.0.0:8000"), v4("0.0.0.0:0"), "0A")
    tables(22, listens, row(v4("172.18.0.3:8000"), v4("172.18.0.2:41000"), "01"))
    assert dict(connections((WEB, API))) == {("web", "api", 8000): 1}


def test_what_is_open_on_the_loopback_only_is_not_open_to_others(tables: Tables) -> None:
    """As a debugger's port is."""
    nobody = v4("0.0.0.0:0")
    tables(22, row(v4("127.0.0.1:9000"), nobody, "0A"), row(v4("0.0.0.0:8000"), nobody, "0A"))
    assert open_ports((API,)) == {"api": (8000,)}


def test_addresses_of_ipv6_are_read_and_those_of_ipv4_in_them(tables: Tables) -> None:
    """A server on every address serves IPv4 by sockets of IPv6: the same address in both tables."""
    mapped = "0000000000000000FFFF0000030012AC:1F40"
    tables(22, row(mapped, "0000000000000000FFFF0000020012AC:A028", "01"), table="tcp6")
    assert list(proc_net.rows(22)) == [("01", ("172.18.0.3", 8000), ("172.18.0.2", 41000))]
    tables(22, row("000000FD000000000000000003000000:1F40", "0" * 32 + ":0000", "0A"), table="tcp6")
    assert open_ports((API,)) == {"api": (8000,)}
    assert next(proc_net.rows(22))[1] == ("fd00::3", 8000)


def test_what_goes_round_toxiproxy_leads_to_the_services_own_address(tables: Tables) -> None:
    """A connection to the same port elsewhere (Toxiproxy's) is none."""
    local = v4("172.18.0.2:41000")
    tables(11, row(local, v4("172.18.0.9:8000"), "01"), row(local, v4("172.18.0.3:8000"), "01"))
    assert direct((WEB, API), "web", "api", 8000) == 1
    assert direct((WEB, API), "web", "api", 5432) == 0


def test_a_short_connection_round_toxiproxy_is_seen_at_the_other_end(tables: Tables) -> None:
    """It lingers where it was closed first; one that is open is seen at both ends, and counted once."""
    listens = row(v4("0.0.0.0:8000"), v4("0.0.0.0:0"), "0A")
    at_api, from_web = v4("172.18.0.3:8000"), v4("172.18.0.2:41000")
    tables(22, listens, row(at_api, from_web, "06"), row(at_api, v4("172.18.0.9:41000"), "06"))
    assert direct((WEB, API), "web", "api", 8000) == 1
    tables(11, row(from_web, at_api, "01"))
    tables(22, listens, row(at_api, from_web, "01"))
    assert direct((WEB, API), "web", "api", 8000) == 1


def test_nothing_is_said_of_a_client_that_is_not_seen(tables: Tables) -> None:
    """No connection, and no way to look, are two things."""
    tables(22, row(v4("0.0.0.0:8000"), v4("0.0.0.0:0"), "0A"))
    assert direct((Member("web", None, ()), API), "web", "api", 8000) is None
    assert direct((WEB, Member("web", None, ()), API), "web", "api", 8000) is None
    assert direct((), "web", "api", 8000) is None


def test_a_container_that_has_ended_has_no_connections(tables: Tables) -> None:
    """Its tables are gone, or are somebody else's."""
    assert dict(connections((WEB, API))) == {}
    tables(0, row(v4("172.18.0.2:1"), v4("172.18.0.3:8000"), "01"))
    assert direct((Member("web", 0, ("172.18.0.2",)), API), "web", "api", 8000) == 0


def test_a_member_has_all_of_its_addresses() -> None:
    """One a network and family; none where it is on none."""
    networks = {"a": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": "fd00::2"}, "b": {"IPAddress": ""}, "c": {}}
    labels = {"com.docker.compose.service": "web"}
    body = {"Config": {"Labels": labels}, "State": {"Pid": 5}, "NetworkSettings": {"Networks": networks}}
    assert member(Seeing(5), body) == Member("web", 5, ("172.18.0.2", "fd00::2"))


@pytest.mark.parametrize(("pid", "known"), [(5, None), (0, 0)])
def test_a_process_that_is_not_seen_is_not_taken_for_one_that_ended(pid: int, known: int | None) -> None:
    """The engine's number may be somebody else's process here, or nobody's."""
    labels = {"com.docker.compose.service": "web"}
    body = {"Config": {"Labels": labels}, "State": {"Pid": pid}, "NetworkSettings": {"Networks": {}}}
    assert member(Seeing(None), body).pid == known

"""What the kernel tells everybody of a network namespace, read for what crosses the links in it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.stack import interface_counters, proc_net
from harness.stack.interface_counters import HEADERS_BYTES, InterfaceCount, InterfaceCounters

LINKS = {"web-api": "198.18.0.2:8000", "web-db": "198.18.0.18:5432"}
DEV = "Inter-|   Receive  |  Transmit\n face |bytes packets | bytes packets"


class Kernel:
    """The tables of one namespace: two edges of 16 addresses, and the network where the services are."""

    def __init__(self) -> None:
        rows = [("eth0", "000012C6", "F0FFFFFF"), ("eth1", "100012C6", "F0FFFFFF"), ("eth2", "000012AC", "0000FFFF")]
        gateways = [
            f"eth2 {to} 010012AC 0003 0 0 0 {m} 0 0 0" for to, m in (("00000000",) * 2, ("000012C6", "0000FEFF"))
        ]
        self.route = "\n".join(["Iface", *gateways, *(f"{n} {to} 00000000 0001 0 0 0 {m} 0 0 0" for n, to, m in rows)])
        self.dev: dict[str, tuple[int, int, int, int]] = dict.fromkeys(("lo", "eth0", "eth1", "eth2"), (0, 0, 0, 0))
        self.tcp: list[str] = []

    def table(self, pid: int, name: str) -> str:
        if name == "dev":
            lines = [f"{n}: {a} {b} 0 0 0 0 0 0 {c} {d} 0 0 0 0 0 0" for n, (a, b, c, d) in self.dev.items()]
            return "\n".join([DEV, *lines])
        return {"route": self.route, "tcp": "\n".join(["head", *self.tcp])}.get(name, "")

    def carry(self, interface: str, received: int, sent: int, packets: int = 1) -> None:
        """Packets with so much in them, each way."""
        a, b, c, d = self.dev[interface]
        headers = packets * HEADERS_BYTES
        self.dev[interface] = (a + received + headers, b + packets, c + sent + headers, d + packets)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(proc_net, "table", made.table)
    monkeypatch.setattr(interface_counters, "table", made.table)
    return made


def read(counters: InterfaceCounters) -> Mapping[str, InterfaceCount]:
    return counters.read({})


def test_each_link_has_what_its_own_interface_carried(kernel: Kernel) -> None:
    """Both ways, headers left out, and nothing of its neighbours'."""
    counters = InterfaceCounters(LINKS, 7)
    kernel.carry("eth1", 100, 2000, packets=3)
    kernel.carry("eth2", 5000, 5000)
    assert read(counters) == {"web-api": InterfaceCount(0, 0, 0), "web-db": InterfaceCount(0, 100, 2000)}


def test_links_that_share_an_interface_stay_unknown(kernel: Kernel) -> None:
    """Two ports of one edge, and proxies that listen on every address."""
    counters = InterfaceCounters({**LINKS, "web-api-9000": "198.18.0.2:9000"}, 7)
    assert set(read(counters)) == {"web-db"}
    assert not InterfaceCounters({"a": "[::]:18080", "b": "0.0.0.0:15432"}, 7).can_read
    assert InterfaceCounters(LINKS, 7).can_read


def test_an_idle_network_is_no_traffic(kernel: Kernel) -> None:
    """ARP, and acknowledgements with nothing in them, are not what users send."""
    counters = InterfaceCounters(LINKS, 7)
    arp_bytes = 42
    kernel.dev["eth0"] = (9 * arp_bytes, 9, 9 * arp_bytes, 9)
    kernel.carry("eth0", 0, 0, packets=5)
    assert read(counters)["web-api"] == InterfaceCount(0, 0, 0)


def test_totals_never_fall(kernel: Kernel) -> None:
    """Neither by ARP after traffic, nor when the process is gone and the tables with it."""
    counters = InterfaceCounters(LINKS, 7)
    kernel.carry("eth0", 500, 700)
    assert read(counters)["web-api"].received_bytes == 500
    kernel.dev["eth0"] = (0, 9, 0, 9)
    assert read(counters)["web-api"].received_bytes == 500
    kernel.dev.clear()
    assert read(counters)["web-api"] == InterfaceCount(0, 500, 700)


def test_connections_are_counted_at_the_proxys_own_address(kernel: Kernel) -> None:
    """Those that stand; not its socket that listens, those that wait to be forgotten, nor those it dialled itself."""
    here, client, api = "020012C6:1F40", "030012C6:A028", "030012AC:1F40"
    others = [f"1: {here} 00000000:0000 0A", f"2: {here} {client} 06", f"3: 020012AC:B000 {api} 01"]
    kernel.tcp = [f"0: {here} {client} 01", *others]
    assert read(InterfaceCounters(LINKS, 7))["web-api"].connections == 1

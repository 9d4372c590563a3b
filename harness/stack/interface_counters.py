"""What crosses a link, for those who may not enter Toxiproxy's network namespace: what the kernel tells everybody.

`/proc/PID/net` of Toxiproxy's process shows the connections in its namespace, and what each of its network interfaces
carried. Where a link has an interface of its own (each edge of an adopted stack has), that is what crossed the link.
Which connection carried it, and whether one waits for an answer, is not told: of that nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address

from harness.stack.proc_net import ESTABLISHED, rows, table

HEADERS_BYTES = 66
"""Of a segment of TCP on Ethernet. A packet with less than nothing beyond them (ARP) takes from the others' count, so
that an idle network does not look like traffic."""


@dataclass(slots=True)
class InterfaceCount:
    """One reading of a link. The bytes are totals, seen from the proxy: from and to the client."""

    connections: int
    received_bytes: int
    sent_bytes: int


class InterfaceCounters:
    """Reads the links whose proxies listen on the given addresses (`host:port`) in the namespace of a process."""

    def __init__(self, listens: Mapping[str, str], process: int) -> None:
        self._process = process
        self._highest: dict[str, tuple[int, int]] = {}
        self._listens = {name: listen.rpartition(":")[::2] for name, listen in listens.items()}
        subnets = list(_subnets(table(process, "route")))
        found = {name: _interface(subnets, host) for name, (host, _) in self._listens.items()}
        users = Counter(found.values())
        self._interface = {name: one for name, one in found.items() if one and users[one] == 1}

    @property
    def can_read(self) -> bool:
        """False where no link has an interface of its own: then nothing is known of what crosses."""
        return bool(self._interface)

    def read(self, closed_bytes: Mapping[str, tuple[int, int]]) -> dict[str, InterfaceCount]:
        """One reading of every link that has an interface of its own. `closed_bytes` are counted in already."""
        carried = dict(_carried(table(self._process, "dev")))
        connected = Counter(local for state, local, _ in rows(self._process) if state == ESTABLISHED)
        found = {}
        for name, interface in self._interface.items():
            host, port = self._listens[name]
            received, sent = carried.get(interface, (0, 0))
            highest = self._highest.get(name, (0, 0))
            self._highest[name] = max(received, highest[0]), max(sent, highest[1])
            found[name] = InterfaceCount(connected[host, int(port)], *self._highest[name])
        return found

    def close(self) -> None:
        """Nothing is held."""


def _subnets(route: str) -> Iterator[tuple[IPv4Network, str]]:
    """Networks that an interface is on itself, with its name."""
    for line in route.splitlines()[1:]:
        name, destination, gateway, _, _, _, _, mask, *_ = line.split()
        if int(gateway, 16) == 0 and int(mask, 16):
            yield IPv4Network(f"{_address(destination)}/{_address(mask)}"), name


def _address(text: str) -> IPv4Address:
    """The kernel writes an address in the machine's own order."""
    return IPv4Address(bytes.fromhex(text)[::-1])


def _interface(subnets: list[tuple[IPv4Network, str]], host: str) -> str:
    """The one whose network has the address; empty where none has, as for a proxy that listens on every address."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return ""
    return next((name for network, name in subnets if address in network), "")


def _carried(dev: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """(interface, (bytes received, bytes sent)) without their headers."""
    for line in dev.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        counts = [int(number) for number in numbers.split()]
        yield name.strip(), (counts[0] - HEADERS_BYTES * counts[1], counts[8] - HEADERS_BYTES * counts[9])

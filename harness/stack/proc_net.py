"""The kernel's tables of a network namespace, by one of the processes in it: `/proc/PID/net`. No root is needed."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

ESTABLISHED, LISTEN = "01", "0A"


def table(pid: int, name: str) -> str:
    """A table as it is; empty where the process is gone."""
    try:
        return Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii")
    except OSError:
        return ""


def rows(pid: int) -> Iterator[tuple[str, tuple[str, int], tuple[str, int]]]:
    """(state, local address, remote address) of each TCP socket."""
    for name in ("tcp", "tcp6"):
        for line in table(pid, name).splitlines()[1:]:
            fields = line.split()
            yield fields[3], _address(fields[1]), _address(fields[2])


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return _host(host), int(port, 16)


@functools.lru_cache(1024)
def _host(host: str) -> str:
    """The kernel writes each 32-bit word of an address in the machine's own order. A busy table names few, often."""
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    raw = b"".join(words)
    address = IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)

"""Small subnets for our networks, from a range that is nobody's: Docker's own pools end at 31 networks.

198.18.0.0/15 is set aside for the testing of networks (RFC 2544). Two harnesses side by side begin at different places.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from harness.errors import StartError

POOL = IPv4Network("198.18.0.0/15")
SMALLEST = 28
_STEP = 1 << (32 - SMALLEST)
_SLOTS = POOL.num_addresses // _STEP


@dataclass(frozen=True, slots=True)
class Subnets:
    """Where subnets may be taken. `in_use` are those that the machine has (networks and routes), as in `10.0.0.0/8`;
    `seed` says where in the pool to begin.
    """

    in_use: tuple[str, ...] = ()
    seed: int = 0

    def allot(self, prefixes: Iterable[int], *, but: Iterable[str] = ()) -> tuple[IPv4Network, ...]:
        """One subnet for each prefix length, none of which meets another, one in use, or one of `but`.

        The same arguments give the same subnets. Raises StartError when the pool is full.
        """
        taken = [_span(net) for text in (*self.in_use, *but) if (net := _ours(text)) is not None]
        free = bytearray(b"\1") * _SLOTS
        for first, last in taken:
            free[first : last + 1] = bytes(last + 1 - first)
        at = random.Random(self.seed).randrange(_SLOTS)
        found = []
        for prefix in prefixes:
            slots = 1 << max(SMALLEST - prefix, 0)
            start = _first_fit(free, at, slots)
            if start is None:
                raise StartError(
                    f"no free /{prefix} is left in {POOL}, of which {len(taken)} networks are in use; look at them "
                    "with `docker network ls`, and remove those that no container uses with `docker network prune`"
                )
            free[start : start + slots] = bytes(slots)
            found.append(IPv4Network((int(POOL.network_address) + start * _STEP, prefix)))
        return tuple(found)


def prefix_for(containers: int) -> int:
    """The prefix length of an edge's subnet whose upper half has room for so many clients and as many successors."""
    prefix = SMALLEST
    while (1 << (31 - prefix)) - 1 < 2 * containers + 1:
        prefix -= 1
    return prefix


def fixed(subnet: IPv4Network) -> IPv4Address:
    """Toxiproxy's address in an edge's subnet: the one after the gateway's, outside what is given out."""
    return subnet.network_address + 2


def given_out(subnet: IPv4Network) -> IPv4Network:
    """What Docker may give to clients: the upper half, so that no early client takes Toxiproxy's address."""
    return list(subnet.subnets(1))[1]


def six(subnet: IPv4Network) -> IPv6Network:
    """The IPv6 subnet that goes with one of ours, as unique as it."""
    slot = (int(subnet.network_address) - int(POOL.network_address)) // _STEP
    return IPv6Network((int(IPv6Network("fd68:7872:6573::/48").network_address) + (slot << 64), 64))


def _ours(text: str) -> IPv4Network | None:
    """A subnet in use, if it meets the pool. What is no IPv4 subnet does not."""
    try:
        net = ip_network(text, strict=False)
    except ValueError:
        return None
    return net if isinstance(net, IPv4Network) and net.prefixlen and net.overlaps(POOL) else None


def _span(net: IPv4Network) -> tuple[int, int]:
    base = int(POOL.network_address)
    first = max(int(net.network_address) - base, 0) // _STEP
    return first, min(int(net.broadcast_address) - base, POOL.num_addresses - 1) // _STEP


def _first_fit(free: bytearray, at: int, slots: int) -> int | None:
    """The first aligned run of free slots at or after `at`, round the pool once."""
    begin = at - at % slots
    for offset in range(0, _SLOTS, slots):
        start = (begin + offset) % _SLOTS
        if all(free[start : start + slots]):
            return start
    return None

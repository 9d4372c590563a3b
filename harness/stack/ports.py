"""Free loopback ports, below the range that the kernel lends to outgoing connections.

A proxy that is cut gives up its port and must get it back: no client's connection may sit on it meanwhile.
"""

from __future__ import annotations

import random
import socket

from harness.errors import StartError

LOWEST, HIGHEST = 20_000, 32_000


def free_ports(count: int) -> list[int]:
    """Distinct ports that can be listened on at 127.0.0.1 now. Raises StartError when there are not that many."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(range(LOWEST, HIGHEST), 4_000):
            if len(held) == count:
                break
            candidate = socket.socket()
            try:
                candidate.bind(("127.0.0.1", port))
                held.append(candidate)
            except OSError:
                candidate.close()
        if len(held) < count:
            raise StartError(f"no {count} free ports from {LOWEST} to {HIGHEST} on 127.0.0.1; end what holds them")
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True

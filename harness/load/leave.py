"""Keeps the load on this machine: a name that is not the loopback is not even looked up, unless leave was given for it.

A locustfile can name any server, and a redirect can lead to one; this is the one place that all clients pass.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import gevent

LOOPBACK_NAMES = ("localhost", "ip6-localhost")


def keep_to(allowed_host: str) -> None:
    """From now on this process finds the loopback and `allowed_host`, and nobody else."""
    resolver = gevent.get_hub().resolver
    look_up = resolver.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name != allowed_host and not _is_loopback(name):
            raise socket.gaierror(
                socket.EAI_NONAME,
                f"load goes to this machine only, and {name} is not; if you have leave to load it: --allow-host {name}",
            )
        return look_up(host, *args, **kwargs)

    resolver.getaddrinfo = getaddrinfo


def _is_loopback(name: str) -> bool:
    if name in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

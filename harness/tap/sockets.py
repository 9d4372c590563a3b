"""What asyncio has no words for: resets, what was left unread, who left while nobody read."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import select
import socket
import struct
import termios
from collections.abc import Callable

FILES_WANTED = 65_536
"""Ten thousand connections have two sockets each."""
LEFT_UNREAD_MAX = 16 << 20
_LINGER_0 = struct.pack("ii", 1, 0)
_CLOSED = 7


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST: what is not sent yet is thrown away, as the kernel does for a process that died."""
    with contextlib.suppress(OSError, RuntimeError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    transport.abort()


def left_unread(transport: asyncio.Transport) -> bytes:
    """What the peer had sent before its reset: a write finds the reset first, while Linux still holds what came."""
    parts: list[bytes] = []
    with contextlib.suppress(OSError, RuntimeError):
        fd = transport.get_extra_info("socket").fileno()
        while sum(map(len, parts)) < LEFT_UNREAD_MAX and (part := os.read(fd, 1 << 18)):
            parts.append(part)
    return b"".join(parts)


def delivered(transport: asyncio.Transport) -> bool | None:
    """Whether the peer's kernel took all that was written; False when it answered with RST, None while neither."""
    try:
        found = transport.get_extra_info("socket")
        if found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSED:
            return False
        unsent = struct.unpack("i", fcntl.ioctl(found.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    except (OSError, RuntimeError):
        return False
    return True if unsent == 0 and not transport.get_write_buffer_size() else None


def listener(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket. `::` and no host at all are every address of both families, as elsewhere. Raises OSError."""
    if host in ("", "::"):
        if socket.has_dualstack_ipv6():
            return socket.create_server(("::", port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
        host = "0.0.0.0"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=backlog)


def raise_file_limit() -> None:
    """As many open files as we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in ((FILES_WANTED, max(hard, FILES_WANTED)), (hard, hard)):
        if soft < wanted[0]:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, wanted)
                return


class Watcher:
    """Tells when a peer leaves whose socket is not read at the moment, which an event loop does not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[bool], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._stirred)

    def watch(self, fd: int, callback: Callable[[bool], None]) -> None:
        """Call back once: with True for a reset, with False for a FIN."""
        if fd not in self._callbacks:
            with contextlib.suppress(OSError):
                self._epoll.register(fd, select.EPOLLRDHUP)
                self._callbacks[fd] = callback

    def unwatch(self, fd: int) -> None:
        if self._callbacks.pop(fd, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(fd)

    def _stirred(self) -> None:
        for fd, events in self._epoll.poll(0):
            callback = self._callbacks.get(fd)
            if callback is not None:
                self.unwatch(fd)
                callback(bool(events & select.EPOLLERR))

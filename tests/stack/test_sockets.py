"""What crossed a link, from the kernel's rows and Toxiproxy's count, each seen once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.stack.sockets import ESTABLISHED, LinkSockets

CLOSE_WAIT = 8


class Row(dict[str, Any]):
    """A socket as the kernel shows it."""

    def get_attr(self, name: str) -> dict[str, int]:
        return {
            "tcpi_bytes_received": self["received"],
            "tcpi_bytes_acked": 0,
            "tcpi_data_segs_in": 1,
            "tcpi_last_data_recv": 0,
            "tcpi_last_data_sent": 0,
        }


class Kernel(LinkSockets):
    """Reads what a test says that the kernel shows."""

    rows: tuple[Row, ...] = ()

    def _sockets(self) -> Iterator[Any]:
        yield from self.rows


def row(number: int, received: int, state: int = ESTABLISHED, host: str = "127.0.0.1") -> Row:
    return Row(
        idiag_sport=9000, idiag_src=host, idiag_dport=number, idiag_cookie=number, idiag_state=state, received=received
    )


def _received(readings: list[tuple[tuple[Row, ...], int]], listen: str = "127.0.0.1:9000") -> list[int]:
    """The total after each reading of (rows, bytes of ended connections by Toxiproxy)."""
    kernel = Kernel({"link": listen})
    found = []
    try:
        for rows, closed in readings:
            kernel.rows = rows
            found.append(kernel.read({"link": (closed, 0)} if closed else {})["link"].received_bytes)
    finally:
        kernel.close()
    return found


def test_a_connection_that_is_half_closed_counts_once():
    """Toxiproxy counts it when its client has gone; the kernel shows it for as long as answers are held back."""
    readings = [
        ((row(1, 4000),), 0),
        ((row(1, 4000, CLOSE_WAIT), row(2, 100)), 4000),
        ((row(2, 200),), 4000),
    ]
    assert _received(readings) == [4000, 4100, 4200]


def test_connections_between_two_readings_are_counted_by_toxiproxy():
    """The kernel never showed them, and one that stays open is added to them."""
    assert _received([((row(1, 100),), 0), ((row(1, 150),), 3000)]) == [100, 3150]


def test_a_listener_on_every_address_meets_ipv4_as_ipv6():
    """As in a container; and one address of many is told from the others."""
    assert _received([((row(1, 70, host="::ffff:10.0.0.2"),), 0)], "[::]:9000") == [70]
    assert _received([((row(1, 70, host="::ffff:10.0.0.2"),), 0)], "10.0.0.2:9000") == [70]
    assert _received([((row(1, 70, host="10.0.0.3"),), 0)], "10.0.0.2:9000") == [0]

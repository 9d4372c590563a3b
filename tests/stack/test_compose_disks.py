"""Which file systems of a Compose file are of bounded size, and a service's own."""

from __future__ import annotations

import pytest

from harness.stack.compose_disks import bounded_volumes, disks_of, size_bytes

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", 512 * MIB), ("1G", 2**30), ("64mb", 64 * MIB), ("1000", 1000), (4096, 4096), ("50%", None), ("", None)],
)
def test_sizes_are_read_as_compose_writes_them(text, size):
    """A share of memory is no size."""
    assert size_bytes(text) == size


def test_a_named_volume_is_bounded_when_it_is_a_tmpfs_with_a_size():
    """Any other has the machine's disk behind it."""
    tmpfs = {"type": "tmpfs", "device": "tmpfs"}
    volumes = {
        "small": {"driver_opts": {**tmpfs, "o": "uid=1,size=64m"}},
        "endless": {"driver_opts": tmpfs},
        "share": {"driver_opts": {**tmpfs, "o": "size=50%"}},
        "bind": {"driver_opts": {"type": "none", "o": "bind,size=64m"}},
        "plain": None,
    }
    assert bounded_volumes(volumes) == {"small": 64 * MIB}


@pytest.mark.parametrize(
    ("service", "disks"),
    [
        ({"volumes": ["small:/data", "./here:/here", "/only"]}, {"/data": 64 * MIB}),
        ({"volumes": ["small:/data:ro"]}, {}),
        ({"volumes": ["small:/data:rw"]}, {"/data": 64 * MIB}),
        ({"volumes": [{"type": "volume", "source": "small", "target": "/data"}]}, {"/data": 64 * MIB}),
        ({"volumes": [{"type": "volume", "source": "small", "target": "/data", "read_only": True}]}, {}),
        ({"volumes": [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": MIB}}]}, {"/t": MIB}),
        ({"volumes": [{"type": "tmpfs", "target": "/t"}]}, {}),
        ({"tmpfs": "/run:mode=755,size=1m"}, {"/run": MIB}),
        ({"tmpfs": ["/run", "/t:size=2m"]}, {"/t": 2 * MIB}),
        ({}, {}),
    ],
)
def test_a_service_has_those_that_it_may_write_to(service, disks):
    """Short and long syntax of volumes, and tmpfs."""
    assert disks_of(service, {"small": 64 * MIB}) == disks

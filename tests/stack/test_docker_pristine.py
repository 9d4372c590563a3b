"""What a container is and how far it is from what it was, on `inspect` bodies written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.stack.docker import pristine
from harness.stack.docker.resolv_conf import NO_DNS

ALL = 8 * 2**30
ID = "0123456789abcdef"


class _Engine:
    """Of a machine of 8 GiB; it sees no process."""

    memory_bytes = ALL

    def process_of(self, body, name):
        return None


def _body(tmp_path, **changes):
    resolv_conf = tmp_path / "resolv.conf"
    if not resolv_conf.exists():
        resolv_conf.write_text("nameserver 127.0.0.11\n", encoding="utf-8")
    networks = {"shop_default": {"NetworkID": "n1", "Aliases": ["db", ID[:12]], "IPAMConfig": None}}
    return {
        "Id": ID,
        "Name": "/shop-db-1",
        "State": {"Running": True, "Paused": False, "Restarting": False, **changes.pop("state", {})},
        "HostConfig": {"NanoCpus": 0, "CpuQuota": 0, "CpuPeriod": 0, "Memory": 0, **changes.pop("how", {})},
        "NetworkSettings": {"Networks": changes.pop("networks", networks)},
        "ResolvConfPath": str(resolv_conf),
        "Mounts": [{"Type": "volume", "Destination": "/data", "Source": "/volumes/data"}],
        **changes,
    }


def _differences(tmp_path, now, was=None):
    state = pristine.capture(_Engine(), was or _body(tmp_path))
    return list(pristine.differences(_Engine(), state, now))


def test_a_container_that_is_as_it_was_has_no_difference(tmp_path):
    """Not after a restart either, when its short id is among its names."""
    assert _differences(tmp_path, _body(tmp_path)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": {"Running": False}}, "it had ended"),
        ({"state": {"Restarting": True}}, "it had ended"),
        ({"state": {"Paused": True}}, "it was paused"),
        ({"networks": {}}, "it was cut off from shop_default"),
        ({"networks": {"shop_default": {"NetworkID": "n1", "Aliases": None}}}, "it was cut off from shop_default"),
        ({"how": {"CpuQuota": 20_000, "CpuPeriod": 100_000}}, "its processor was limited to 0.2 cores"),
        ({"how": {"NanoCpus": 500_000_000}}, "its processor was limited to 0.5 cores"),
        ({"how": {"Memory": 64_000_000}}, "its memory was limited to 64 MB"),
    ],
)
def test_each_thing_that_is_out_of_place_is_told(tmp_path, change, says):
    """A container without its names on a network is as cut off as one that is not on it."""
    assert _differences(tmp_path, _body(tmp_path, **change)) == [says]


def test_links_are_part_of_a_place_on_a_network(tmp_path):
    """Names that only it knows: without them it does not find the others."""
    place = {"NetworkID": "n1", "Aliases": ["db"]}
    was = _body(tmp_path, networks={"shop_default": {**place, "Links": ["shop-db-1:database"]}})
    assert pristine.endpoints(was)[0].links == ("shop-db-1:database",)
    now = _body(tmp_path, networks={"shop_default": {**place, "Links": None}})
    assert _differences(tmp_path, now, was) == ["it was cut off from shop_default"]
    assert _differences(tmp_path, was, was) == []


def test_a_resolv_conf_that_is_not_its_text_is_told(tmp_path):
    """Ours, or half of ours, as a harness leaves it that is killed while it writes."""
    was = _body(tmp_path)
    state = pristine.capture(_Engine(), was)
    for text in (NO_DNS, NO_DNS[:20], ""):
        (tmp_path / "resolv.conf").write_text(text, encoding="utf-8")
        assert list(pristine.differences(_Engine(), state, was)) == ["its name server was a wrong one"]
    (tmp_path / "resolv.conf").write_text(state.resolv_conf, encoding="utf-8")
    assert list(pristine.differences(_Engine(), replace(state, resolv_conf=""), was)) == []


def test_a_job_that_had_ended_is_not_missed(tmp_path):
    """A container that did not run when the stack was up is not to be started."""
    ended = _body(tmp_path, state={"Running": False})
    assert _differences(tmp_path, ended, was=ended) == []


def test_a_limit_of_all_that_the_machine_has_is_none(tmp_path):
    """The engine takes no other word for it back."""
    assert _differences(tmp_path, _body(tmp_path, how={"Memory": ALL, "MemorySwap": -1})) == []


@pytest.mark.parametrize(
    ("how", "cores", "asked"),
    [
        ({}, 0.2, {"CpuPeriod": 100_000, "CpuQuota": 20_000}),
        ({}, None, {"CpuPeriod": 100_000, "CpuQuota": -1}),
        ({}, 0.001, {"CpuPeriod": 100_000, "CpuQuota": 1000}),
        ({"NanoCpus": 500_000_000}, 0.2, {"NanoCpus": 200_000_000}),
    ],
)
def test_the_processor_is_limited_in_the_way_that_it_was_before(tmp_path, how, cores, asked):
    """The engine refuses a quota beside NanoCpus; the kernel takes no less than a millisecond."""
    assert pristine.cpu_limits(_body(tmp_path, how=how), cores) == asked


def test_a_custom_period_is_the_same_share():
    """A quota of 5 ms in 10 is half a core."""
    assert pristine.cpu_cores({"HostConfig": {"CpuQuota": 5_000, "CpuPeriod": 10_000}}) == 0.5


@pytest.mark.parametrize(
    ("memory", "swap", "captured"),
    [(0, 0, None), (64, 0, 128), (64, 64, 64), (64, 200, 200), (64, -1, None), (64, 2**50, None)],
)
def test_memory_and_swap_come_back_as_they_were(tmp_path, memory, swap, captured):
    """Twice the memory is what Docker gives where nothing is said; what has no bound gets none."""
    state = pristine.capture(_Engine(), _body(tmp_path, how={"Memory": memory, "MemorySwap": swap}))
    assert state.memory_swap_bytes == captured
    asked = pristine.memory_limits(_Engine(), state.memory_bytes, state.memory_swap_bytes)
    assert asked == {"Memory": memory or ALL, "MemorySwap": 2**50 if captured is None else captured}


def test_a_disk_is_where_the_engine_keeps_its_volume(tmp_path):
    """Whether the container runs or not; a tmpfs is only in one that runs, and a folder of the image nowhere."""
    body = _body(tmp_path)
    assert str(pristine.disk_folder(_Engine(), body, "/data")) == "/volumes/data"
    assert pristine.disk_folder(_Engine(), body, "/tmp") is None
    assert pristine.disks(_body(tmp_path, how={"Tmpfs": {"/run": ""}})) == ("/data", "/run")


@pytest.mark.parametrize(("path", "is_seen"), [("/run/small", True), ("/var/run/small", False), ("/run/link", False)])
def test_a_link_on_the_way_to_a_disk_is_not_followed(tmp_path, path, is_seen):
    """An absolute one is followed from this machine's root: its own /run would be filled."""
    (tmp_path / "run/small").mkdir(parents=True)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    (tmp_path / "run/link").symlink_to("small")
    assert pristine.below(tmp_path, path) == (tmp_path / path[1:] if is_seen else None)

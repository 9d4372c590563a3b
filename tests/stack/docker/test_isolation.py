"""A copy of a project is ours: what would collide with the user's own copy is another's, what is the user's stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.adopt.yaml_text import Tagged
from harness.errors import ComposeFileError, StartError
from harness.stack.docker.isolation import isolate, kept_folders, merged

LABELS = {"io.resilience-harness.run": "abc"}


def copy_of(
    ports: Mapping[str, tuple[int, int]] | None = None, taken: Mapping[str, str] | None = None, **document: Any
) -> dict[str, Any]:
    """The override for a project that is `shop` to its user and `shop-hx-abc` to us."""
    resolved = {"name": "shop-hx-abc", **document}
    made: dict[str, Any] = isolate(resolved, "shop", ports or {}, LABELS, taken or {})
    return made


def service(**body: Any) -> dict[str, Any]:
    """What the override makes of one service, `web`, which the load meets at its port 8000."""
    made: dict[str, Any] = copy_of({"web": (8000, 20001)}, services={"web": body})["services"]["web"]
    return made


def test_the_entry_is_met_on_the_loopback_and_no_other_port_is_published() -> None:
    """The user's own ports may be taken: by the user's own copy."""
    made = copy_of({"web": (8000, 20001)}, services={"web": {"ports": [1]}, "db": {"ports": [2]}, "job": {}})
    assert made["services"]["web"]["ports"] == Tagged(["127.0.0.1:20001:8000"])
    assert made["services"]["db"]["ports"] == Tagged([], "!reset")
    assert "ports" not in made["services"]["job"]


def test_a_container_name_becomes_a_name_on_its_networks() -> None:
    """Two containers cannot bear it; others may find the service by it."""
    made = service(container_name="the-web", networks={"default": None, "back": None})
    assert made["container_name"] == Tagged([], "!reset")
    assert made["networks"] == {key: {"aliases": ["the-web"]} for key in ("default", "back")}


def test_an_image_that_is_built_bears_the_users_name() -> None:
    """It is the same image for every run; one that has a name keeps it."""
    assert service(build={"context": "."})["image"] == "shop-web"
    assert "image" not in service(build={"context": "."}, image="mine:1")


def test_named_volumes_and_networks_are_of_the_copy() -> None:
    """A fixed name would be the user's own volume, or collide with the user's own network."""
    made = copy_of(
        services={},
        networks={"default": {"name": "shop-hx-abc_default"}, "office": {"name": "office"}},
        volumes={"data": {"name": "precious"}},
    )
    assert made["networks"]["office"] == {"labels": LABELS, "name": "shop-hx-abc_office"}
    assert made["networks"]["default"] == {"labels": LABELS}
    assert made["volumes"]["data"] == {"labels": LABELS, "name": "shop-hx-abc_data"}


def test_a_volume_that_is_a_folder_of_the_users_is_an_empty_one() -> None:
    """Another name for the same folder would be the same data."""
    made = copy_of(services={}, volumes={"data": {"driver_opts": {"type": "none", "device": "/srv/data", "o": "bind"}}})
    assert made["volumes"]["data"]["driver_opts"] == Tagged([], "!reset")
    bounded = copy_of(services={}, volumes={"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}})
    assert "driver_opts" not in bounded["volumes"]["data"]


def test_an_external_volume_is_refused_and_an_external_network_is_used() -> None:
    """Data of somebody else's is not ours to break; what is on a network is not touched."""
    with pytest.raises(ComposeFileError, match=r"the volume precious is external.*--file"):
        copy_of(services={}, volumes={"precious": {"external": True}})
    assert copy_of(services={}, networks={"office": {"external": True}})["networks"] == {}


@pytest.mark.parametrize(
    ("mount", "is_kept"),
    [
        ({"type": "bind", "target": "/var/lib/postgresql/data"}, True),
        ({"type": "bind", "target": "/data"}, True),
        ({"type": "bind", "target": "/var/lib/postgresql/data", "read_only": True}, False),
        ({"type": "bind", "target": "/app"}, False),
        ({"type": "volume", "target": "/var/lib/postgresql/data"}, False),
    ],
)
def test_a_folder_of_data_is_kept_from_the_copy_and_code_is_not(mount: dict[str, Any], is_kept: bool) -> None:
    """A second database on the folder of the first would ruin it; code must be there to run."""
    assert bool(kept_folders({"volumes": [mount]})) is is_kept
    if is_kept:
        assert service(volumes=[mount])["volumes"] == [{"type": "volume", "target": mount["target"]}]


def test_everything_bears_the_runs_label() -> None:
    """So that it is found again, whoever looks for it."""
    made = copy_of(services={"web": {}}, networks={"default": {}}, volumes={"data": {}})
    assert [one["labels"] for kind in ("services", "networks", "volumes") for one in made[kind].values()] == [
        LABELS
    ] * 3


def test_two_overrides_join_as_compose_joins_them() -> None:
    """Mappings and lists grow, of anything else the second counts."""
    one = {"services": {"web": {"volumes": [1], "image": "a"}}, "only": 1}
    other = {"services": {"web": {"volumes": [2], "image": "b"}, "db": {}}}
    assert merged(one, other) == {"services": {"web": {"volumes": [1, 2], "image": "b"}, "db": {}}, "only": 1}


OFFICE = {"office": {"name": "shop-hx-abc_office", "ipam": {"config": [{"subnet": "10.5.0.0/16"}]}}}


@pytest.mark.parametrize(
    ("taken", "moves"),
    [({}, False), ({"10.6.0.0/16": "shop_office", "fd00::/64": "six"}, False), ({"10.5.1.0/24": "shop_office"}, True)],
)
def test_a_subnet_that_is_in_use_is_another_in_the_copy(taken: dict[str, str], moves: bool) -> None:
    """The user's own copy may have it; where it is free it stays, since something may count on it."""
    made = copy_of(services={"web": {"networks": {"office": None}}}, networks=OFFICE, taken=taken)
    assert made["networks"]["office"].get("ipam") == ({"config": Tagged([], "!reset")} if moves else None)


@pytest.mark.parametrize(
    ("taken", "command"),
    [("shop_office", "docker compose -p shop down"), ("vpn", "docker network rm vpn")],
)
def test_fixed_addresses_that_are_in_use_are_told_with_what_frees_them(taken: str, command: str) -> None:
    """They cannot be others: something counts on them."""
    with pytest.raises(
        StartError, match=rf"network office, and 10\.5\.0\.0/16 is in use by .* {taken}; .*: {command}$"
    ):
        copy_of(
            services={"web": {"networks": {"office": {"ipv4_address": "10.5.0.9"}}}},
            networks=OFFICE,
            taken={"10.5.0.0/16": taken},
        )

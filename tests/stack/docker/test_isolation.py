"""A copy of a project is ours: what would collide with the user's own copy is another's, what is the user's stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from harness.adopt.project import parse
from harness.adopt.yaml_text import Tagged
from harness.errors import ComposeFileError, StartError
from harness.stack.docker.interpose import with_its_own
from harness.stack.docker.isolation import NOTHING, isolate, kept_folders, left_alone, merged

VARIABLES = {"BACKUPS": "/given"}
LABELS = {"io.resilience-harness.run": "abc"}


def copy_of(
    ports: Mapping[str, Mapping[int, int]] | None = None, taken: Mapping[str, str] | None = None, **document: Any
) -> dict[str, Any]:
    """The override for a project that is `shop` to its user and `shop-hx-abc` to us."""
    resolved = {"name": "shop-hx-abc", **document}
    made: dict[str, Any] = isolate(resolved, "shop", ports or {}, LABELS, taken or {}, VARIABLES)
    return made


def service(**body: Any) -> dict[str, Any]:
    """What the override makes of one service, `web`, which the load meets at its port 8000."""
    made: dict[str, Any] = copy_of({"web": {8000: 20001}}, services={"web": body})["services"]["web"]
    return made


def test_the_entry_is_met_on_the_loopback_and_no_other_port_is_published() -> None:
    """The user's own ports may be taken: by the user's own copy."""
    made = copy_of({"web": {8000: 20001}}, services={"web": {"ports": [1]}, "db": {"ports": [2]}, "job": {}})
    assert made["services"]["web"]["ports"] == Tagged(["127.0.0.1:20001:8000"])
    assert made["services"]["db"]["ports"] == NOTHING
    assert "ports" not in made["services"]["job"]


def test_a_container_name_becomes_a_name_on_its_networks() -> None:
    """Two containers cannot bear it; others may find the service by it."""
    made = service(container_name="the-web", networks={"default": None, "back": None})
    assert made["container_name"] == NOTHING
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
    assert made["volumes"]["data"]["driver_opts"] == NOTHING
    bounded = copy_of(services={}, volumes={"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}})
    assert "driver_opts" not in bounded["volumes"]["data"]


def test_a_volume_that_is_on_a_server_is_an_empty_one() -> None:
    """The same data by another way; and what only a driver knows goes with the driver."""
    nfs = {"driver": "nfs", "driver_opts": {"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/export/pg"}}
    made = copy_of(services={}, volumes={"data": nfs})
    assert (made["volumes"]["data"]["driver_opts"], made["volumes"]["data"]["driver"]) == (NOTHING, NOTHING)


def test_an_external_volume_is_refused() -> None:
    """Data of somebody else's is not ours to break."""
    with pytest.raises(ComposeFileError, match=r"the volume precious is external.*--file"):
        copy_of(services={}, volumes={"precious": {"external": True}})


def test_an_external_network_is_one_of_the_copys_own() -> None:
    """On the user's the copy would bear the names of what runs there, and find it. Addresses are of its subnet."""
    place = {"aliases": ["db"], "ipv4_address": "10.9.0.4"}
    made = copy_of(
        services={"db": {"container_name": "the-db", "networks": {"office": place, "default": place}}},
        networks={"office": {"name": "office", "external": True}, "default": {"name": "shop-hx-abc_default"}},
    )
    assert made["networks"]["office"] == {"labels": LABELS, "external": NOTHING, "name": "shop-hx-abc_office"}
    assert made["services"]["db"]["networks"] == {
        "office": {"aliases": ["the-db"], "ipv4_address": NOTHING},
        "default": {"aliases": ["the-db"]},
    }


def test_the_users_labels_are_not_on_the_copy() -> None:
    """Who acts on them (Traefik, a backup) would take it for the user's own."""
    assert service(labels={"traefik.enable": "true"})["labels"] == Tagged(LABELS)


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ({"scale": 3}, {"scale": 1}),
        ({"deploy": {"replicas": 2}}, {"deploy": {"replicas": 1}}),
        ({"scale": 2, "deploy": {"replicas": 2}}, {"scale": 1, "deploy": {"replicas": 1}}),
        ({"scale": 0}, {}),
        ({"deploy": {"resources": {}}}, {}),
    ],
)
def test_a_service_of_several_containers_has_one_in_the_copy(said: dict[str, Any], made: dict[str, Any]) -> None:
    """They could not all be met at one port, and a fault is one on all of a service."""
    found = service(**said)
    assert {key: found[key] for key in ("scale", "deploy") if key in found} == made


def test_what_the_copy_has_otherwise_is_told() -> None:
    """A line each; nothing where nothing is otherwise."""
    data = {"type": "bind", "target": "/data"}
    told = left_alone(
        {
            "services": {"web": {"scale": 3, "labels": {"a": "b"}}, "db": {"volumes": [data]}},
            "networks": {"office": {"external": True}, "default": None},
            "volumes": {"pg": {"driver_opts": {"type": "nfs"}}, "small": {"driver_opts": {"type": "tmpfs"}}},
        },
        VARIABLES,
    )
    assert [line.split(";")[0].split(":")[0] for line in told] == [
        "db",
        "your volume pg is a place of yours, and left alone",
        "the external network office is left alone",
        "web",
        "labels are left out (web)",
    ]
    assert left_alone({"services": {"web": {}}}, VARIABLES) == []


def test_where_postgresql_is_told_to_keep_its_data_is_kept_too() -> None:
    """At PGDATA, wherever that is."""
    body = {"volumes": [{"type": "bind", "target": "/pg"}, {"type": "bind", "target": "/app"}]}
    assert kept_folders({**body, "environment": {"PGDATA": "/pg/data"}}, VARIABLES) == ("/pg",)
    assert kept_folders(body, VARIABLES) == ()


@pytest.mark.parametrize(
    ("mount", "is_kept"),
    [
        ({"type": "bind", "target": "/var/lib/postgresql/data"}, True),
        ({"type": "bind", "target": "/data"}, True),
        ({"type": "bind", "target": "/var/lib/postgresql/data", "read_only": True}, False),
        ({"type": "bind", "target": "/app"}, False),
        ({"type": "bind", "target": "/backups", "source": "/theirs"}, True),
        ({"type": "bind", "target": "/backups", "source": VARIABLES["BACKUPS"]}, False),
        ({"type": "volume", "target": "/var/lib/postgresql/data"}, False),
    ],
)
def test_a_folder_of_data_is_kept_from_the_copy_and_code_is_not(mount: dict[str, Any], is_kept: bool) -> None:
    """A second database on the folder of the first would ruin it, a second job of backups takes away the first one's;
    code must be there to run, and what $BACKUPS names was given."""
    assert bool(kept_folders({"volumes": [mount]}, VARIABLES)) is is_kept
    if is_kept:
        assert service(volumes=[mount])["volumes"] == [{"type": "volume", "target": mount["target"]}]


def test_everything_bears_the_runs_label() -> None:
    """So that it is found again, whoever looks for it."""
    made = copy_of(services={"web": {}}, networks={"default": {}}, volumes={"data": {}})
    assert made["services"]["web"]["labels"] == Tagged(LABELS)
    assert [one["labels"] for kind in ("networks", "volumes") for one in made[kind].values()] == [LABELS] * 2


def test_two_overrides_join_as_compose_joins_them() -> None:
    """Mappings and lists grow, of anything else the second counts."""
    one = {"services": {"web": {"volumes": [1], "image": "a"}}, "only": 1}
    other = {"services": {"web": {"volumes": [2], "image": "b"}, "db": {}}}
    assert merged({"networks": one}, {"networks": None}) == {"networks": one}
    assert merged(one, other) == {"services": {"web": {"volumes": [1, 2], "image": "b"}, "db": {}}, "only": 1}


def test_links_are_laid_on_the_networks_that_the_copy_has() -> None:
    """An external one is none of them, be it there or not."""
    networks = {"office": {"name": "office", "external": True}, "default": {"name": "shop-hx-abc_default"}}
    resolved = {"name": "shop-hx-abc", "services": {"web": {"image": "x"}}, "networks": networks}
    made = with_its_own(parse(json.dumps(resolved))).networks
    assert {one.key: one.name for one in made.values()} == {key: f"shop-hx-abc_{key}" for key in networks}
    assert not any(one.external for one in made.values())


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

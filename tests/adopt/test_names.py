"""Whom each name means to a client."""

from __future__ import annotations

import pytest

from harness.adopt.names import names_of, owner, shared_names, tenants
from harness.errors import ComposeFileError
from tests.adopt.stranger import service, stack


def _names(project, client: str, of: str) -> set[str]:
    """The names, those that carry the network's name left out."""
    return {name for name in names_of(project, client, of) if not name.endswith(("shop_default", "shop_back"))}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, {"db", "shop-db-1"}),
        ({"scale": 2}, {"db", "shop-db-1", "shop-db-2"}),
        ({"container_name": "the-db"}, {"db", "the-db"}),
        ({"hostname": "dbhost"}, {"db", "shop-db-1", "dbhost"}),
        ({"networks": {"default": {"aliases": ["pg", "Primary"]}}}, {"db", "shop-db-1", "pg", "primary"}),
        ({"networks": {"back": {"aliases": ["pg"]}, "default": None}}, {"db", "shop-db-1"}),
        ({"networks": {"back": None}}, set()),
    ],
)
def test_a_service_is_reached_under_each_of_its_names(body, names):
    """Those on the networks that it shares with the client, and no others."""
    assert _names(stack(web=service(), db=service(**body)), "web", "db") == names


def test_each_name_also_resolves_with_the_name_of_the_network():
    """The actual name, not the key in the file."""
    project = stack({"default": {"name": "realnet"}}, web=service(), db=service())
    assert names_of(project, "web", "db") == ("db", "db.realnet", "shop-db-1", "shop-db-1.realnet")


def test_a_link_is_a_name_for_its_client_alone():
    """The alias, and what Compose adds to it: each container with its number."""
    project = stack(web=service(links=["db:database"]), worker=service(), db=service())
    assert _names(project, "web", "db") == {"db", "db-1", "shop-db-1", "database"}
    assert _names(project, "worker", "db") == {"db", "shop-db-1"}


def test_a_link_answers_before_any_network():
    """So that its alias hides the service of that name."""
    project = stack(web=service(links=["db:cache"]), db=service(), cache=service())
    assert "cache" in _names(project, "web", "db")
    assert "cache" not in _names(project, "web", "cache")


def test_a_name_of_two_services_is_of_neither():
    """They take turns under it, and Toxiproxy cannot stand for one of them."""
    both = {"networks": {"default": {"aliases": ["pg"]}}}
    project = stack(web=service(), one=service(**both), two=service(**both))
    assert _names(project, "web", "one") == {"one", "shop-one-1"}
    assert shared_names(project, "web") == {"pg": ("one", "two")}


@pytest.mark.parametrize(
    ("back", "default", "answers"),
    [
        ({"name": "a"}, {"name": "b"}, "one"),
        ({"name": "b"}, {"name": "a"}, "two"),
        ({"name": "a", "internal": True}, {"name": "b"}, "two"),
        ({"name": "b", "internal": True, "enable_ipv6": True}, {"name": "a"}, "one"),
    ],
)
def test_the_first_network_that_knows_a_name_answers_alone(back, default, answers):
    """Dual-stack before IPv4-only, open before internal, then by name."""
    project = stack(
        {"back": back, "default": default},
        web=service(networks={"back": None, "default": None}),
        one=service(networks={"back": {"aliases": ["pg"]}}),
        two=service(networks={"default": {"aliases": ["pg"]}}),
    )
    assert ("pg" in names_of(project, "web", "one"), "pg" in names_of(project, "web", "two")) == (
        answers == "one",
        answers == "two",
    )


def test_extra_hosts_answer_before_any_network():
    """/etc/hosts is read first, so a name in it is nobody's."""
    project = stack(web=service(extra_hosts=["db=10.0.0.7"]), db=service())
    assert _names(project, "web", "db") == {"shop-db-1"}


def test_who_lives_in_the_network_of_another_is_reached_under_that_ones_names():
    """However long the chain is."""
    project = stack(
        web=service(), db=service(), side=service(network_mode="service:db"), far=service(network_mode="service:side")
    )
    assert (owner(project, "far"), owner(project, "db")) == ("db", "db")
    assert tenants(project, "db") == ("db", "far", "side")
    assert names_of(project, "web", "side") == ()


@pytest.mark.parametrize("mode", ["service:nobody", "service:side"])
def test_a_network_that_nobody_owns_is_told(mode):
    """A circle, or a service that is not there."""
    project = stack(side=service(network_mode=mode))
    with pytest.raises(ComposeFileError, match=r"services\.side\.network_mode"):
        owner(project, "side")

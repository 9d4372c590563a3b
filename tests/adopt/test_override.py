"""The override document: who is on which network, under which names and addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.adopt.edges import Edge
from harness.adopt.link_names import link_names
from harness.adopt.override import Override, render
from harness.adopt.subnets import Subnets
from harness.adopt.yaml_text import Tagged
from harness.errors import ComposeFileError, StartError
from tests.adopt.stranger import found, needs, service, stack

WEB_API = (Edge("web", "api", 8000),)


def _render(project, edges=WEB_API, **more) -> Override:
    given = {"subnets": Subnets(seed=1), "toxiproxy_image": "toxi:1", "published": {8474: 4000}, **more}
    return render(project, link_names(edges), **given)


def _two(**web) -> Any:
    return stack(web=service(**web), api=service(expose=["8000"]))


def _plain(value: Any) -> Any:
    """Without tags."""
    if isinstance(value, Tagged):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def test_soft_adds_and_takes_nothing_away():
    """The client joins the edge's network, the dependency bears one more alias, Toxiproxy stands between."""
    services = _plain(_render(_two()).document)["services"]
    assert services["web"] == {
        "networks": {"default": None, "hx-web-api": None},
        "depends_on": {"hx-toxiproxy": {"condition": "service_started"}},
    }
    assert services["api"] == {"networks": {"default": {"aliases": ["api.upstream"]}}}
    toxiproxy = services["hx-toxiproxy"]
    address = toxiproxy["networks"]["hx-web-api"].pop("ipv4_address")
    assert address.startswith(("198.18.", "198.19."))
    names = ["api", "api.shop_default", "shop-api-1", "shop-api-1.shop_default"]
    assert toxiproxy["networks"] == {"default": {}, "hx-web-api": {"aliases": names}, "hx-ctl": {}}
    assert toxiproxy["command"] == ["-host=0.0.0.0", "-proxy-metrics", "-config=/hx.json"]
    assert (toxiproxy["ports"], toxiproxy["environment"]) == (["127.0.0.1:4000:8474"], {"LOG_LEVEL": "error"})


def test_soft_replaces_nothing_but_links_of_a_dependency():
    """All else is merged by Compose."""
    text = _render(_two()).text()
    assert text.count("!override") == 1
    assert "x-harness: !override" in text


def test_strict_puts_client_and_dependency_on_networks_of_ours_alone():
    """So that nothing can pass Toxiproxy by."""
    project = stack(
        web=service(), api=service(networks={"default": {"aliases": ["backend"]}}), db=service(), other=service()
    )
    override = _render(project, (*WEB_API, Edge("api", "db", 5432)), mode="strict")
    services = override.document["services"]
    assert services["web"]["networks"] == Tagged({"hx-web-api": None})
    assert services["api"]["networks"] == Tagged(
        {"hx-api-db": None, "hx-up-api": {"aliases": ["api.upstream", "backend"]}}
    )
    assert services["db"]["networks"] == Tagged({"hx-up-db": {"aliases": ["db.upstream"]}})
    assert "other" not in services
    assert set(services["hx-toxiproxy"]["networks"]) == {"hx-up-api", "hx-up-db", "hx-web-api", "hx-api-db", "hx-ctl"}
    assert len(override.document["networks"]) == 2 + 2 + 1


def test_the_listeners_address_tells_the_edge():
    """Two clients of one dependency, two dependencies on one port: each has an address of its own."""
    project = stack(web=service(), worker=service(), api=service(), store=service())
    edges = (*WEB_API, Edge("web", "store", 8000), Edge("worker", "api", 8000), Edge("web", "api", 9000))
    override = _render(project, edges)
    listens = {one.name: one.listen for one in override.proxies}
    assert set(listens) == {"web-api-8000", "web-api-9000", "web-store", "worker-api"}
    addresses = {name: listen.partition(":")[0] for name, listen in listens.items()}
    assert addresses["web-api-8000"] == addresses["web-api-9000"]
    assert len(set(addresses.values())) == 3
    upstreams = {one.name: one.upstream for one in override.proxies}
    assert (upstreams["web-api-9000"], upstreams["web-store"]) == ("api.upstream:9000", "store.upstream:8000")


def test_a_proxy_bears_the_name_that_its_link_was_given():
    """A link that the user renamed is met under that name; a port that is no link any more has another."""
    links = {"the-api": Edge("web", "api", 8000), "web-api-9000": Edge("web", "api", 7000)}
    given = {"subnets": Subnets(seed=1), "toxiproxy_image": "toxi:1", "known_ports": {"api": (7000, 8000, 9000)}}
    override = render(_two(), links, **given)
    upstreams = {one.name: one.upstream.rpartition(":")[2] for one in override.proxies}
    assert upstreams == {"the-api": "8000", "web-api-9000": "7000", "web-api-9000-": "9000"}
    assert list(_plain(override.document)["x-harness"]["links"]) == list(links)


def test_two_names_for_one_edge_are_told():
    """Their proxies would listen on one address, and Toxiproxy would drop all that follow."""
    with pytest.raises(ComposeFileError, match="one and two are both web -> api:8000"):
        render(_two(), {"one": WEB_API[0], "two": WEB_API[0]}, subnets=Subnets(), toxiproxy_image="toxi:1")


def test_the_configuration_of_toxiproxy_holds_the_proxies():
    """By the names of the links, in JSON."""
    override = _render(_two())
    content = json.loads(_plain(override.document)["configs"]["hx-proxies"]["content"])
    (proxy,) = override.proxies
    assert content == [{"name": "web-api", "listen": proxy.listen, "upstream": proxy.upstream, "enabled": True}]


def test_further_ports_of_a_linked_service_stay_open():
    """Every name of it leads to Toxiproxy, so a port without a proxy would be shut. They are no links."""
    project = stack(web=service(), worker=service(), api=service(expose=["8000", "9000"]), db=service(expose=["1"]))
    known = found(project).ports
    assert known == {"web": (), "worker": (), "api": (8000, 9000), "db": (1,)}
    override = _render(project, (*WEB_API, Edge("worker", "api", 9000)), known_ports=known)
    assert [one.name for one in override.proxies] == ["web-api", "worker-api", "web-api-9000", "worker-api-8000"]
    assert len({one.listen for one in override.proxies}) == 4
    assert list(_plain(override.document)["x-harness"]["links"]) == ["web-api", "worker-api"]


def test_x_harness_says_what_the_harness_reads():
    """Where the load goes, the mode, which service is Toxiproxy, and every link."""
    override = _render(_two(), extension={"entry": "web:80"})
    assert list(_plain(override.document)["x-harness"].items()) == [
        ("entry", "web:80"),
        ("mode", "soft"),
        ("toxiproxy", "hx-toxiproxy"),
        ("links", {"web-api": {"client": "web", "service": "api", "port": 8000}}),
    ]


@pytest.mark.parametrize(
    ("networks", "attached", "internal", "dual_stack"),
    [
        ({}, ["default"], False, False),
        ({"back": {"internal": True}}, ["back"], True, False),
        ({"back": {"internal": True}}, ["back", "default"], False, False),
        ({"six": {"enable_ipv6": True}}, ["six", "default"], False, True),
        ({"six": {"enable_ipv6": True, "internal": True}}, ["six"], True, True),
    ],
)
def test_an_edge_is_as_open_as_its_client(networks, attached, internal, dual_stack):
    """Internal only if all of the client's networks are, dual-stack if any of them is: else it would not come first."""
    on = dict.fromkeys(attached)
    project = stack(networks, web=service(networks=on), api=service(networks={attached[0]: None}))
    network = _plain(_render(project).document)["networks"]["hx-web-api"]
    assert (network.get("internal", False), network.get("enable_ipv6", False)) == (internal, dual_stack)
    assert len(network["ipam"]["config"]) == 1 + dual_stack
    assert network["name"] == "00hx-shop-web-api"


def test_early_clients_do_not_take_toxiproxys_address():
    """What Docker gives out is the upper half; more replicas have a larger half."""
    project = stack(web=service(scale=5), api=service())
    (pool,) = _plain(_render(project).document)["networks"]["hx-web-api"]["ipam"]["config"]
    assert pool["subnet"].endswith("/27")
    assert pool["ip_range"].endswith("/28")
    assert pool["gateway"] != pool["ip_range"].partition("/")[0]


def test_a_link_to_a_dependency_is_reset_and_what_it_implied_is_kept():
    """Its alias would answer before any network; Toxiproxy bears it now. Other links stay."""
    project = stack(
        web=service(
            links=["api:backend", "other:o"],
            depends_on={"api": {"condition": "service_started", "restart": True, "required": True}, **needs("other")},
        ),
        api=service(),
        other=service(),
    )
    for mode, kept in (("soft", ["other:o"]), ("strict", [])):
        services = _render(project, mode=mode).document["services"]
        assert services["web"]["links"] == Tagged(kept)
        api = {"condition": "service_started", "restart": True, "required": True}
        assert services["web"]["depends_on"]["api"] == api
        assert ("other" in services["web"]["depends_on"]) is (mode == "strict")
        assert "backend" in services["hx-toxiproxy"]["networks"]["hx-web-api"]["aliases"]


def test_toxiproxy_stays_out_of_the_way_of_fixed_addresses():
    """It meets a dependency where nobody has one, or takes one from the end of the subnet."""
    back = {"back": {"ipam": {"config": [{"subnet": "10.9.0.0/24"}]}}}
    fixed = {"back": {"ipv4_address": "10.9.0.253"}}
    only = stack(back, web=service(networks={"back": None}), api=service(networks=fixed))
    assert _plain(_render(only).document)["services"]["hx-toxiproxy"]["networks"]["back"] == {
        "ipv4_address": "10.9.0.252"
    }
    both = stack(back, web=service(networks={"back": None}), api=service(networks={**fixed, "default": None}))
    services = _plain(_render(both).document)["services"]
    assert "back" not in services["hx-toxiproxy"]["networks"]
    assert services["api"]["networks"] == {"back": None, "default": {"aliases": ["api.upstream"]}}


def test_a_dependency_is_met_on_a_network_of_the_projects_own():
    """An external one may hold another project's services of the same name."""
    networks = {"a": {"external": True}}
    project = stack(networks, web=service(networks={"a": None}), api=service(networks={"a": None, "b": None}))
    assert "a" not in _plain(_render(project).document)["services"]["hx-toxiproxy"]["networks"]


def test_without_a_port_the_api_is_not_published():
    """And then no network is needed for it."""
    document = _plain(_render(_two(), published=None).document)
    assert "ports" not in document["services"]["hx-toxiproxy"]
    assert set(document["networks"]) == {"hx-web-api"}


def test_labels_are_on_all_that_is_ours():
    """By them it is found and removed when the user's own files take it away in place."""
    document = _plain(_render(_two(), labels={"of": "shop"}).document)
    ours = [document["services"]["hx-toxiproxy"], *document["networks"].values()]
    assert [one["labels"] for one in ours] == [{"of": "shop"}] * 3


def test_names_that_are_taken_are_not_ours():
    """A service, a network of the user's."""
    project = stack(
        {"hx-ctl": {}}, web=service(networks={"hx-ctl": None}), api=service(networks={"hx-ctl": None}),
        **{"hx-toxiproxy": service()},
    )  # fmt: skip
    override = _render(project)
    assert override.toxiproxy == "hx-toxiproxy-2"
    assert list(_plain(override.document)["networks"]) == ["hx-web-api", "hx-ctl-"]


def test_the_subnets_of_the_project_are_in_use():
    """Also before it is up."""
    whole = {"default": {"ipam": {"config": [{"subnet": "198.18.0.0/15"}]}}}
    with pytest.raises(StartError, match="no free"):
        _render(stack(whole, web=service(), api=service()))


def test_one_set_of_edges_gives_one_file():
    """Whatever their order."""
    project = stack(web=service(), api=service(), db=service())
    edges = [*WEB_API, Edge("api", "db", 1), Edge("web", "db", 1)]
    assert _render(project, edges).text() == _render(project, edges[::-1]).text()


SHARED = {"networks": {"default": {"aliases": ["pg"]}}}


@pytest.mark.parametrize(
    ("project", "more", "says"),
    [
        (_two(), {"mode": "hard"}, "did you mean 'strict'|allowed: soft, strict"),
        (_two(), {"edges": ()}, "no edge of this project"),
        (_two(), {"toxiproxy_service": "api"}, "has a service 'api'"),
        (stack({"default": {"name": "00aa"}}, web=service(), api=service()), {}, "begins with a letter"),
        (stack(web=service(**SHARED), api=service(**SHARED)), {"mode": "strict"}, "pg means several services"),
        (stack(web=service(), api=service(networks={"back": None})), {}, "no name at web means api alone"),
    ],
)
def test_what_the_project_does_not_allow_is_told(project, more, says):
    """With what to do."""
    with pytest.raises(ComposeFileError, match=says):
        _render(project, **more)


def test_every_edge_that_is_found_can_be_rendered():
    """What could not be has been left out before."""
    project = stack(
        web=service(depends_on=needs("api", "far", "dns"), environment={"DB_HOST": "pg"}),
        api=service(expose=["1", "2"], network_mode="service:far"),
        far=service(**SHARED, expose=["3"]),
        dns=service(expose=["53/udp"]),
        near=service(**SHARED),
    )
    override = _render(project, found(project).edges)
    assert [one.name for one in override.proxies] == ["web-far-1", "web-far-2", "web-far-3"]
    assert "pg" not in override.text()

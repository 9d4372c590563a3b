"""What Compose prints, in types; what it would never print is refused with its key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.adopt.project import Attachment, Dependency, parse
from harness.errors import ComposeFileError

RESOLVED = {
    "name": "shop",
    "networks": {
        "back": {"name": "realback", "internal": True, "ipam": {"config": [{"subnet": "10.88.0.0/24"}]}},
        "default": {"name": "shop_default", "ipam": {}},
        "outside": {"name": "theirs", "external": True, "ipam": {}},
        "six": {"name": "shop_six", "enable_ipv6": True, "driver": "bridge", "ipam": {}},
    },
    "volumes": {"data": {"name": "shop_data"}},
    "services": {
        "web": {
            "build": {"context": "/srv", "dockerfile": "Dockerfile"},
            "command": ["serve", "--pay", "$$5"],
            "entrypoint": ["/bin/sh"],
            "container_name": "the-web",
            "hostname": "webhost",
            "depends_on": {
                "db": {"condition": "service_healthy", "required": False},
                "job": {"condition": "service_started", "restart": True, "required": True},
            },
            "environment": {"PASSWORD": "a$$b", "EMPTY": None, "FLAG": "true"},
            "expose": ["7000", "7001-7003", "99/udp"],
            "extra_hosts": ["host.docker.internal=host-gateway", "legacy=10.0.0.7"],
            "external_links": ["bar"],
            "links": ["db:database", "job"],
            "networks": {
                "back": {"aliases": ["w1", "w2"], "ipv4_address": "10.88.0.9", "priority": 3},
                "default": None,
            },
            "ports": [
                {"mode": "ingress", "host_ip": "127.0.0.1", "target": 8000, "protocol": "tcp"},
                {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp"},
            ],
            "restart": "no",
            "scale": 2,
        },
        "db": {"image": "postgres:16", "command": None, "deploy": {"replicas": 3}, "networks": {"six": None}},
        "job": {"image": "x", "network_mode": "service:db"},
    },
}


def test_a_service_is_read_whole():
    """Ports by protocol, dollars undoubled, nothing of what is empty."""
    web = parse(json.dumps(RESOLVED)).services["web"]
    assert web.words == ("/bin/sh", "serve", "--pay", "$5")
    assert web.environment == {"PASSWORD": "a$b", "FLAG": "true"}
    assert web.depends_on == {
        "db": Dependency("service_healthy", required=False),
        "job": Dependency("service_started", restart=True),
    }
    assert web.links == (("db", "database"), ("job", "job"))
    assert (web.tcp_ports, web.udp_ports) == ((7000, 7001, 7002, 7003, 8000), (53, 99))
    assert web.networks == (Attachment("back", ("w1", "w2"), "10.88.0.9"), Attachment("default"))
    assert web.extra_hosts == {"host.docker.internal": "host-gateway", "legacy": "10.0.0.7"}
    assert (web.container_name, web.hostname, web.external_links) == ("the-web", "webhost", ("bar",))


def test_replicas_are_those_of_scale_or_deploy():
    """Compose prints either; one container where it prints neither."""
    services = parse(json.dumps(RESOLVED)).services
    assert {name: one.replicas for name, one in services.items()} == {"web": 2, "db": 3, "job": 1}


def test_networks_are_read_with_their_actual_names():
    """That is what Docker sorts by."""
    networks = parse(json.dumps(RESOLVED)).networks
    assert {key: one.name for key, one in networks.items()} == {
        "back": "realback",
        "default": "shop_default",
        "outside": "theirs",
        "six": "shop_six",
    }
    assert (networks["back"].internal, networks["back"].subnets) == (True, ("10.88.0.0/24",))
    assert (networks["outside"].external, networks["six"].enable_ipv6) == (True, True)


@pytest.mark.parametrize(
    ("extra_hosts", "read"),
    [
        (["a=1.2.3.4"], {"a": "1.2.3.4"}),
        (["a:1.2.3.4"], {"a": "1.2.3.4"}),
        (["six=::1"], {"six": "::1"}),
        ({"a": ["1.2.3.4"], "b": "5.6.7.8"}, {"a": "1.2.3.4", "b": "5.6.7.8"}),
    ],
)
def test_extra_hosts_are_read_as_every_compose_prints_them(extra_hosts, read):
    """A list with `=` or `:`, or a mapping."""
    document = {"name": "shop", "services": {"web": {"extra_hosts": extra_hosts}}}
    assert parse(json.dumps(document)).services["web"].extra_hosts == read


def _with(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "shop", "services": {"web": body}, "networks": {"back": {}}, **more}


def _said(**link: Any) -> dict[str, Any]:
    return {"x-harness": {"links": {"one": {"client": "web", "service": "web", "port": 80, **link}}}}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"services": {"web": {}}}, "has no name"),
        (
            {"name": "shop", "services": {}},
            "no services; give its files, and the profiles whose services are wanted in $COMPOSE_PROFILES",
        ),
        ({"name": "shop", "services": []}, "services must be a mapping"),
        (_with({"ports": "80"}), "services.web.ports must be a list"),
        (_with({"ports": [{"target": "x"}]}), "services.web.ports.target must be a whole number"),
        (_with({"networks": {"bak": None}}), "did you mean 'back'"),
        (_with({}, **_said(service="wb")), "x-harness.links.one.service: unknown service 'wb'"),
        (_with({}, **_said(port=0)), "x-harness.links.one.port must be from 1 to 65535"),
    ],
)
def test_what_does_not_fit_is_told_with_its_key(document, says):
    """And with the nearest right name."""
    with pytest.raises(ComposeFileError) as caught:
        parse(json.dumps(document))
    assert says in str(caught.value)


def test_what_is_no_json_is_told():
    """As when an old Compose prints YAML."""
    with pytest.raises(ComposeFileError, match="printed no JSON"):
        parse("name: shop\n")


def test_a_link_that_leads_through_toxiproxy_by_itself_is_not_said():
    """The reference target's own x-harness has listen and upstream in the place of a port."""
    links = {"web-db": {"client": "web", "service": "db", "listen": 1, "upstream": 2}}
    document = {"name": "shop", "services": {"web": {}, "db": {}}, "x-harness": {"links": links}}
    assert parse(json.dumps(document)).said == ()

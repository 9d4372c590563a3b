"""What cannot be led through Toxiproxy is named, with the reason."""

from __future__ import annotations

import pytest

from tests.adopt.stranger import as_text, found, needs, service, stack, why

FIXED = {"networks": {"default": {"ipv4_address": "10.1.0.9"}}}


@pytest.mark.parametrize(
    ("services", "what", "says"),
    [
        (
            {"web": service(depends_on=needs("dns")), "dns": service(expose=["53/udp"])},
            "web -> dns 53/udp",
            "Toxiproxy carries TCP only",
        ),
        (
            {"web": service(environment={"STATSD": "udp://stats:8125"}), "stats": service(expose=["8125/udp"])},
            "web -> stats 8125/udp",
            "Toxiproxy carries TCP only",
        ),
        (
            {"web": service(depends_on=needs("jaeger")), "jaeger": service(expose=["6831/udp", "16686"])},
            "web -> jaeger",
            "may send 6831/udp under the same name",
        ),
        ({"web": service(network_mode="host")}, "web", "the host's own network"),
        ({"web": service(network_mode="none")}, "web", "it has no network"),
        ({"web": service(network_mode="bridge")}, "web", "knows no names"),
        ({"web": service(network_mode="container:other")}, "web", "container:other, which is not of this project"),
        (
            {"web": service(depends_on=needs("db")), "db": service(network_mode="host", expose=["80"])},
            "web -> db",
            "the host's own network",
        ),
        ({"web": service(external_links=["theirs"])}, "web -> theirs", "outside the project"),
        (
            {"web": service(environment={"MAIL": "smtp://mail.example.org"})},
            "web -> mail.example.org:25",
            "outside the stack (environment MAIL)",
        ),
        ({"web": service(environment={"API_URL": "http://nobody:81"})}, "web -> nobody:81", "outside the stack"),
        ({"web": service(environment={"DB_HOST": "10.2.3.4"})}, "web -> 10.2.3.4", "outside the stack"),
        (
            {
                "web": service(environment={"DB": "postgres://database/x"}),
                "db": service(networks={"back": {"aliases": ["database"]}}),
            },
            "web -> database:5432",
            "that is db, but by this name on no network that web is on",
        ),
        (
            {"web": service(environment={"API": "http://host.docker.internal:81"})},
            "web -> host.docker.internal:81",
            "on the host",
        ),
        (
            {"web": service(environment={"API": "http://old:81"}, extra_hosts=["old=10.0.0.7"])},
            "web -> old:81",
            "extra_hosts gives its address (10.0.0.7)",
        ),
        (
            {"web": service(environment={"API": "http://db:81"}, extra_hosts=["db=10.0.0.7"]), "db": service()},
            "web -> db:81",
            "extra_hosts",
        ),
        (
            {"web": service(environment={"DB": "pg://10.1.0.9"}), "db": service(**FIXED)},
            "web -> 10.1.0.9:5432",
            "the fixed address of db",
        ),
        (
            {"web": service(depends_on=needs("db")), "db": service()},
            "web -> db",
            "no TCP port of db is known; if it is dialled, say it in x-harness",
        ),
        (
            {"web": service(depends_on=needs("db")), "db": service(expose=["30000-30100"])},
            "web -> db",
            "db has 101 TCP ports; say in x-harness which",
        ),
        (
            {"web": service(depends_on=needs("db")), "db": service(expose=["80"], networks={"back": None})},
            "web -> db",
            "share no network",
        ),
    ],
)
def test_it_is_named_with_the_reason(services, what, says):
    """And there is no edge for it."""
    done = found(stack(**services))
    assert as_text(done) == {}
    assert what in why(done)
    assert says in why(done)[what]


@pytest.mark.parametrize(
    "value", ["http://localhost:80", "tcp://0.0.0.0:80", "127.0.0.1:8080", "v1.2.3:4567", "unix:///run/x", "http://web"]
)
def test_what_leads_nowhere_else_is_not_worth_a_word(value):
    """One's own machine, one's own name, a version, a file."""
    assert why(found(stack(web=service(environment={"API_URL": value})))) == {}


def test_a_tcp_port_of_a_service_with_udp_is_an_edge_where_something_says_it():
    """Only if it may be UDP that goes under the name is the name left alone."""
    jaeger = service(expose=["6831/udp", "16686"])
    told = stack(web=service(environment={"UI": "http://jaeger:16686"}), jaeger=jaeger)
    assert as_text(found(told)) == {"web -> jaeger:16686": "environment UI"}
    both = stack(web=service(environment={"UI": "http://jaeger:16686", "AGENT": "jaeger:6831"}), jaeger=jaeger)
    assert as_text(found(both)) == {}
    said = {"l": {"client": "web", "service": "jaeger", "port": 16686}}
    assert list(as_text(found(stack(None, said, web=service(environment={"AGENT": "jaeger:6831"}), jaeger=jaeger))))


def test_a_name_of_several_services_is_said_to_be_left_alone():
    """Their other names lead through Toxiproxy."""
    both = {"networks": {"default": {"aliases": ["pg"]}}, "expose": ["5432"]}
    done = found(stack(web=service(environment={"DB_HOST": "pg"}), one=service(**both), two=service(**both)))
    assert list(as_text(done)) == ["web -> one:5432", "web -> two:5432"]
    assert why(done) == {"the name pg at web": "one and two take turns under it, so Toxiproxy bears it for neither"}


def test_only_bridge_networks_were_tried():
    """Another driver may order names in another way."""
    project = stack({"default": {"driver": "macvlan"}}, web=service(depends_on=needs("db")), db=service(expose=["1"]))
    assert "driver macvlan" in why(found(project))["web -> db"]

"""On real Docker: each connection of each client, by every name, arrives at Toxiproxy's proxy of that very edge."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pytest
import requests
import yaml

from harness.adopt.edges import Found, SeenConnection, find_edges
from harness.adopt.link_names import link_names
from harness.adopt.names import names_of
from harness.adopt.override import Override, render
from harness.adopt.project import ComposeProject, parse
from harness.adopt.subnets import Subnets
from tests.integration.docker_here import docker, python_image, require_docker, toxiproxy_image

SERVER = """
import http.server, os, threading
class Say(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["ME"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *ignored):
        pass
further = http.server.ThreadingHTTPServer(("", 9000), Say)
threading.Thread(target=further.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("", 8000), Say).serve_forever()
"""
ASK = """
import json, sys, urllib.request
answers = {}
for name in sys.argv[1:]:
    try:
        address = name if ":" in name else name + ":8000"
        answers[name] = urllib.request.urlopen(f"http://{address}/", timeout=3).read().decode()
    except OSError as error:
        answers[name] = "refused"
print(json.dumps(answers))
"""
LINKS = {
    "web-api": ("web", "api"),
    "web-store": ("web", "store"),
    "worker-api": ("worker", "api"),
    "api-vault": ("api", "vault"),
    "keeper-vault": ("keeper", "vault"),
}


def _compose(name: str, inner: IPv4Network) -> dict[str, Any]:
    """Two dependencies on one port, two clients of one dependency, a container_name, a hostname, an internal network,
    aliases, a link's alias, a fixed address, replicas of a client and of a dependency.
    """

    def service(me: str, **more: object) -> dict[str, object]:
        command = ["python3", "-c", SERVER.replace("$", "$$")]
        plain = {"image": python_image(), "command": command, "environment": {"ME": me}, "init": True}
        return {**plain, "stop_grace_period": "1s", **more}

    return {
        "name": name,
        "services": {
            "web": service("web", environment={"ME": "web", "API_URL": "http://api:8000"}, links=["store:warehouse"]),
            "worker": service("worker", environment={"ME": "worker", "API_HOST": "api"}, depends_on=["api"], scale=2),
            "api": service(
                "api",
                container_name=f"{name}-the-api",
                environment={"ME": "api", "VAULT": "safe:8000"},
                networks={"default": {"aliases": ["backend"]}, "inner": None},
            ),
            "store": service("store", hostname="storehouse", scale=2, expose=["8000"]),
            "vault": service(
                "vault",
                expose=["8000", "9000"],
                networks={"inner": {"aliases": ["safe"], "ipv4_address": str(inner[2])}},
            ),
            "keeper": service("keeper", command=["sleep", "3600"], networks=["inner"]),
        },
        "networks": {
            "inner": {"internal": True, "name": f"{name}-inner", "ipam": {"config": [{"subnet": str(inner)}]}}
        },
    }


@dataclass
class Adopted:
    """A project that is up with its override in force."""

    mode: str
    project: ComposeProject
    found: Found
    override: Override
    api: str

    def container(self, service: str) -> str:
        own = self.project.services[service]
        return own.container_name or f"{self.project.name}-{service}-1"

    def ask(self, client: str, *names: str) -> dict[str, str]:
        """Who answers the client under each name; `refused` where nobody does."""
        done = docker("exec", self.container(client), "python3", "-c", ASK, *names)
        assert done.returncode == 0, done.stderr
        answers: dict[str, str] = json.loads(done.stdout)
        return answers

    def ask_all(self) -> dict[str, set[str]]:
        """By link, everything that its client hears under all names of its service."""
        return {
            link: set(self.ask(client, *names_of(self.project, client, service)).values())
            for link, (client, service) in LINKS.items()
        }

    def set_enabled(self, link: str, *, enabled: bool) -> None:
        requests.post(f"{self.api}/proxies/{link}", json={"enabled": enabled}, timeout=5).raise_for_status()


@pytest.fixture(scope="module", params=["soft", "strict"])
def adopted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    """The project, adopted in either mode, and taken down again with nothing left."""
    require_docker(python_image(), toxiproxy_image())
    folder = tmp_path_factory.mktemp("stranger")
    name = f"hadopt-{request.param}-{random.randrange(1 << 24):06x}"
    subnets = Subnets(_in_use(), seed=random.randrange(1 << 32))
    (inner,) = subnets.allot([27])
    (folder / "compose.yml").write_text(yaml.safe_dump(_compose(name, inner)), encoding="utf-8")
    user_file = ("compose", "-f", str(folder / "compose.yml"))
    resolved = docker(*user_file, "config", "--format", "json")
    assert resolved.returncode == 0, resolved.stderr
    project = parse(resolved.stdout)
    found = find_edges(project, {"api": (8000,)}, (SeenConnection("keeper", "vault", 8000, 2),))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    override = render(
        project,
        link_names(found.edges),
        mode=request.param,
        subnets=subnets,
        toxiproxy_image=toxiproxy_image(),
        published={8474: port},
        known_ports=found.ports,
        labels={"resilience-harness.of": name},
    )
    (folder / "override.yml").write_text(override.text(), encoding="utf-8")
    files = (*user_file, "-f", str(folder / "override.yml"))
    try:
        up = docker(*files, "up", "-d", within_s=180)
        assert up.returncode == 0, f"{up.stderr}\n{override.text()}"
        made = Adopted(request.param, project, found, override, f"http://127.0.0.1:{port}")
        _wait_until_all_answer(made)
        yield made
    finally:
        down = docker(*files, "down", "-v", "-t", "1", within_s=180)
    assert down.returncode == 0, down.stderr
    assert _left_over(name) == []


def _in_use() -> tuple[str, ...]:
    ids = docker("network", "ls", "-q").stdout.split()
    template = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
    return tuple(docker("network", "inspect", "-f", template, *ids).stdout.split())


def _left_over(name: str) -> list[str]:
    containers = docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    networks = docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    return [one for one in (*containers, *networks) if name in one]


def _wait_until_all_answer(adopted: Adopted) -> None:
    ends = time.monotonic() + 20
    while any("refused" in heard for heard in adopted.ask_all().values()):
        assert time.monotonic() < ends, adopted.ask_all()
        time.sleep(0.2)


def test_the_edges_are_found(adopted: Adopted):
    """Those that the file says and the one that was seen, no others, and nothing is left out."""
    edges = {(edge.client, edge.service, edge.port) for edge in adopted.found.edges}
    assert edges == {(client, service, 8000) for client, service in LINKS.values()}
    assert adopted.found.left_out == ()


def test_toxiproxy_has_the_proxies_that_the_override_says(adopted: Adopted):
    """One whose address could not be bound would take all later ones with it."""
    proxies = requests.get(f"{adopted.api}/proxies", timeout=5).json()
    there = {(name, one["listen"], one["upstream"], one["enabled"]) for name, one in proxies.items()}
    assert there == {(one.name, one.listen, one.upstream, True) for one in adopted.override.proxies}
    assert {one.name for one in adopted.override.proxies} >= set(LINKS)


def test_every_name_leads_to_the_real_service(adopted: Adopted):
    """Under each of its names a dependency itself answers, and there are names of every kind."""
    assert adopted.ask_all() == {link: {service} for link, (_, service) in LINKS.items()}
    name = adopted.project.name
    assert {f"{name}-the-api", "backend", f"api.{name}_default"} <= set(names_of(adopted.project, "web", "api"))
    assert {"warehouse", "storehouse", f"{name}-store-2", "store-1"} <= set(names_of(adopted.project, "web", "store"))


@pytest.mark.parametrize("link", LINKS)
def test_a_cut_proxy_cuts_its_own_edge_and_no_other(adopted: Adopted, link: str):
    """Under no name does a connection of the edge pass its proxy by, and no other edge runs through it."""
    adopted.set_enabled(link, enabled=False)
    try:
        heard = adopted.ask_all()
    finally:
        adopted.set_enabled(link, enabled=True)
    whole = {other: {service} for other, (_, service) in LINKS.items() if other != link}
    assert heard == {**whole, link: {"refused"}}


def test_a_further_port_of_a_linked_service_stays_open(adopted: Adopted):
    """All its names lead to Toxiproxy, which passes on what is no link of its own; a port that nobody knows is shut."""
    assert adopted.ask("keeper", "safe:9000", "safe:9999") == {"safe:9000": "vault", "safe:9999": "refused"}
    assert adopted.ask("web", "store:9000") == {"store:9000": "refused"}


def test_what_was_not_found_goes_on_in_soft_mode_and_is_broken_in_strict(adopted: Adopted):
    """Soft never breaks what it does not know; strict lets nothing pass by."""
    heard = adopted.ask("worker", "store")
    assert heard == {"store": "store" if adopted.mode == "soft" else "refused"}


@pytest.mark.parametrize(("service", "has_a_way_out"), [("web", True), ("api", True), ("keeper", False)])
def test_a_client_of_internal_networks_stays_inside(adopted: Adopted, service: str, has_a_way_out: bool):
    """It has no way out, as before; a client with one keeps it."""
    template = "{{range .NetworkSettings.Networks}}{{.NetworkID}} {{end}}"
    ids = docker("inspect", "-f", template, adopted.container(service)).stdout.split()
    internal = docker("network", "inspect", "-f", "{{.Internal}}", *ids).stdout.split()
    assert ("false" in internal) is has_a_way_out


def test_replicas_of_a_client_share_the_edge(adopted: Adopted):
    """The second worker is cut with the first."""
    adopted.set_enabled("worker-api", enabled=False)
    try:
        done = docker("exec", f"{adopted.project.name}-worker-2", "python3", "-c", ASK, "api")
    finally:
        adopted.set_enabled("worker-api", enabled=True)
    assert json.loads(done.stdout) == {"api": "refused"}

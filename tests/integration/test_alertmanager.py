"""Alerts of the shop on Docker, by the real Prometheus and Alertmanager, to a receiver beside Toxiproxy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.integration.docker_here import docker, python_image, require_docker
from tests.integration.kept_shop import KeptShop, kept_shop
from tests.integration.project import wait_for

NAME = "PaymentsBreakerOpen"
FIRES_WITHIN_S = 1 + 1 + 1 + 1 + 1  # scrape, evaluation, for, group_wait, delivery
RESOLVES_WITHIN_S = 1 + 1 + 3 + 1 + 1  # scrape, evaluation, keep_firing_for, group_interval, delivery
OVER_S = 1.0  # a scheduler's, of eleven processes on two cores
RECEIVER = """
import http.server, json, time
class Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(json.dumps({"at": time.time(), "body": body}), flush=True)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", 9099), Taking).serve_forever()
"""


@dataclass
class Receiver:
    """Takes Alertmanager's messages, in a container in Toxiproxy's network."""

    container: str

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Every alert of this name that it was told, with `at`, when that was."""
        lines = map(json.loads, docker("logs", self.container).stdout.splitlines())
        return [{**one, "at": line["at"]} for line in lines for one in line["body"]["alerts"] if _name(one) == name]

    def wait(self, name: str, status: str, within_s: float) -> dict[str, Any]:
        def told() -> list[dict[str, Any]]:
            return [one for one in self.alerts(name) if one["status"] == status]

        wait_for(lambda: bool(told()), within_s, f"{name} {status}")
        return told()[0]


def _name(alert: dict[str, Any]) -> str:
    return str(alert["labels"]["alertname"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptShop]:
    """The shop on Docker, whose Alertmanager tells whoever listens beside Toxiproxy."""
    require_docker()
    told = {"ALERT_WEBHOOK_URL": "http://toxiproxy:9099/alerts", "RUNBOOKS_URL": "https://runbooks.example"}
    with kept_shop(tmp_path_factory.mktemp("alerts"), "docker", **told) as made:
        yield made


@pytest.fixture
def receiver(shop: KeptShop) -> Iterator[Receiver]:
    beside = f"container:{shop.inspect('toxiproxy')['Id']}"
    started = docker("run", "--detach", "--network", beside, python_image(), "python3", "-c", RECEIVER)
    assert started.returncode == 0, started.stderr
    yield Receiver(started.stdout.strip())
    docker("rm", "--force", started.stdout.strip())


def _state(shop: KeptShop) -> float:
    """Of the breaker on payments, as the shop tells Prometheus: 0 is closed."""
    text = requests.get(f"{shop.state.entry}/metrics", timeout=5).text
    found = re.search(r'^shop_breaker_state\{service="payments"\} (\S+)', text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


def test_an_open_breaker_is_told_within_its_bound_and_its_end_once(shop: KeptShop, receiver: Receiver) -> None:
    """With the labels of its rule and a runbook; by Alertmanager and by nobody else."""
    payments = shop.inspect("payments")["Id"]
    docker("pause", payments)
    try:
        with ThreadPoolExecutor(10) as pool:
            for _ in range(10):
                pool.submit(shop.buy)
            wait_for(lambda: _state(shop) > 0, 10, "an open breaker")
            opened_at = time.time()
        fired = receiver.wait(NAME, "firing", 3 * FIRES_WITHIN_S)
        time.sleep(3)  # probes fail meanwhile: it goes on, and is not told again
    finally:
        docker("unpause", payments)
    wait_for(lambda: shop.sells() and _state(shop) == 0, 20, "a closed breaker")
    closed_at = time.time()
    over = receiver.wait(NAME, "resolved", 3 * RESOLVES_WITHIN_S)
    assert fired["at"] - opened_at < FIRES_WITHIN_S + OVER_S
    assert over["at"] - closed_at < RESOLVES_WITHIN_S + OVER_S
    assert fired["labels"] == {"alertname": NAME, "service": "api", "severity": "critical"}
    assert fired["annotations"]["runbook_url"] == "https://runbooks.example/payments-down.md"
    assert (fired["fingerprint"], fired["startsAt"]) == (over["fingerprint"], over["startsAt"])
    time.sleep(2)
    assert [one["status"] for one in receiver.alerts(NAME)] == ["firing", "resolved"]

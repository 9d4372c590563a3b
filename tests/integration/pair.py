"""Somebody's project as small as can be: `front` answers with what `back` says. Up in seconds, and adopted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from harness.stack import state as states
from harness.stack.state import StackState
from tests.integration.docker_here import docker, python_image, toxiproxy_image
from tests.integration.project import Project, short

SERVER = """
import http.server, os, signal, sys, urllib.request

BACK = os.environ.get("BACK")

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = 200
        if BACK and self.path == "/":
            try:
                urllib.request.urlopen(BACK, timeout=1).read()
            except OSError:
                status = 503
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("secrets in my log:", os.environ.get("API_TOKEN"), os.environ.get("QUEUE_URL"), flush=True)
http.server.ThreadingHTTPServer.request_queue_size = 128  # five would drop connections on a busy machine
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
LOCUSTFILE = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def look(self):
        self.client.get("/")
"""
TOKEN, URL_PASSWORD = "tok$3f9c1e77d2", "pw-8a41c9e05b"
"""Distinctive, so that a test finds them wherever they leak. A dollar sign is one that Compose writes as two."""
ENTRY, LINK = 'entry: "front:8000"', "front-back: {client: front, service: back, port: 8000}"


def compose_file(**more: Any) -> dict[str, Any]:
    """The user's own file. `more` is added to `back`."""
    service = {"image": python_image(), "command": ["python3", "/pair/server.py"]}
    code = "./server.py:/pair/server.py:ro"
    secrets = {"API_TOKEN": "${PAIR_SETTING}", "QUEUE_URL": f"amqp://user:{URL_PASSWORD}@queue:5672/"}
    front = {"environment": {"BACK": "http://back:8000/", **secrets}, "ports": ["127.0.0.1::8000"]}
    return {
        "services": {
            "back": {**service, "volumes": [code], **more},
            "front": {**service, "volumes": [code], **front, "depends_on": ["back"]},
        }
    }


def asked(faults: str, duration_s: float = 4.5) -> str:
    """A scenario that is over soon, and whose baseline is good on a busy machine too."""
    checks = ['Availability(ok_ratio_min=0.1, phase="baseline")']
    return short(faults, checks, duration_s=str(duration_s), warmup_s="0.5")


class Pair(Project):
    """That project in a folder, under the folder's name, with the override that `harness adopt` would write."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environment |= {"TOXIPROXY_IMAGE": toxiproxy_image(), "PAIR_SETTING": TOKEN}

    def fill(self) -> None:
        (self.folder / "server.py").write_text(SERVER, encoding="utf-8")
        (self.folder / "locustfiles").mkdir()
        (self.folder / "locustfiles" / "shop.py").write_text(LOCUSTFILE, encoding="utf-8")
        self.compose(compose_file())
        override = f"x-harness: {{mode: soft, toxiproxy: hx-toxiproxy, {ENTRY}, links: {{{LINK}}}}}\n"
        (self.folder / "harness.override.yml").write_text(override, encoding="utf-8")

    def compose(self, document: dict[str, Any]) -> None:
        """Make this the user's Compose file (JSON is YAML)."""
        (self.folder / "compose.yaml").write_text(json.dumps(document, indent=2), encoding="utf-8")

    def state(self, scenario: str) -> StackState:
        """The state of the stack of the latest run."""
        return states.read(self.folder / "reports" / scenario / "latest" / "stack.json")

    def left_in_docker(self) -> list[str]:
        """Containers, networks and volumes of any copy of this project, by name."""
        found: list[str] = []
        for kind, names in (("container", "{{.Names}}"), ("network", "{{.Name}}"), ("volume", "{{.Name}}")):
            every = ["--all"] if kind == "container" else []
            found += docker(kind, "ls", *every, "--format", names).stdout.split()
        return [name for name in found if f"{self.folder.name}-hx-" in name]


def must_be_clean(pair: Pair) -> None:
    """Fail where a process or anything in Docker is left; end the harness, so that its guardian takes the rest down."""
    left = pair.left_over()
    found = [" ".join(one.cmdline()) for one in left] + pair.left_in_docker()
    for one in left:
        if "harness" in one.cmdline():
            one.kill()
    assert found == []


def make(folder: Path) -> Pair:
    """The project in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Pair(folder)


def inspect(container: str) -> dict[str, Any]:
    """A container as Docker shows it."""
    found: dict[str, Any] = json.loads(docker("inspect", container).stdout)[0]
    return found

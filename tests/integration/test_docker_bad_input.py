"""What a user gets wrong about Docker: told with what was given and what to do, by its exit code, nothing left."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StartError
from harness.stack.docker import health, start
from harness.stack.docker.spec import read_spec
from tests.integration.docker_here import require_docker
from tests.integration.pair import TOKEN, Pair, asked, compose_file, make, must_be_clean
from tests.integration.relay import relayed

SLOW = asked('during(2.5, 3.5, Latency("front-back", delay_ms=50))')


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A project in which something is wrong; nothing may be left of it."""
    require_docker()
    made = make(tmp_path / f"bad{os.getpid()}")
    made.scenario("slow", SLOW)
    yield made
    must_be_clean(made)


def refused(pair: Pair, code: int, *says: str, within_s: float = 60, **how: Any) -> str:
    """Run, and be refused in these words and no others that a user cannot read."""
    began = time.monotonic()
    done = pair.run("run", "scenarios/slow.py", **how)
    assert done.returncode == code, done.stdout
    for text in says:
        assert text in done.stdout
    assert time.monotonic() - began < within_s
    return done.stdout


# ------------------------------------------------------------------------------------------------ Docker is not there


def test_no_docker_at_all_names_what_to_install(pair: Pair) -> None:
    """Exit 6; the embedded stack does without."""
    refused(pair, 6, "docker is not installed", "--stack embedded", PATH="/nonexistent")


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("unix:///nowhere.sock", "there is no Docker Engine at unix:///nowhere.sock; sudo systemctl start docker"),
        ("tcp://127.0.0.1:1", "at tcp://127.0.0.1:1 does not answer (connection refused); sudo systemctl start"),
        ("banana", "$DOCKER_HOST is 'banana', which is no address; export DOCKER_HOST=unix://"),
    ],
)
def test_a_docker_host_that_leads_nowhere_is_named(pair: Pair, host: str, says: str) -> None:
    """Exit 6, with where it was looked for and what to do."""
    refused(pair, 6, says, within_s=20, DOCKER_HOST=host)


def test_a_socket_without_permission_names_the_group(pair: Pair) -> None:
    """Exit 6, with the command that joins it."""
    may_all = "-dac_override,-dac_read_search"
    prefix = ["setpriv", f"--inh-caps={may_all}", f"--bounding-set={may_all}"] if os.geteuid() == 0 else []
    with relayed() as daemon:
        daemon.path.chmod(0)
        refused(
            pair,
            6,
            "no permission to use the Docker Engine",
            "usermod -aG docker",
            prefix=prefix,
            DOCKER_HOST=daemon.host,
        )


def test_compose_of_version_1_is_too_old(pair: Pair) -> None:
    """Exit 6, with the plugin to install."""
    folder = pair.folder / "bin"
    folder.mkdir()
    for name, says in (
        ("docker", "echo 'docker: compose is not a docker command' >&2; exit 1"),
        ("docker-compose", ""),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    refused(pair, 6, "is version 1, which is too old", "docker-compose-plugin", PATH=str(folder))


# -------------------------------------------------------------------------------------- the Compose file is not right


def changed(**top: Any) -> dict[str, Any]:
    return {**compose_file(), **top}


def front(**more: Any) -> dict[str, Any]:
    body = compose_file()
    body["services"]["front"] |= more
    return body


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (front(colour="blue"), "services.front additional properties 'colour' not allowed"),
        (compose_file(depends_on=["front"]), "dependency cycle detected"),
        (compose_file(env_file="nosuch.env"), "nosuch.env not found"),
        (compose_file(environment={"A": "${MUST:?give it a value}"}), "required variable MUST is missing a value"),
        ("services: [\n  a: {b\n", "yaml"),
        ("just text\n", "cannot unmarshal"),
        ("\n", "empty compose file"),
    ],
)
def test_a_compose_file_that_compose_cannot_read_is_told_in_its_words(pair: Pair, document: Any, says: str) -> None:
    """Exit 2, with the file's path, before anything starts."""
    if isinstance(document, str):
        (pair.folder / "compose.yaml").write_text(document, encoding="utf-8")
    else:
        pair.compose(document)
    refused(pair, 2, "Compose cannot read", str(pair.folder / "compose.yaml"), says)
    assert not (pair.folder / "reports").exists()


def test_anchors_and_keys_that_begin_with_x_are_read(pair: Pair) -> None:
    """As Compose reads them."""
    anchored = "x-code: &code {image: any, volumes: [.:/code]}\nservices:\n  back: *code\n  front: *code\n"
    (pair.folder / "compose.yaml").write_text(anchored, encoding="utf-8")
    done = pair.run("validate", "scenarios/slow.py")
    assert done.returncode == 0, done.stdout
    assert "latency front-back" in done.stdout


def test_a_volume_of_somebody_elses_is_refused(pair: Pair) -> None:
    """Exit 2: an external volume would be loaded and broken."""
    body = compose_file()
    body["services"]["back"]["volumes"].append("precious:/var/lib/x")
    pair.compose({**body, "volumes": {"precious": {"external": True}}})
    refused(pair, 2, "the volume precious is external", "give the project a volume of its own")


# ------------------------------------------------------------------------------------------------ it does not come up


def test_an_image_that_cannot_be_pulled_is_named(pair: Pair) -> None:
    """Exit 6, with the service that wants it, and soon."""
    pair.compose(compose_file(image="nosuch.invalid/x:1"))
    refused(pair, 6, "not here, and not pulled: nosuch.invalid/x:1 (of back)", "docker login", within_s=40)


def test_a_build_that_fails_shows_its_last_words(pair: Pair) -> None:
    """Exit 6."""
    recipe = f"FROM {compose_file()['services']['back']['image']}\nRUN echo no such luck; false\n"
    pair.compose(front(build={"dockerfile_inline": recipe}, image=f"{pair.folder.name}:test"))
    refused(pair, 6, "docker compose build ended with exit code", "no such luck")


def test_a_service_that_never_gets_healthy_is_told_as_soon_as_docker_knows(pair: Pair) -> None:
    """Exit 6, with what its health check says and the end of its log, not after minutes."""
    check = {"test": ["CMD-SHELL", "echo out of ink; false"], "interval": "500ms", "timeout": "1s", "retries": 2}
    pair.compose(compose_file(healthcheck=check))
    refused(pair, 6, "back is not healthy (its health check says: out of ink)", "secrets in my log", within_s=40)


def test_a_service_that_ends_at_its_start_shows_its_log_without_secrets(pair: Pair) -> None:
    """Exit 6; the token that it prints is neither in the message nor in the run folder."""
    says = ["sh", "-c", "echo the disk is on fire, $$API_TOKEN; exit 3"]
    pair.compose(compose_file(command=says, environment={"API_TOKEN": "${PAIR_SETTING}"}))
    said = refused(pair, 6, "back ended with exit code 3", "the disk is on fire, (kept out)")
    assert TOKEN not in said
    files = [path for path in (pair.folder / "reports").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


@pytest.fixture
def hurried(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The harness in this process, which waits seconds where it would wait a minute."""
    monkeypatch.setattr(health, "PATIENCE_S", 5.0)
    monkeypatch.setattr(start, "LISTENS_WITHIN_S", 3.0)
    for name, value in pair.environment.items():
        monkeypatch.setenv(name, value)
    with contextlib.chdir(pair.folder):
        yield pair


def _start(pair: Pair) -> None:
    spec = read_spec([pair.folder / "compose.yaml", pair.folder / "harness.override.yml"])
    start.start_stack(spec, pair.folder / "stack.json", pair.folder / "logs")


def test_a_service_that_is_started_again_and_again_is_not_well(hurried: Pair) -> None:
    """A restart policy does not hide that it never stays."""
    hurried.compose(compose_file(command=["sh", "-c", "echo not today; exit 1"], restart="always"))
    with pytest.raises(StartError, match=r"(?s)back ends with exit code 1 again and again.*not today"):
        _start(hurried)


@pytest.mark.parametrize(("host", "port", "seen"), [("127.0.0.1", 8000, "none"), ("", 9000, "9000")])
def test_an_entry_that_listens_elsewhere_is_told(hurried: Pair, host: str, port: int, seen: str) -> None:
    """On the loopback of its container, or on another port: Docker would take connections for it all the same."""
    serve = f"import http.server as h; h.HTTPServer(({host!r}, {port}), h.SimpleHTTPRequestHandler).serve_forever()"
    hurried.compose(front(command=["python3", "-c", serve]))
    with pytest.raises(StartError, match=rf"front does not listen on its port 8000 for others.*\(open: {seen}\)"):
        _start(hurried)

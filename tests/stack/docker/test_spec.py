"""What the Docker stack runs, from files of the user's and of ours: `docker compose config` is played by a parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ComposeFileError
from harness.stack import compose_yaml
from harness.stack.docker import compose, spec
from harness.stack.docker.compose import ComposeFiles
from harness.stack.spec import StackSpec

SERVICES = "services:\n  web: {image: a, labels: {since: 2024-02-30}}\n  api: {image: a}\n"
LINK = "{web-api: {client: web, service: api, port: 8000}}"
ADOPTED = f"x-harness: !override {{mode: soft, entry: 'web:80', links: {LINK}, ports: {{api: [8000]}}}}\n"


@pytest.fixture(autouse=True)
def _resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(files: ComposeFiles) -> dict[str, Any]:
        return {"name": "shop", **compose_yaml.load(files.paths[0].read_text(encoding="utf-8"))}

    monkeypatch.setattr(compose, "resolve", resolve)


def project(folder: Path, override: str = "", own: str = "") -> list[Path]:
    paths = [folder / "compose.yml", *([folder / "harness.override.yml"] if override else [])]
    for path, text in zip(paths, (SERVICES + own, override), strict=False):
        path.write_text(text, encoding="utf-8")
    return paths


def read(folder: Path, override: str = "", own: str = "") -> StackSpec:
    return spec.read_spec(project(folder, override, own))


def test_an_adopted_project_is_what_the_override_says(tmp_path: Path) -> None:
    """Its links, its ports, its entry; a label that looks like a date that is none is text, as Compose takes it."""
    found = read(tmp_path, ADOPTED)
    assert (found.mode, found.entry_service) == ("soft", "web")
    assert [(one.name, one.listen, one.upstream) for one in found.links.values()] == [("web-api", 0, 8000)]
    assert found.ports == {"api": (8000,)}


def test_a_link_of_an_adopted_project_has_a_tap_by_itself(tmp_path: Path) -> None:
    """Where HTTP may cross it, unless its override says that it is to have none; with the same bounds as elsewhere."""
    assert [link.name for link in read(tmp_path, ADOPTED).tapped] == ["web-api"]
    assert read(tmp_path, ADOPTED.replace("port: 8000}", "port: 8000, tap: false}")).tapped == ()
    assert read(tmp_path, ADOPTED.replace("port: 8000}", "port: 27017}")).tapped == ()
    with pytest.raises(ComposeFileError, match=r"override\.yml: x-harness\.links\.web-api\.tap must be http.*'tcp'"):
        read(tmp_path, ADOPTED.replace("port: 8000}", "port: 8000, tap: tcp}"))
    with pytest.raises(ComposeFileError, match="api:27017 speaks MongoDB"):
        read(tmp_path, ADOPTED.replace("port: 8000}", "port: 27017, tap: http}"))


def test_a_service_that_others_wait_for_until_it_is_done_is_a_job(tmp_path: Path) -> None:
    """By the condition alone: to be started, or healthy, is not to be done."""
    done, started = ("{condition: service_completed_successfully}", "{condition: service_started}")
    own = f"  migrate: {{image: a}}\n  worker: {{image: a, depends_on: {{migrate: {done}, api: {started}}}}}\n"
    assert {name for name, one in read(tmp_path, ADOPTED, own).services.items() if one.is_job} == {"migrate"}


def test_links_that_are_told_to_adopt_describe_no_stack(tmp_path: Path) -> None:
    """In the form that adopt itself advises: a run says what writes the rest, a sweep looks for it."""
    told = f"x-harness: {{links: {LINK}}}\n"
    with pytest.raises(ComposeFileError, match=r"only tells links.*harness adopt .*compose\.yml"):
        read(tmp_path, own=told)
    assert spec.described_by(project(tmp_path, own=told)) is None
    assert spec.described_by(project(tmp_path, ADOPTED, own=told))
    assert read(tmp_path, ADOPTED, own=told).mode == "soft"


def test_a_project_with_a_toxiproxy_of_its_own_is_described(tmp_path: Path) -> None:
    """Its links name the ports where its clients meet Toxiproxy."""
    link = "{web-api: {client: web, service: api, listen: 18000, upstream: 8000}}"
    own = f"x-harness: {{entry: 'web:80', links: {link}}}\n"
    assert spec.described_by(project(tmp_path, own=own))
    assert read(tmp_path, own=own).links["web-api"].listen == 18000


@pytest.mark.parametrize(
    ("ports", "says"),
    [
        ("{api: 8080}", r"x-harness\.ports\.api must be a list"),
        ("{api: [http]}", r"x-harness\.ports\.api needs a port from 1 to 65535.*'http'"),
        ("[8080]", r"x-harness\.ports must be a mapping"),
    ],
)
def test_ports_that_are_none_are_told_with_their_key(tmp_path: Path, ports: str, says: str) -> None:
    """The override is there to be corrected by hand."""
    with pytest.raises(ComposeFileError, match=says):
        read(tmp_path, ADOPTED.replace("{api: [8000]}", ports))

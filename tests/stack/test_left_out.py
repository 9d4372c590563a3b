"""Services that a machine may lack, as plain processes: in the stack or left out, and what they find there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.errors import ComposeFileError, StartError
from harness.stack.compose_file import read_compose_file
from harness.stack.compose_mounts import lay_out
from harness.stack.left_out import as_found
from harness.stack.spec import StackSpec

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:9/alerts"


@pytest.fixture
def shop() -> StackSpec:
    return read_compose_file(ROOT / "docker-compose.yml", {"ALERT_WEBHOOK_URL": URL})


def found(*names: str) -> dict[str, str]:
    return {name: f"/bin/{name}" for name in names}


def posts(spec: StackSpec) -> list[str]:
    """Who posts alerts by itself."""
    return sorted(name for name, one in spec.services.items() if one.environment.get("ALERT_WEBHOOK_URL"))


def test_where_both_are_found_nobody_else_posts(shop: StackSpec) -> None:
    """By the first of the names that a command may have; each alert is told once."""
    said: list[str] = []
    here = as_found(shop, said.append, found("prometheus", "prometheus-alertmanager").get)
    assert here.services["alertmanager"].command[0] == "/bin/prometheus-alertmanager"
    assert (posts(here), said) == ([], ["  found on PATH, and part of the stack: alertmanager, prometheus"])


@pytest.mark.parametrize("there", [(), ("prometheus",)])
def test_where_they_are_not_found_the_services_post(shop: StackSpec, there: tuple[str, ...]) -> None:
    """What needs one that is missing is left out with it."""
    said: list[str] = []
    here = as_found(shop, said.append, found(*there).get)
    assert set(shop.services) - set(here.services) == {"alertmanager", "prometheus"}
    assert posts(here) == ["api", "backup", "etl"]
    assert here.services["api"].environment["RUNBOOKS_URL"] == "runbooks"
    assert said == [
        "  not on PATH, and left out: alertmanager, prometheus; "
        "in their place api, backup, etl get ALERT_WEBHOOK_URL, RUNBOOKS_URL"
    ]


def test_with_one_of_them_only_the_services_post(shop: StackSpec) -> None:
    """An Alertmanager that nobody tells anything is no reason to be silent."""
    assert posts(as_found(shop, lambda _: None, found("alertmanager").get)) == ["api", "backup", "etl"]


def test_a_service_that_needs_one_left_out_starts_all_the_same(shop: StackSpec) -> None:
    """Unless it may be missing itself."""
    api = replace(shop.services["api"], depends_on=("postgres", "prometheus"))
    here = as_found(replace(shop, services={**shop.services, "api": api}), lambda _: None, found().get)
    assert here.services["api"].depends_on == ("postgres",)


def test_configs_are_files_that_name_each_other_and_addresses_of_this_machine(shop: StackSpec, tmp_path: Path) -> None:
    """And a tmpfs is an empty folder; a path within another is not taken for it."""
    mounts = shop.services["prometheus"].mounts
    assert mounts["/prometheus"] is None
    here = lay_out(mounts, tmp_path, lambda text: text.replace("api:8000", "127.0.0.1:1"))
    text = (tmp_path / "etc/prometheus/prometheus.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    assert config["rule_files"] == [str(tmp_path / "etc/prometheus/rules.yml")]
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:1"]}]
    assert here("--path=/prometheus") == f"--path={tmp_path}/prometheus"
    assert here("--file=/etc/prometheus/rules.yml") == f"--file={tmp_path}/etc/prometheus/rules.yml"
    assert URL in str(shop.services["alertmanager"].mounts)


def test_a_config_whose_file_is_not_there_is_told(tmp_path: Path) -> None:
    """By its path, when the service starts."""
    with pytest.raises(StartError, match=r"nowhere\.yml, a config of the Compose file, cannot be read"):
        lay_out({"/etc/rules.yml": tmp_path / "nowhere.yml"}, tmp_path / "here", str)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["configs"].pop("rules"), "configs.rules needs `content` or `file`"),
        (lambda d: d["x-harness"]["processes"]["prometheus"].update(without={"apii": {}}), "did you mean 'api'"),
        (lambda d: d["x-harness"]["processes"]["prometheus"].update(without=["api"]), "without must be a mapping"),
    ],
)
def test_what_cannot_be_laid_out_is_told_with_its_key(tmp_path: Path, change, says: str) -> None:
    """A config that is nowhere, a service that nobody knows."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    change(document)
    (tmp_path / "compose.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ComposeFileError, match=r"compose\.yml") as caught:
        read_compose_file(tmp_path / "compose.yml")
    assert says in str(caught.value)

"""Compose files, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import ComposeFileError
from harness.stack.compose_file import has_processes, read_compose_file
from harness.stack.compose_here import find_compose_files
from harness.stack.compose_variables import all_names_in, interpolate

ROOT = Path(__file__).parents[2]


def _changed(tmp_path: Path, change) -> Path:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "compose.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_the_reference_stack_is_read_whole():
    """Services in the order in which they can start, links with both ends, variables with their values."""
    spec = read_compose_file(ROOT / "docker-compose.yml", {"WEAKNESS": "tiny-pool"})
    order = [service.name for service in spec.start_order()]
    assert order.index("api") > order.index("postgres")
    assert (spec.entry_service, spec.entry_port, spec.toxiproxy) == ("api", 8000, "toxiproxy")
    link = spec.links["api-postgres"]
    assert (link.client, link.service, link.listen, link.upstream) == ("api", "postgres", 15432, 5432)
    assert spec.services["api"].environment["WEAKNESS"] == "tiny-pool"
    told = (
        "ALERT_WEBHOOK_URL",
        "BACKUP_EVERY_S",
        "BACKUP_KEEP",
        "VERIFY_WITHIN_S",
        "DAY_S",
        "FEED_BAD",
        "FEED_FORMAT",
        "FEED_RATIO",
        "FEED_WITHOUT",
        "PAYMENTS_KEY",
        "PULL_EVERY_S",
        "RELEASE",
        "RUNBOOKS_URL",
        "SEED",
    )
    assert spec.variables == {"WEAKNESS": "tiny-pool", **dict.fromkeys(told, "")}
    assert {link.name for link in spec.tapped} == {"api-payments", "api-shipping", "etl-feed"}
    assert spec.services["postgres"].is_postgres
    assert spec.services["api"].command == ("python", "-m", "target.api")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.pop("x-harness"), "has no x-harness"),
        (lambda d: d.pop("services"), "no mapping `services`"),
        (lambda d: d["x-harness"].update(entry="apl:8000"), "did you mean 'api'"),
        (lambda d: d["x-harness"].update(entry="api"), "unknown service ''"),
        (lambda d: d["x-harness"].update(entry="api:http"), "a port from 1 to 65535"),
        (lambda d: d["x-harness"]["links"]["api-postgres"].update(service="postgre"), "did you mean 'postgres'"),
        (lambda d: d["x-harness"]["links"]["api-postgres"].update(listen=70000), "given 70000"),
        (lambda d: d["x-harness"].update(links=["api-postgres"]), "x-harness.links must be a mapping"),
        (lambda d: d["x-harness"]["links"]["api-payments"].update(tap="https"), "tap must be http, or false"),
        (lambda d: d["x-harness"]["links"]["api-payments"].update(tap=True), "given True"),
        (lambda d: d["x-harness"]["links"]["api-postgres"].update(tap="http"), "postgres:5432 speaks PostgreSQL"),
        (lambda d: d["x-harness"]["links"]["etl-postgres"].update(tap="http", upstream=80), "speaks PostgreSQL"),
        (lambda d: d["x-harness"]["links"]["etl-feed"].update(upstream=6379), "feed:6379 speaks Redis; take it out"),
        (lambda d: d["x-harness"]["links"]["etl-feed"].update(listen=28474), "28474 to 28599 in Toxiproxy's container"),
        (lambda d: d["x-harness"].update(alerts="NOBODY_URL"), "must be a variable that the Compose file refers to"),
        (lambda d: d["services"]["api"].update(tmpfs="/a/../../etc"), "a whole path without .., as in /etc/app; given"),
        (lambda d: d["x-harness"]["processes"].update(apii={}), "did you mean 'api'"),
        (lambda d: d["x-harness"].update(alert="A"), "x-harness: unknown key 'alert'; allowed: alerts, entry, links"),
        (lambda d: d["x-harness"]["links"]["etl-feed"].update(taps="http"), "links.etl-feed: unknown key 'taps'"),
        (lambda d: d["x-harness"]["processes"]["etl"].update(comand=[]), "did you mean 'command'"),
        (lambda d: d["services"]["payments"].update(depends_on=["api"]), "in a circle"),
        (lambda d: d["services"]["api"].update(depends_on=["nobody"]), "unknown service 'nobody'"),
    ],
)
def test_what_does_not_fit_is_told_with_its_key(tmp_path, change, says):
    """The error names file and key, and the nearest right name."""
    path = _changed(tmp_path, change)
    with pytest.raises(ComposeFileError) as caught:
        read_compose_file(path).start_order()
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_yaml_is_told_with_its_line(tmp_path):
    """As any reader of it would say."""
    path = tmp_path / "compose.yml"
    path.write_text("services:\n  api: [\n", encoding="utf-8")
    with pytest.raises(ComposeFileError, match=r"compose\.yml:\d+ is not YAML"):
        read_compose_file(path)


def test_a_date_is_text_and_a_number_that_is_none_is_told(tmp_path):
    """A day that is in no calendar too: Compose takes it as it is written."""
    path = _changed(tmp_path, lambda d: d["services"]["api"]["environment"].update(SINCE="DAY"))
    text = path.read_text(encoding="utf-8")
    for day in ("2024-02-30", "2024-02-03T10:00:00Z"):
        path.write_text(text.replace("DAY", day), encoding="utf-8")
        assert read_compose_file(path).services["api"].environment["SINCE"] == day
    path.write_text(text.replace("DAY", "0x_"), encoding="utf-8")
    with pytest.raises(ComposeFileError, match="is not YAML"):
        read_compose_file(path)


def test_a_file_that_cannot_be_read_says_nothing_of_processes(tmp_path, monkeypatch):
    """It is told where it is read; one with a mistake may still be meant to say it."""

    def refused(*_, **__):
        raise PermissionError("not yours")

    path = tmp_path / "compose.yml"
    path.write_text("services: [\nx-harness: {}\n", encoding="utf-8")
    assert has_processes(path)
    monkeypatch.setattr(Path, "read_text", refused)
    assert not has_processes(path)


def test_a_missing_file_is_told_with_what_was_looked_for(tmp_path):
    """And with what to do."""
    with pytest.raises(ComposeFileError, match="name the files"):
        find_compose_files(tmp_path)
    with pytest.raises(ComposeFileError, match="does not exist"):
        read_compose_file(tmp_path / "compose.yml")


@pytest.mark.parametrize(
    ("there", "variables", "taken"),
    [
        (("compose.yaml", "docker-compose.yml"), {}, ["compose.yaml"]),
        (("compose.yaml", "compose.override.yml"), {}, ["compose.yaml", "compose.override.yml"]),
        (
            ("docker-compose.yml", "docker-compose.override.yaml"),
            {"COMPOSE_FILE": ""},
            ["docker-compose.yml", "docker-compose.override.yaml"],
        ),
        (("compose.yaml", "compose.override.yml"), {"COMPOSE_FILE": "a.yml:more/b.yml"}, ["a.yml", "more/b.yml"]),
        ((), {"COMPOSE_FILE": "a.yml,b.yml", "COMPOSE_PATH_SEPARATOR": ","}, ["a.yml", "b.yml"]),
    ],
)
def test_the_files_of_a_folder_are_those_that_compose_takes(tmp_path, there, variables, taken):
    """The first by name with its override, unless a variable names them: in `.env`, where it is set nowhere else."""
    for name in there:
        (tmp_path / name).touch()
    assert find_compose_files(tmp_path, variables) == [tmp_path / name for name in taken]
    (tmp_path / ".env").write_text("# ours\nOTHER=1\nexport COMPOSE_FILE='x.yml'  # one\n", encoding="utf-8")
    expected = taken if "COMPOSE_FILE" in variables else ["x.yml"]
    assert find_compose_files(tmp_path, variables) == [tmp_path / name for name in expected]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "1"),
        ("${A}", "1"),
        ("${B:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${A:+y}", "y"),
        ("${B:+y}", ""),
        ("$$A", "$A"),
        ("a${A}b${B:-c}", "a1bc"),
        ("plain", "plain"),
    ],
)
def test_variables_are_put_in_as_compose_does(text, value):
    """Set, empty and missing variables, defaults and alternatives."""
    assert interpolate(text, {"A": "1", "EMPTY": ""}) == value


@pytest.mark.parametrize(
    ("services", "names"),
    [
        ({"a": {"image": "${A:-${B}}", "command": ["$C", "${D?no}"], "environment": {"E": "$F", "G": None}}}, "ABCDFG"),
        ({"a": {"environment": ["A=$B", "C"]}, "d": None}, "BC"),
        ({"a": {"env_file": "more.env"}}, None),
        ({"a": {"extends": {"file": "other.yml", "service": "a"}}}, None),
    ],
    ids=["anywhere", "a list", "an env_file may refer to more", "so may another file"],
)
def test_every_variable_that_is_referred_to_is_known(services, names):
    """In defaults of others too, and where one is passed on by its name alone; not where other files come in."""
    assert all_names_in([{"services": services}]) == (None if names is None else set(names))

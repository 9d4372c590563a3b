"""Volumes of a Compose file as folders of this machine: which they are, and who meets whom in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import StartError
from harness.stack.compose_file import read_compose_file
from harness.stack.compose_mounts import lay_out
from harness.stack.compose_volumes import Volume, Volumes, data_folder, tmpfs_of, volumes_of

ROOT = Path(__file__).parents[2]


def read(tmp_path: Path, *volumes: object, **variables: str) -> dict[str, Volume]:
    """Of a service named `web`."""
    return volumes_of(tmp_path / "compose.yml", "web", {"volumes": list(volumes)}, {"small": 2**20}, variables)


@pytest.mark.parametrize(
    ("given", "target", "source", "size"),
    [
        ("data:/data", "/data", "data", None),
        ("small:/data:ro", "/data", "small", 2**20),
        ("/somewhere:/app", "/app", "/somewhere", None),
        ("/data", "/data", "web-data", None),
        ({"type": "volume", "source": "data", "target": "/data"}, "/data", "data", None),
        ({"type": "tmpfs", "target": "/data", "tmpfs": {"size": "2m"}}, "/data", "web-data", 2**21),
    ],
)
def test_a_volume_has_a_name_or_a_path(tmp_path: Path, given: object, target: str, source: str, size: int | None):
    """In both of Compose's notations; one without a name is the service's own."""
    assert read(tmp_path, given) == {target: Volume(source, size)}


def test_a_path_is_from_where_the_file_is(tmp_path: Path):
    """As Compose reads it."""
    assert read(tmp_path, "./here:/app") == {"/app": Volume(str(tmp_path / "here"))}


@pytest.mark.parametrize(
    ("given", "is_theirs"),
    [
        ("/theirs:/var/lib/postgresql/data", False),
        ({"type": "bind", "source": "/theirs", "target": "/backups"}, False),
        ("/theirs:/backups:ro", True),
        ({"type": "bind", "source": "/theirs", "target": "/data", "read_only": True}, True),
        ("/given:/backups", True),
    ],
)
def test_a_folder_of_data_of_the_users_is_not_written_to(tmp_path: Path, given: object, is_theirs: bool):
    """There is a volume of the service's own in its place; not for what is only read, or what $BACKUPS names."""
    (volume,) = read(tmp_path, given, BACKUPS="/given").values()
    assert volume.is_named is not is_theirs


@pytest.mark.parametrize(("variables", "source"), [({}, "backups"), ({"BACKUPS": "/mine"}, "/mine")])
def test_backups_are_a_volume_or_a_folder_of_the_users(variables: dict[str, str], source: str):
    """By the variable BACKUPS of the reference stack."""
    spec = read_compose_file(ROOT / "docker-compose.yml", variables)
    assert spec.services["backup"].volumes["/backups"].source == source


def test_who_names_the_same_volume_meets_there(tmp_path: Path):
    """One folder each, made once, also where it is a folder of the user's that is not there yet."""
    made = Volumes(tmp_path / "stack")
    (tmp_path / "stack").mkdir()
    one = made.of({"/a": Volume("data"), "/b": Volume(str(tmp_path / "mine" / "deep"))})
    other = made.of({"/c": Volume("data"), "/d": Volume("other")})
    assert one["/a"] == other["/c"] == tmp_path / "stack" / "volumes" / "data"
    assert other["/d"] != other["/c"]
    assert one["/b"] == tmp_path / "mine" / "deep"
    assert all(place.is_dir() for place in (*one.values(), *other.values()))


def test_a_volume_that_cannot_be_made_is_told(tmp_path: Path):
    """By its name, when the service starts."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"file/below, a volume of the Compose file, cannot be made: Not a directory"):
        Volumes(tmp_path).of({"/a": Volume(str(tmp_path / "file" / "below"))})


def test_paths_of_volumes_lead_to_their_folders(tmp_path: Path):
    """In whatever stands in a command or an environment, with what is below them; nothing else that looks alike."""
    here = lay_out({}, tmp_path, str, {"/data": tmp_path / "v"})
    assert here("/data") == f"{tmp_path}/v"
    assert here("--to=/data/deep") == f"--to={tmp_path}/v/deep"
    assert here("/database /other/data http://data/") == "/database /other/data http://data/"


def test_postgresql_finds_its_data_in_its_volume(tmp_path: Path):
    """At PGDATA, or where its image has it; nowhere, where that is in no volume."""
    volumes = {"/var/lib/postgresql/data": tmp_path}
    assert data_folder(volumes, {}) == tmp_path
    assert data_folder(volumes, {"PGDATA": "/var/lib/postgresql/data/pgdata"}) == tmp_path / "pgdata"
    assert data_folder(volumes, {"PGDATA": "/elsewhere"}) is None


def test_a_tmpfs_is_a_services_own():
    """What is a volume is none."""
    disks = {"/data": 2**20, "/tmp": 2**21}
    assert tmpfs_of("web", disks, {"/data": Volume("data")}) == {"/tmp": Volume("web-tmp", 2**21)}


def test_the_shops_backups_find_the_data_of_its_database():
    """Both sides of one volume, by the same name below it."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    spec = read_compose_file(ROOT / "docker-compose.yml", {})
    postgres, backup = spec.services["postgres"], spec.services["backup"]
    places = {name: Path("/volumes") / name for name in document["volumes"]}
    data = data_folder({at: places[one.source] for at, one in postgres.volumes.items()}, postgres.environment)
    mine = lay_out({}, Path("/"), str, {at: places[one.source] for at, one in backup.volumes.items()})
    assert mine(backup.environment["DATABASE_FOLDER"]) == str(data)

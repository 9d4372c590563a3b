"""What a copy of a project says of itself, and what becomes of the user's own, through an engine written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EngineError
from harness.stack.docker import removal
from harness.stack.docker.compose import ComposeFiles
from harness.stack.docker.engine import SERVICE_LABEL, Engine
from harness.stack.docker.project_copy import ProjectCopy, secrets_of
from harness.stack.state import StackState
from tests.stack.docker.fake_engine import ID, FakeEngine, not_found

ASIDE = StackState(kind="docker", project="shop-hx-abc", aside=("newer", "older"))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine()
    monkeypatch.setattr(Engine, "connect", classmethod(lambda _: made))
    monkeypatch.setattr(removal, "SETTLES_WITHIN_S", 0.05)
    return made


def copy_in(folder: Path) -> ProjectCopy:
    files = ComposeFiles((folder / "compose.yaml",))
    return ProjectCopy(files, ASIDE, folder / "stack.json", folder, lambda: False, lambda said: None)


def test_secrets_are_kept_out_of_logs_and_probes_and_of_nothing_else(engine: FakeEngine, tmp_path: Path) -> None:
    """A password may be the name of a service, or a word of ours."""
    copy = copy_in(tmp_path)
    copy._secrets = {"hunter22", "exit code"}
    engine.body["Config"]["Labels"] = {SERVICE_LABEL: "hunter22"}
    engine.body["State"]["Health"] = {"Status": "unhealthy", "Log": [{"Output": "no hunter22"}]}
    engine.log = b"as hunter22:\nno"
    engine.ends(1)
    assert copy.why() == (
        "\nhunter22 ended with exit code 1 (its health check says: no (kept out)); the end of its log:\n"
        "    as (kept out):\n    no"
    )


def test_the_name_of_a_service_is_no_secret() -> None:
    """POSTGRES_PASSWORD is often `postgres`."""
    environment = {"POSTGRES_PASSWORD": "postgres", "API_TOKEN": "hunter22"}
    assert secrets_of({"services": {"postgres": {"environment": environment}}}) == {"hunter22"}


@pytest.mark.parametrize("refuses", [{}, {"remove": EngineError("the engine did not answer")}])
def test_the_users_own_is_started_again_whatever_goes_wrong(engine: FakeEngine, refuses: dict[str, Exception]) -> None:
    """What could not be taken down is told, with what does it; the first that was made is the first to start."""
    engine.refuses = refuses
    engine.ends(0)
    left = removal.remove_project(ASIDE)
    assert [one for one in engine.did if one != "remove"] == ["start older", "start newer"]
    assert [one.endswith("the engine did not answer") for one in left] == [True] * len(refuses)


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (not_found("No such container: newer"), None),
        (not_found("network 0f1e not found"), "(docker start newer: network 0f1e not found)"),
        (EngineError("port is already allocated"), "(docker start newer: port is already allocated)"),
    ],
)
def test_each_of_the_users_own_that_does_not_start_is_told(
    engine: FakeEngine, refusal: Exception, says: str | None
) -> None:
    """But for one that the user took away meanwhile; the others are started."""
    engine.refuses["start newer"] = refusal
    left = removal.remove_project(ASIDE)
    assert "start older" in engine.did
    assert left == ([f"your own container newer {says}"] if says else [])


def test_one_of_the_users_own_that_ends_again_is_told(engine: FakeEngine) -> None:
    """That it was started is not that it runs."""
    engine.starts_to_end_with = 1
    assert len(removal.remove_project(ASIDE)) == 2


def test_the_users_own_is_stopped_as_it_wants_to_be(engine: FakeEngine, tmp_path: Path) -> None:
    """In its stop_grace_period, and written down before."""
    engine.body["Config"]["StopTimeout"] = 60
    copy = copy_in(tmp_path)
    copy._stand_aside("shop")
    assert engine.did == ["stop 60"]
    assert copy.state.aside == (ID,)

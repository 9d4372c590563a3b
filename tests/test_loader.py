"""Scenario files that are wrong: each error names the file, the line, what was given, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import loader
from harness.errors import HarnessError, LocustfileError, ScenarioError
from harness.model import Load
from harness.stack.compose_file import read_compose_file
from harness.stack.spec import LinkSpec

LINKS = {
    "api-payments": LinkSpec("api-payments", "api", "payments", 18080, 8080, tap=True),
    "api-postgres": LinkSpec("api-postgres", "api", "postgres", 15432, 5432),
    "api-shipping": LinkSpec("api-shipping", "api", "shipping", 18081, 8081),
}
GOOD = """from harness import AlertFires, AlertsSilent, Availability, Latency, Load, OutboxDrains, Recovers, \
Scenario, during

scenario = Scenario(
    hypothesis="It holds.",
    load=Load("shop.py", rate_per_s=60),
    faults=during(5, 10, Latency("api-payments", delay_ms=200)),
    checks=(Availability(ok_ratio_min=0.99),),
)
"""


ALERT = 'AlertFires("X", within_s=3, labels=("severity",))'


def _load(tmp_path: Path, text: str) -> loader.Loaded:
    path = tmp_path / "one.py"
    path.write_text(text, encoding="utf-8")
    return loader.load(path)


def test_a_good_file_gives_its_scenario_and_its_question(tmp_path):
    """The name is the file's, the question the first line of its docstring."""
    loaded = _load(tmp_path, f'"""Does it hold?\n\nMore of it."""\n{GOOD}')
    assert (loaded.name, loaded.question) == ("one", "Does it hold?")
    assert loaded.scenario.faults[0].line == 9


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("Scenario(", "Scenario(("), None, "not Python"),
        (("Latency(", "Latncy("), 6, "did you mean 'Latency'"),
        (("Availability,", "Availabilty,"), 1, "did you mean 'Availability'"),
        (("delay_ms=200", "delay_ms=-200"), 6, "delay_ms must be 0 or more; given -200"),
        (("delay_ms=200", "delay=200"), 6, "did you mean 'delay_ms'"),
        (("during(5, 10", "during(10, 5"), 6, "must end after it starts"),
        (("during(5, 10", "during(-5, 10"), 6, "the start of a window must be 0 or more; given -5"),
        (("ok_ratio_min=0.99", 'ok_ratio_min=0.99, phase="recovry"'), None, "did you mean 'recovery'"),
        (("delay_ms=200)", 'delay_ms=200), name="run"'), None, "which is the name of a phase"),
        (("(Availability(ok_ratio_min=0.99),)", "(Recovers(within_s=20),)"), 3, "must see 30 s after the last window"),
        (("0.99", "99"), 7, "write 0.99 for 99 %"),
        (("Availability(ok_ratio_min=0.99)", ALERT), 7, "labels maps names to texts, as in"),
        (("Availability(ok_ratio_min=0.99)", 'AlertFires("X", bound=3)'), 7, "bound is an AlertBound; given 3"),
        (("Availability(ok_ratio_min=0.99)", "Availability"), 3, "checks holds checks such as Availability"),
        (
            ('Latency("api-payments", delay_ms=200)', "Latency"),
            6,
            "a window holds faults, as in Outage(LINK); given <class 'harness.faults.latency.Latency'>",
        ),
        (("Availability(ok_ratio_min=0.99)", 'OutboxDrains("api", 5, "x", within_s=1)'), 7, "path must begin with /"),
        (("Availability(ok_ratio_min=0.99)", "AlertsSilent(but=(5,))"), 7, "but is a tuple of names, as in"),
        (("hypothesis=", 'variables=("DAY_S",), hypothesis='), 3, "variables holds texts, as in"),
        (("hypothesis=", "duration_s=8, hypothesis="), 3, "past the end of the scenario at 8 s"),
        (("hypothesis=", "duration_s=-8, hypothesis="), 3, "duration_s must be more than 0; given -8"),
        (("rate_per_s=60", "rate_per_s=60, users=5"), 5, "one of rate_per_s, ramp, steps, users"),
        (("0.99),)", "0.99))"), 3, "checks must be a tuple"),
        (("from harness", "import os\nfrom harness"), 1, "imports harness only"),
        (("scenario =", "scenaro ="), None, "defines no scenario"),
        (
            ("scenario =", "raise SystemExit(0)\nscenario ="),
            3,
            "ends the program (SystemExit); it is pure data",
        ),
        (("scenario =", "raise KeyboardInterrupt\nscenario ="), 3, "ends the program (KeyboardInterrupt)"),
        (("scenario =", "raise GeneratorExit\nscenario ="), 3, "ends the program (GeneratorExit)"),
        (("hypothesis=", "oops=1/0, hypothesis="), 4, "division by zero"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, change, line, says):
    """File, line, the given and the allowed, with the nearest right name."""
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace(*change))
    assert says in str(caught.value)
    assert str(tmp_path / "one.py") + (f":{line}:" if line else "") in str(caught.value)


def test_an_unknown_link_is_told_with_those_that_there_are(tmp_path):
    """The stack's links, and the nearest of them."""
    loaded = _load(tmp_path, GOOD.replace("api-payments", "api-payment"))
    with pytest.raises(ScenarioError) as caught:
        loader.check_links(loaded, LINKS, "docker-compose.yml")
    assert "one.py:6: unknown link 'api-payment'; docker-compose.yml defines: api-payments" in str(caught.value)
    assert "did you mean 'api-payments'" in str(caught.value)


def test_a_check_of_a_link_that_is_not_there_is_told_before_anything_starts(tmp_path):
    """It could never be more than unknown."""
    source = GOOD.replace("Availability(ok_ratio_min=0.99)", 'Retries("api-payment")')
    source = source.replace("Availability", "Retries")
    with pytest.raises(ScenarioError, match=r"one\.py: retries: unknown link 'api-payment'"):
        loader.check_links(_load(tmp_path, source), LINKS, "docker-compose.yml")


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("api-shipping", "add `tap: http` to x-harness.links.api-shipping (docs/stack.md)"),
        ("api-postgres", "api-postgres carries PostgreSQL, and this fault strikes HTTP requests; faults of any link"),
        ("api-shiping", "unknown link 'api-shiping'"),
    ],
)
def test_a_fault_on_http_needs_a_tap_and_is_told_before_anything_starts(tmp_path, link, says):
    """With its line, and with what to add where that would help."""
    source = GOOD.replace("Latency", "HttpStatus").replace("delay_ms=200", "code=500")
    loader.check_links(_load(tmp_path, source), LINKS, "docker-compose.yml")
    with pytest.raises(ScenarioError) as caught:
        loader.check_links(_load(tmp_path, source.replace("api-payments", link)), LINKS, "docker-compose.yml")
    assert says in str(caught.value)
    assert "one.py:6: " in str(caught.value)
    loader.check_links(_load(tmp_path, GOOD.replace("api-payments", "api-shipping")), LINKS, "docker-compose.yml")


def test_a_folder_gives_its_files_in_order_and_k_chooses(tmp_path):
    """Files that begin with an underscore are nobody's scenario."""
    for name in ("b", "a", "_shared"):
        (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    assert [path.stem for path in loader.find([tmp_path])] == ["a", "b"]
    assert [path.stem for path in loader.find([tmp_path], "b")] == ["b"]
    with pytest.raises(ScenarioError, match="no scenario has 'c' in its name; there are: a, b"):
        loader.find([tmp_path], "c")


def test_a_scenario_that_is_not_there_is_met_with_the_nearest(tmp_path):
    """A slip of the finger costs one look."""
    (tmp_path / "calm.py").write_text("", encoding="utf-8")
    with pytest.raises(ScenarioError, match="did you mean 'calm'"):
        loader.find([tmp_path / "clam.py"])


def test_a_missing_locustfile_is_told_with_those_that_there_are(tmp_path, monkeypatch):
    """Those of locustfiles/ are named."""
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles" / "shop.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert loader.find_locustfile(Load("shop.py", users=1)).name == "shop.py"
    with pytest.raises(LocustfileError, match=r"locustfiles/ defines: shop.py; did you mean 'shop.py'"):
        loader.find_locustfile(Load("shp.py", users=1))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "scenarios").glob("*.py")), ids=lambda path: path.stem
)
def test_every_scenario_of_ours_loads(path):
    """And asks a question."""
    try:
        assert loader.load(path).question.partition("?")[1]
    except HarnessError as error:
        pytest.fail(str(error))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("hypothesis=", 'variables={"PULL_EVRY_S": "1"}, hypothesis='), "did you mean 'PULL_EVERY_S'"),
        (("0.99),)", '0.99), OutboxDrains("apy", "/outbox", "waiting", within_s=9),)'), "did you mean 'api'"),
    ],
)
def test_a_variable_and_a_service_that_are_not_there_are_told_before_the_run(tmp_path, change, says):
    """A variable that nothing refers to would change nothing, so that an alert which stays silent proves nothing."""
    text = GOOD.replace(*change)
    spec = read_compose_file(Path(__file__).parents[1] / "docker-compose.yml", {})
    with pytest.raises(ScenarioError, match=r"unknown (variable|service)") as caught:
        loader.check_services(_load(tmp_path, text), spec, "embedded")
    assert says in str(caught.value)
    loader.check_services(
        _load(tmp_path, GOOD.replace("hypothesis=", 'variables={"DAY_S": "1"}, hypothesis=')), spec, "embedded"
    )

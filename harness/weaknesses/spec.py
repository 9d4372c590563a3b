"""`weaknesses.toml`: what weaknesses a target has, how each is switched on, and which checks should see it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import ScenarioError, one_of

FILE = "weaknesses.toml"
CALM = "calm"
"""What a run without any weakness is called, so that no weakness may be."""
CALM_RUNS = 20
_KEYS = ("variable", "calm_runs", "code", "weaknesses", "left_out")
_OF_A_WEAKNESS = ("scenarios", "checks", "variables")


@dataclass(frozen=True, slots=True)
class Weakness:
    """A defect that is switched on by name. In each of `scenarios` a check of one of the kinds `checks`, those that the
    scenario has, should fail. `variables` are for the Compose file, beside the one that switches it on."""

    name: str
    scenarios: tuple[str, ...]
    checks: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the file says. `variable` of the Compose file holds the name of the weakness; `code` are the files and
    folders, from the file's own, that make another target when they change; `left_out` says why a weakness is not
    here."""

    path: Path
    variable: str
    weaknesses: tuple[Weakness, ...]
    calm_runs: int = CALM_RUNS
    code: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario that is named, once, in the order of the file."""
        return tuple(dict.fromkeys(name for one in self.weaknesses for name in one.scenarios))

    def scenario(self, name: str) -> Path:
        """The file of a scenario: `scenarios/NAME.py` beside this one."""
        return self.path.parent / "scenarios" / f"{name}.py"


def read(path: Path) -> Spec:
    """What `path` says. Raises ScenarioError, with what is given and what is allowed."""
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScenarioError(
            f"{path} does not exist; write one (docs/weaknesses.md), or give it: --file FILE"
        ) from error
    except (OSError, ValueError) as error:  # not to be read, not text, not TOML
        raise ScenarioError(f"{path} cannot be read: {error}") from error
    _known(str(path), held, _KEYS)
    given = _table(f"{path}: weaknesses", held.get("weaknesses", {}))
    if not given:
        raise ScenarioError(f'{path} has no weaknesses; write [weaknesses.NAME] scenarios = ["..."], checks = ["..."]')
    there = [one.stem for one in (path.parent / "scenarios").glob("*.py")]
    return Spec(
        path=path,
        variable=_text(f"{path}: variable", held.get("variable")),
        weaknesses=tuple(_weakness(path, name, body, there) for name, body in given.items()),
        calm_runs=_count(f"{path}: calm_runs", held.get("calm_runs", CALM_RUNS)),
        code=_code(path, held.get("code", [])),
        left_out=_texts(f"{path}: left_out", held.get("left_out", {})),
    )


def _weakness(path: Path, name: str, body: object, there: Collection[str]) -> Weakness:
    where = f"{path}: weaknesses.{name}"
    if name == CALM:
        raise ScenarioError(f"{where}: a run without any weakness is called {CALM}; give it another name")
    held = _table(where, body)
    _known(where, held, _OF_A_WEAKNESS)
    scenarios = _names(f"{where}.scenarios", held.get("scenarios"))
    for one in scenarios:
        if one not in there:
            raise ScenarioError(f"{where}: {one_of('scenario', one, there, where=str(path.parent / 'scenarios'))}")
    variables = _texts(f"{where}.variables", held.get("variables", {}))
    return Weakness(name, scenarios, _names(f"{where}.checks", held.get("checks")), variables)


def _known(where: str, held: Mapping[str, Any], allowed: Collection[str]) -> None:
    for name in held:
        if name not in allowed:
            raise ScenarioError(f"{where}: {one_of('key', name, allowed)}")


def _table(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ScenarioError(f"{where} must be a table; given {value!r}")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        given = "nothing" if value is None else repr(value)
        raise ScenarioError(f'{where} must be a text, such as "WEAKNESS"; given {given}')
    return value


def _count(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ScenarioError(f"{where} must be a whole number, 0 or more; given {value!r}")
    return value


def _names(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        given = "nothing" if value is None else repr(value)
        raise ScenarioError(f'{where} must list at least one name, such as ["no-retry"]; given {given}')
    return tuple(dict.fromkeys(value))


def _texts(where: str, value: object) -> Mapping[str, str]:
    held = _table(where, value)
    for name, text in held.items():
        if not isinstance(text, str):
            raise ScenarioError(f'{where} holds texts, as in {{DAY_S = "2"}}; given {name} = {text!r}')
    return held


def _code(path: Path, value: object) -> tuple[str, ...]:
    names = _names(f"{path}: code", value) if value != [] else ()
    for name in names:
        if not (path.parent / name).exists():
            raise ScenarioError(f"{path}: code: {path.parent / name} does not exist; name files and folders of it")
    return names

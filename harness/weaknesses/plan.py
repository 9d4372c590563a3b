"""Spec -> the runs of the matrix, in their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import ScenarioError, one_of
from harness.model import Scenario
from harness.weaknesses.spec import CALM, Spec, Weakness


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: a scenario with a weakness, or calm. A check of one of the kinds `expected` should fail, in calm none.

    `asked` are the kinds of the scenario's checks; `seconds` is how long its clock runs. The calm runs of a scenario
    are numbered, and each has a seed of its own.
    """

    scenario: str
    weakness: str = ""
    expected: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    number: int = 1
    seed: int = 0
    seconds: float = 0.0

    @property
    def is_calm(self) -> bool:
        return not self.weakness

    @property
    def key(self) -> str:
        """What is kept of it is kept by this: `no-retry etl-feed-fails 1`."""
        return f"{self.weakness or CALM} {self.scenario} {self.number}"

    @property
    def name(self) -> str:
        """`no-retry in etl-feed-fails`, `calm etl-feed-fails 2`."""
        return f"{self.weakness} in {self.scenario}" if self.weakness else f"{CALM} {self.scenario} {self.number}"


def trials(
    spec: Spec, scenarios: Mapping[str, Scenario], *, only: Collection[str] = (), calm: int | None = None
) -> tuple[Trial, ...]:
    """Each scenario once in calm, then each weakness, then the other calm runs, in turn over the scenarios.

    `only` these weaknesses, and no calm run then unless `calm` says how many. Raises ScenarioError for a name that is
    not known, and for a weakness that no check of its scenario could see.
    """
    for name in only:
        if name not in {one.name for one in spec.weaknesses}:
            known = [one.name for one in spec.weaknesses]
            raise ScenarioError(one_of("weakness", name, known, where=str(spec.path)))
    chosen = [one for one in spec.weaknesses if not only or one.name in only]
    named = list(dict.fromkeys(name for one in chosen for name in one.scenarios))
    count = calm if calm is not None else 0 if only else spec.calm_runs
    in_calm = [_trial(named[index % len(named)], scenarios, number=index // len(named) + 1) for index in range(count)]
    weak = [_weak(spec, one, name, scenarios) for one in chosen for name in one.scenarios]
    return (*in_calm[: len(named)], *weak, *in_calm[len(named) :])


def kinds(scenario: Scenario) -> tuple[str, ...]:
    """The kinds of its checks, each once, by the names that a scenario imports."""
    return tuple(dict.fromkeys(type(check).__name__ for check in scenario.checks))


def _weak(spec: Spec, weakness: Weakness, name: str, scenarios: Mapping[str, Scenario]) -> Trial:
    asked = kinds(scenarios[name])
    where = f"{spec.path}: weaknesses.{weakness.name}"
    everywhere = {kind for one in weakness.scenarios for kind in kinds(scenarios[one])}
    for kind in weakness.checks:
        if kind not in everywhere:
            raise ScenarioError(f"{where}: {one_of('check', kind, everywhere, where=' and '.join(weakness.scenarios))}")
    expected = tuple(kind for kind in weakness.checks if kind in asked)
    if not expected:
        raise ScenarioError(
            f"{where}: {name} has none of the checks {', '.join(weakness.checks)}; it has {', '.join(asked)}"
        )
    return _trial(name, scenarios, weakness.name, expected, {**weakness.variables, spec.variable: weakness.name})


def _trial(
    name: str,
    scenarios: Mapping[str, Scenario],
    weakness: str = "",
    expected: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    number: int = 1,
) -> Trial:
    scenario = scenarios[name]
    return Trial(
        scenario=name,
        weakness=weakness,
        expected=tuple(expected),
        variables=variables or {},
        asked=kinds(scenario),
        number=number,
        seed=scenario.seed + number - 1,
        seconds=scenario.warmup_s + scenario.end_s,
    )

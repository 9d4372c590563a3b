"""A deploy that should not have been: a service starts anew, and is told something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class Deploy:
    """Restarts the service with some `variables` of its environment changed: a bad release, a wrong configuration.

    For drills only: what takes it back is a runbook (`harness stack deploy SERVICE --back`).
    """

    service: str
    variables: Mapping[str, str]
    needs: ClassVar[str] = "deploy"
    cuts: ClassVar[bool] = False
    only_in_drills: ClassVar[str] = "changes what the service is, and nothing in a scenario changes it back"

    def __post_init__(self) -> None:
        items = self.variables.items() if isinstance(self.variables, Mapping) else ()
        if not items or not all(isinstance(name, str) and isinstance(value, str) for name, value in items):
            raise ValueError(f'variables holds texts, as in {{"WEAKNESS": "tiny-pool"}}; given {self.variables!r}')

    def inject(self, stack: Stack) -> Heal:
        stack.service(self.service).deploy(self.variables)
        return lambda: None

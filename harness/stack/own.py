"""What the harness itself runs in a stack beside Toxiproxy: the tap of links that have one, and the outpost."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.stack.spec import StackSpec

OWN = TAP, OUTPOST = "harness-tap", "harness-outpost"
"""Their names among the services. No Compose file has them."""
CONTROL_PORT, WEBHOOK_PORT = 28474, 28475
"""Of the tap and the outpost in Toxiproxy's network namespace; on the loopback they are any free ones."""


def own_commands(spec: StackSpec, at: Mapping[str, str]) -> dict[str, list[str | Path]]:
    """What starts those of them that the stack needs, by name, each to listen at its address."""
    python = [sys.executable, "-P", "-m"]  # -P: the user's folder is not ours
    commands: dict[str, list[str | Path]] = {}
    if spec.alerts:
        commands[OUTPOST] = [*python, "harness.outpost", "--listen", at[OUTPOST]]
    if spec.tapped:
        commands[TAP] = [*python, "harness.tap", "--control", at[TAP]]
    return commands


def with_webhook(variables: Mapping[str, str], name: str, host: str) -> Mapping[str, str]:
    """The variables with the one that says where alerts are posted: the outpost, unless the user has set it."""
    if not name or variables.get(name):
        return variables
    return {**variables, name: f"http://{host}:{WEBHOOK_PORT}/alerts"}

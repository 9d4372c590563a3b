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
OWN_PORTS = range(28474, 28600)
CONTROL_PORT, WEBHOOK_PORT, BEHIND_TAP_PORT = 28474, 28475, 28500
"""In Toxiproxy's network namespace: of the tap, of the outpost, the first at which Toxiproxy listens behind a tap.
On the loopback they are any free ones."""


def own_commands(spec: StackSpec, at: Mapping[str, str]) -> dict[str, list[str | Path]]:
    """What starts those of them that the stack needs, by name, each to listen at its address."""
    python = [sys.executable, "-P", "-m"]  # -P: the user's folder is not ours
    commands: dict[str, list[str | Path]] = {}
    if spec.has_outpost:
        commands[OUTPOST] = [*python, "harness.outpost", "--listen", at[OUTPOST]]
    if spec.tapped:
        commands[TAP] = [*python, "harness.tap", "--control", at[TAP]]
    return commands


def with_webhook(variables: Mapping[str, str], name: str, host: str) -> tuple[Mapping[str, str], str]:
    """(the variables with the one that says where alerts are posted, its name): the outpost, unless the user has set it
    to somewhere else; then the name is ""."""
    if not name or variables.get(name):
        return variables, ""
    return {**variables, name: f"http://{host}:{WEBHOOK_PORT}/alerts"}, name

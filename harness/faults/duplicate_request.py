"""Delivery twice over, as a queue or a proxy does that did not hear the answer."""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.tap_rule import TapRule


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRequest(TapRule):
    """Delivers each request a second time, on a connection of its own, when the first is whole.

    The client sees the first answer only. A request above a megabyte, or one that asks for an upgrade, is not doubled.
    """

    kind = "duplicate"

"""Calls that never return: only a timeout of the client ends them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.tap_rule import TapRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHang(TapRule):
    """Holds each request until it is healed, and passes it on then. One whose client has left is never passed on."""

    kind = "hang"

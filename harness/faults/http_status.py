"""The service says no: every request gets a status that it did not choose."""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.tap_rule import AnsweringRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStatus(AnsweringRule):
    """Answers every request with `code` (and Retry-After, and `body`); the service never hears of it."""

    kind = "status"

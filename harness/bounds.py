"""Bounds on what a user may write. Each error says what was given, what is allowed and what to do."""

from __future__ import annotations

import math


def positive(name: str, value: float, *, zero_allowed: bool = False) -> None:
    """Raise ValueError unless `value` is a finite number above zero (or zero, where that is allowed)."""
    low = "0 or more" if zero_allowed else "more than 0"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, {low}; given {value!r}")
    if value < 0 or (value == 0 and not zero_allowed):
        raise ValueError(f"{name} must be {low}; given {value!r}")


def ratio(name: str, value: float) -> None:
    """Raise ValueError unless `value` is a ratio from 0 to 1; 99 is met with the 0.99 that was meant."""
    positive(name, value, zero_allowed=True)
    if value > 1:
        meant = f"; write {value / 100:g} for {value:g} %" if value <= 100 else ""
        raise ValueError(f"{name} is a ratio from 0 to 1; given {value!r}{meant}")


def whole(name: str, value: int, *, zero_allowed: bool = False) -> None:
    """Raise ValueError unless `value` is a whole number, 1 or more (or 0, where that is allowed)."""
    low = 0 if zero_allowed else 1
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ValueError(f"{name} must be a whole number, {low} or more; given {value!r}")

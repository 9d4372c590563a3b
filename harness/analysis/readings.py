"""Readings of the links, cut and shaped for the findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.record import History, Phase, PlannedWindow

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Topology:
    """What findings must know of the stack beside its history: who is at each link's ends, how many CPUs there are."""

    links: dict[str, tuple[str, str]]
    services: tuple[str, ...]
    cpus: int


def of(history: History, subject: str, metric: str) -> tuple[Floats, Floats]:
    """(at_s, value) of one metric of one subject, in the order of time; empty where it was not read."""
    resources = history.resources
    if resources is None or resources.empty:
        return np.empty(0), np.empty(0)
    rows = resources[(resources["subject"] == subject) & (resources["metric"] == metric)]
    rows = rows.sort_values("at_s", kind="stable")
    return rows["at_s"].to_numpy(np.float64), rows["value"].to_numpy(np.float64)


def within(at_s: Floats, start_s: float, end_s: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask: np.ndarray[Any, np.dtype[np.bool_]] = (at_s >= start_s) & (at_s < end_s)
    return mask


def on_link(history: History, link: str) -> list[PlannedWindow]:
    """The windows on that link."""
    return [window for window in history.windows if window.link == link]


def whole_phases(history: History, link: str) -> list[Phase]:
    """The phases in which the link let answers through, and the services at its ends were left alone."""
    ends = history.links.get(link, ())
    silent = [one for one in on_link(history, link) if one.cuts or one.fault == "blackhole"]
    cuts = [*silent, *(one for one in history.windows if one.service is not None and one.service in ends)]
    return [one for one in history.phases if not any(c.start_s < one.end_s and c.end_s > one.start_s for c in cuts)]


def plain(value: float) -> str:
    """A number for a sentence: two or three digits that mean something."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Which samples belong to which phase.

A request belongs to a fault window when any part of its life, from its intended start to its answer, fell into it: it
was exposed to the fault. The baseline holds those that were answered before the first window, the recovery those that
were intended after the last. What lies between two windows belongs to neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import one_of
from harness.record import NS_PER_S, History, Phase

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def in_phase(samples: pd.DataFrame, phase: Phase, phases: Sequence[Phase]) -> Mask:
    """A mask over the samples: True for those of that phase. `phases` are all of the run."""
    intended, answered = samples["intended_ns"].to_numpy(), samples["answered_ns"].to_numpy()
    start, end = round(phase.start_s * NS_PER_S), round(phase.end_s * NS_PER_S)
    if phase.kind == "window":
        mask: Mask = (intended < end) & (answered >= start)
    elif phase.kind == "recovery":
        mask = intended >= start
    elif any(other.kind == "window" for other in phases):
        mask = (intended >= start) & (answered < end)
    else:
        mask = intended >= start
    return mask


def named(history: History, phase: str) -> list[Phase | None]:
    """The phases that a name means; None is the whole run. Raises ValueError for a name that the run does not have."""
    windows = [one for one in history.phases if one.kind == "window"]
    if phase == "run" or (phase == "faults" and not windows):
        return [None]
    if phase == "faults":
        return list(windows)
    known = {one.name: one for one in history.phases}
    if phase not in known:
        raise ValueError(one_of("phase", phase, ["run", "faults", *known], where="this run"))
    return [known[phase]]


def select(history: History, phase: str = "run", endpoint: str | None = None) -> list[tuple[str, Mask]]:
    """(name, mask over the samples) of each phase that `phase` means, cut to one endpoint where one is named.

    `phase` is `run`, `baseline`, `faults` (each window in turn; the whole run where there is none), `recovery`, or the
    name of a window. `endpoint` is `GET /orders/{id}`, or `/orders/{id}` for all of its methods.
    Raises ValueError for names that the run does not have.
    """
    wanted = _of_endpoint(history.samples, endpoint)
    parts = []
    for one in named(history, phase):
        mask = np.ones(len(history.samples), bool) if one is None else in_phase(history.samples, one, history.phases)
        parts.append(("run" if one is None else one.name, mask if wanted is None else mask & wanted))
    return parts


def spans(history: History, phase: str) -> list[tuple[str, float, float]]:
    """(name, start_s, end_s) of each phase that `phase` means, in the order of select()."""
    end_s = max((one.end_s for one in history.phases), default=0.0)
    return [("run", 0.0, end_s) if one is None else (one.name, one.start_s, one.end_s) for one in named(history, phase)]


def _of_endpoint(samples: pd.DataFrame, endpoint: str | None) -> Mask | None:
    if endpoint is None:
        return None
    column = samples["endpoint"].cat
    names = [str(name) for name in column.categories]
    chosen = [code for code, name in enumerate(names) if endpoint in (name, name.partition(" ")[2])]
    if not chosen:
        raise ValueError(one_of("endpoint", endpoint, names, where="this run"))
    codes = column.codes.to_numpy()
    mask: Mask = codes == chosen[0] if len(chosen) == 1 else np.isin(codes, chosen)
    return mask

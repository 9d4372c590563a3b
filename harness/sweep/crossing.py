"""Did anything cross what was broken? Where nothing did, the fault hit nothing, and unharmed would mean nothing.

As checks/trust.py asks it of a run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.checks.trust import BYPASSED, CROSSING, LEAD_UP_S
from harness.record import History, PlannedWindow
from harness.sweep.requests import Floats, Requests

Read = Callable[[str, str], tuple[Floats, Floats]]
"""(subject, metric) to (at_s, value)."""


def not_crossed(
    history: History, requests: Requests, read: Read, window: PlannedWindow, start_s: float, end_s: float
) -> str:
    """Why it is not known to have been crossed; empty where it was.

    Looked at is the window, or the 5 s before it where nothing can cross meanwhile, or both where connections end
    before they can be seen: of the link itself, or of any link of the service, or what the load sent to the entry.
    """
    at_s, past = read(window.link or "", BYPASSED)
    if past[(at_s >= start_s) & (at_s <= end_s)].sum() > 0:
        return "connections went round Toxiproxy"
    if window.cuts:
        start_s, end_s = start_s - LEAD_UP_S, start_s
    elif window.fault == "reset":
        start_s -= LEAD_UP_S
    if window.service == history.entry and len(requests.between(start_s, end_s)):
        return ""
    where = window.link or window.service or ""
    links = [where] if window.link else [name for name, ends in history.links.items() if where in ends]
    known = False
    for link in links:
        for metric in CROSSING:
            at_s, value = read(link, metric)
            first, last = np.searchsorted(at_s, start_s), np.searchsorted(at_s, end_s, side="right")
            if last - first < 2:
                continue
            known = True
            if value[last - 1] > value[first]:
                return ""
    return "no traffic crossed it" if known else "its traffic was not read"

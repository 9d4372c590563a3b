"""What the Docker stack costs: its start beside plain Compose's, Toxiproxy on a request's way, a sweep by its windows.

Each beside what it is compared with, in turn, on projects of names of their own; skipped where no Docker answers.
"""

from __future__ import annotations

import functools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.compose_projects import Project, absent, adopt, bookshop, echo
from benchmarks.table import Row

PAIRS = 4
START_MORE_S, LINK_MORE_S = 2.0, 0.25
ROUNDS, REQUESTS = 15, 300
SWEPT = ("web-prices", "web-reviews")
FULL_LINKS, FAULTS = 6, 5
UNKNOWN = 4
"""The exit code of a sweep that a busy machine made doubtful."""


def _with_docker(measure: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    @functools.wraps(measure)
    def measured() -> Iterator[Row]:
        why = absent()
        if why:
            yield Row(f"on Docker: {measure.__name__}", f"skipped: {why}")
        else:
            yield from measure()

    return measured


@_with_docker
def start() -> Iterator[Row]:
    """`harness stack up` of an adopted project of five services, by `docker compose up --wait` of the same file."""
    theirs_s, ours_s = [], []
    with bookshop() as shop:
        adopt(shop)
        for number in range(PAIRS):
            for is_ours in (number % 2 == 0, number % 2 == 1):
                if is_ours:
                    ours_s.append(_seconds(lambda: shop.harness("stack", "up", "--stack", "docker")))
                    links = len(_status(shop)["links"])
                    shop.harness("stack", "down")
                else:
                    theirs_s.append(_seconds(lambda: shop.compose("up", "--detach", "--wait")))
                    shop.compose("down", "--volumes", "--timeout", "1")
    more_s = [ours - theirs for ours, theirs in zip(ours_s, theirs_s, strict=True)]
    wanted_s = START_MORE_S + LINK_MORE_S * links
    yield Row(
        "stack up on Docker, more than docker compose up --wait",
        f"{median(more_s):.1f} s ({min(more_s):.1f} to {max(more_s):.1f} in {PAIRS} pairs; "
        f"{median(ours_s):.1f} and {median(theirs_s):.1f} s)",
        f"<= {wanted_s:g} s ({links} links)",
        median(more_s) <= wanted_s,
    )


@_with_docker
def hop() -> Iterator[Row]:
    """What adopt adds to a request of a keep-alive connection, by one to the service itself, in turn."""
    through_ms, direct_ms = [], []
    with echo() as project:
        adopt(project)
        project.harness("stack", "up", "--stack", "docker")
        status = _status(project)
        for _ in range(ROUNDS):
            with urllib.request.urlopen(f"{status['entry']}/{REQUESTS}", timeout=60) as answer:
                found = json.load(answer)
            (link,) = status["links"].values()
            if found["through_address"] != link["listen"].rpartition(":")[0]:
                raise RuntimeError(f"a request that should go through {link} went to {found['through_address']}")
            if found["direct_address"] == found["through_address"]:
                raise RuntimeError(f"a request that should go past {link} went through it")
            through_ms.append(median(found["through_ms"]))
            direct_ms.append(median(found["direct_ms"]))
    more_ms = [through - direct for through, direct in zip(through_ms, direct_ms, strict=True)]
    yield Row(
        "p50 of a keep-alive request over an adopted link, more than direct",
        f"{median(more_ms):.2f} ms ({min(more_ms):.2f} to {max(more_ms):.2f} in {ROUNDS} rounds; "
        f"{median(through_ms):.2f} and {median(direct_ms):.2f} ms)",
        "<= 0.3 ms",
        median(more_ms) <= 0.3,
    )


@_with_docker
def sweep() -> Iterator[Row]:
    """`harness sweep` of two links, as long as it takes, by its windows; what six links would take is made of that."""
    only = [word for link in SWEPT for word in ("--only", link)]
    with bookshop() as shop:
        adopt(shop)
        began_s = time.time()
        shop.harness("sweep", "--stack", "docker", *only, codes=(0, UNKNOWN))  # how long it took counts, not its word
        ended_s = time.time()
        windows = _windows(shop.folder / "reports" / "sweep" / "latest")
    before_s, after_s = windows[0].start_s - began_s, ended_s - windows[-1].end_s
    window_s = fmean(one.end_s - one.start_s for one in windows)
    calm_s = fmean(later.start_s - one.end_s for one, later in pairwise(windows))
    if len(windows) != len(SWEPT) * FAULTS:
        raise RuntimeError(f"{len(windows)} windows were swept")
    full = FULL_LINKS * FAULTS
    full_s = before_s + full * window_s + (full - 1) * calm_s + after_s
    ratio = full_s / (full * window_s)
    yield Row(
        f"sweep of {FULL_LINKS} links x {FAULTS} faults, by its windows", f"{ratio:.3f} (of the parts below)",
        "<= 1.20", ratio <= 1.2,
    )  # fmt: skip
    yield Row("  wall time", f"{full_s / 60:.1f} min", "<= 10 min", full_s <= 600)
    yield Row(
        f"  as measured, {len(SWEPT)} links x {FAULTS} faults",
        f"{ended_s - began_s:.0f} s: {before_s:.1f} to the first window, {len(windows)} of {window_s:.1f}, "
        f"{calm_s:.1f} of calm after each, {after_s:.1f} to the end",
    )


@dataclass(frozen=True, slots=True)
class _Swept:
    """A window as it was, in seconds of UTC."""

    start_s: float
    end_s: float


def _windows(folder: Path) -> list[_Swept]:
    found = []
    for path in sorted(folder.glob("runs/*/marks.jsonl")):
        marks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        zero_s = next(datetime.fromisoformat(mark["utc"]).timestamp() for mark in marks if mark["kind"] == "zero")
        healed = {mark["window"]: mark["at_s"] for mark in marks if mark["kind"] == "healed"}
        for mark in marks:
            if mark["kind"] == "injecting":
                found.append(_Swept(zero_s + mark["at_s"], zero_s + healed[mark["window"]]))
    return sorted(found, key=lambda one: one.start_s)


def _status(project: Project) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(project.harness("stack", "status", "--json"))
    return body


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began

"""Calls as a breaker of known states would let them through: sound(), and a weakness of each kind."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import replace

from harness.record import History
from tests.attempts import HUNG, LINK, OK, Answer, Row, attempts, calls
from tests.builders import Sample, history, ok, steady, window

RATE = 40.0
FAULT = (10.0, 30.0)
END_S = 60.0
WINDOWS = [window("payments slow", *FAULT, LINK)]
OPENS_S, RESET_S = 0.62, 5.0
"""Five calls hang for half a second each; the fifth ends, and the breaker opens. It probes after five seconds."""


def probe(at_s: float, answer: Answer = HUNG, count: int = 1) -> list[Row]:
    """Calls that a half-open breaker lets through at once."""
    return calls(1000, at_s, at_s + count / 1000, answer)


def sound(
    *,
    opens_s: float = FAULT[0] + OPENS_S,
    reset_s: float = RESET_S,
    answer: Answer = HUNG,
    at_once: int = 1,
    after_probe: Sequence[float] = (),
    closes: bool = True,
    rate_per_s: float = RATE,
) -> list[Row]:
    """Closed, open, half-open each `reset_s` after the last probe failed, closed at the first good one.

    `at_once` calls are let through when it is half-open; `after_probe` says at which times more of them came.
    """
    rows = [*calls(rate_per_s, 0, FAULT[0]), *calls(rate_per_s, FAULT[0], opens_s, answer)]
    at_s = opens_s + reset_s
    while at_s < FAULT[1]:
        rows += probe(at_s, answer, at_once)
        for later_s in after_probe:
            rows += probe(at_s + answer[2] + later_s, answer)
        at_s += answer[2] + (max(after_probe) + answer[2] if after_probe else 0.0) + reset_s
    if closes:
        rows += [*probe(at_s, OK), *calls(rate_per_s, at_s + 0.025, END_S)]
    return rows


def load(slow_ms: float = 12.0, slow: tuple[float, float] = FAULT, rate_per_s: float = RATE) -> list[Sample]:
    """The requests of the load, each answered well; in `slow` they take so long."""
    before, after = steady(rate_per_s, 0, slow[0]), steady(rate_per_s, slow[1], END_S)
    count = round((slow[1] - slow[0]) * rate_per_s)
    return [*before, *(ok(slow[0] + n / rate_per_s, slow_ms) for n in range(count)), *after]


def seen(rows: Sequence[Row], samples: Sequence[Sample] | None = None, windows: object = None) -> History:
    """The history of those calls under that load."""
    chosen = WINDOWS if windows is None else windows
    return history(load() if samples is None else samples, chosen, end_s=END_S, attempts=attempts(rows))  # type: ignore[arg-type]


def simulated(
    seed: int,
    rate_per_s: float = RATE,
    *,
    threshold: int = 5,
    probes: int = 1,
    reset_s: float = RESET_S,
    closes: bool = True,
) -> tuple[list[Row], list[Sample]]:
    """Arrivals at random through a breaker that counts failures in a row; `threshold` 0 is none. And its load."""
    rng = random.Random(seed)
    rows: list[Row] = []
    samples: list[Sample] = []
    under_way: list[tuple[float, bool]] = []
    failed, opened_s, trying, at_s = 0, -1.0, 0, 0.0
    while (at_s := at_s + rng.expovariate(rate_per_s)) < END_S:
        while under_way and under_way[0][0] <= at_s:
            over_s, good = heapq.heappop(under_way)
            if opened_s < 0:
                failed = 0 if good else failed + 1
                opened_s = over_s if threshold and failed >= threshold else -1.0
            elif trying:
                trying = 0
                opened_s, failed = (-1.0, 0) if good and closes else (over_s, 0)
        if opened_s >= 0 and (at_s < opened_s + reset_s or trying >= probes):
            samples.append(ok(at_s, 5.0))
            continue
        trying += opened_s >= 0
        took_s = 0.5 if FAULT[0] <= at_s < FAULT[1] else 0.01 + rng.expovariate(200)
        answer: Answer = ("unknown", 0, took_s) if took_s == 0.5 else ("ok", 200, took_s)
        heapq.heappush(under_way, (at_s + took_s, answer[0] == "ok"))
        rows.append(replace(calls(1, at_s, at_s + 1, answer)[0], key=f"s{len(rows)}"))
        samples.append(ok(at_s, 1000 * took_s + 5.0))
    return rows, samples

"""What the shop would have given: the history of a run whose truth is known, made without starting anything.

A request asks the database a few times over one connection of a pool, first come, first served, and a checkout waits
for payments in between. Bottlenecks can be planted: `queries_catalogue=21` is an N+1, `pool=1` a tiny pool,
`api_cores=0.97` a busy processor. Seeded: the same call gives the same history.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.record import History, Outcome, PlannedWindow
from tests.builders import Reading, Sample, history, window

BAD_DAY = (
    window("payments slow", 12, 22, "api-payments", delay_ms=200),
    window("database slow", 27, 37, "api-postgres", delay_ms=20),
    window("database gone", 42, 48, "api-postgres", cuts=True),
)
LINKS = {"api-payments": ("api", "payments"), "api-postgres": ("api", "postgres")}
SERVICES = ("api", "payments", "postgres", "toxiproxy")
QUERY_MS, BETWEEN_MS, OWN_MS = 0.5, 0.2, 1.2
POOL_PATIENCE_MS = 500.0
CLOCK_S = 0.004
"""The kernel's clock, by which a connection is seen to be busy."""
PERIOD_S = 0.25


@dataclass(slots=True)
class _Link:
    """What crossed a link: for each connection of the pool, when the client asked and when the answer came."""

    asked_s: list[list[float]] = field(default_factory=list)
    answered_s: list[list[float]] = field(default_factory=list)


def synthetic_shop(
    seed: int = 0,
    *,
    windows: Sequence[PlannedWindow] = BAD_DAY,
    end_s: float = 63.0,
    rate_per_s: float = 60.0,
    queries_catalogue: int = 2,
    pool: int = 10,
    api_cores: float | None = None,
    dropped_per_s: int = 0,
) -> History:
    """The history of a run under an open, even load. Without windows it is a calm one."""
    random = np.random.default_rng(seed)
    queries = {"GET /catalogue": queries_catalogue, "GET /orders/{id}": 2, "POST /checkout": 4}
    database = _Link([[] for _ in range(pool)], [[] for _ in range(pool)])
    payments = _Link([[]], [[]])
    free = [(0.0, number) for number in range(pool)]
    count = round(end_s * rate_per_s)
    names = random.choice(list(queries), size=count, p=[0.5, 0.3, 0.2])
    requests = []
    for number, name in enumerate(names):
        at_s = number / rate_per_s
        requests.append(_one(random, at_s, str(name), queries[str(name)], windows, free, database, payments))
    readings = [
        *_link_readings("api-postgres", database, windows, end_s, pool),
        *_link_readings("api-payments", payments, windows, end_s, 4),
        *_service_readings(random, requests, end_s, api_cores, rate_per_s, dropped_per_s),
    ]
    return history(requests, windows, readings, end_s=end_s)


def _one(
    random: np.random.Generator,
    at_s: float,
    name: str,
    queries: int,
    windows: Sequence[PlannedWindow],
    free: list[tuple[float, int]],
    database: _Link,
    payments: _Link,
) -> Sample:
    """One request through the shop: it takes a connection, asks, pays where it is a checkout."""
    started_s = at_s + OWN_MS * random.lognormal(0, 0.25) / 1000
    if _closed(windows, "api-postgres", started_s):
        return Sample(at_s, (started_s - at_s) * 1000 + 0.8, Outcome.FAIL, name, 503, "HTTP 503")
    free_s, connection = free[0]
    got_s = max(started_s, free_s)
    if (got_s - started_s) * 1000 > POOL_PATIENCE_MS:
        return Sample(at_s, (started_s - at_s) * 1000 + POOL_PATIENCE_MS, Outcome.FAIL, name, 503, "HTTP 503")
    now_s = got_s
    for _ in range(queries):
        slow = _delay_ms(windows, "api-postgres", now_s)
        database.asked_s[connection].append(now_s)
        now_s += (QUERY_MS * random.lognormal(0, 0.3) + slow) / 1000
        database.answered_s[connection].append(now_s)
        now_s += BETWEEN_MS / 1000
    heapq.heapreplace(free, (now_s, connection))
    if name == "POST /checkout":
        payments.asked_s[0].append(now_s)
        now_s += (25 * random.lognormal(0, 0.5) + _delay_ms(windows, "api-payments", now_s)) / 1000
        payments.answered_s[0].append(now_s)
    return Sample(at_s, (now_s - at_s) * 1000, endpoint=name)


def _delay_ms(windows: Sequence[PlannedWindow], link: str, at_s: float) -> float:
    """By how much answers on the link come later at that time."""
    return sum(float(one.parameters.get("delay_ms") or 0) for one in _on(windows, link, at_s))


def _closed(windows: Sequence[PlannedWindow], link: str, at_s: float) -> bool:
    return any(one.cuts for one in _on(windows, link, at_s))


def _on(windows: Sequence[PlannedWindow], link: str, at_s: float) -> list[PlannedWindow]:
    return [one for one in windows if one.link == link and one.start_s <= at_s < one.end_s]


def _link_readings(
    name: str, link: _Link, windows: Sequence[PlannedWindow], end_s: float, connections: int
) -> list[Reading]:
    pairs = [(np.sort(asked), np.sort(done)) for asked, done in zip(link.asked_s, link.answered_s, strict=True)]
    asked_s = np.sort(np.concatenate([asked for asked, _ in pairs]))
    answered_s = np.sort(np.concatenate([done for _, done in pairs]))
    readings: list[Reading] = []
    for at_s in np.arange(0.0, end_s, PERIOD_S):
        closed = _closed(windows, name, at_s)
        crossed, done = int(np.searchsorted(asked_s, at_s)), int(np.searchsorted(answered_s, at_s))
        if len(pairs) == 1 and connections > 1:  # connections that come and go
            now, busy = connections + crossed % 3, crossed - done
        else:
            now, busy = connections, sum(_busy(asked, done, at_s) for asked, done in pairs)
        values = {
            "connections": 0 if closed else now,
            "busy_connections": 0 if closed else min(busy, now),
            "round_trips": crossed,
            "received_bytes": crossed * 120,
            "sent_bytes": done * 400,
            "closed_bytes": 0,
        }
        readings += [(float(at_s), name, metric, float(value)) for metric, value in values.items()]
    return readings


def _busy(asked_s: np.ndarray, done_s: np.ndarray, at_s: float) -> bool:
    """Asked and not yet answered, as a clock of 4 ms sees it."""
    asked, done = np.searchsorted(asked_s, at_s), np.searchsorted(done_s, at_s)
    if not asked:
        return False
    return not done or int(asked_s[asked - 1] // CLOCK_S) > int(done_s[done - 1] // CLOCK_S)


def _service_readings(
    random: np.random.Generator,
    requests: Sequence[Sample],
    end_s: float,
    api_cores: float | None,
    rate_per_s: float,
    dropped_per_s: int,
) -> list[Reading]:
    readings: list[Reading] = []
    means = {"api": api_cores or 0.0025 * rate_per_s, "payments": 0.02, "postgres": 0.05, "toxiproxy": 0.03}
    memory_mb = {"api": 63, "payments": 49, "postgres": 28, "toxiproxy": 18}
    for at_s in np.arange(0.0, end_s, PERIOD_S):
        for name, mean in means.items():
            spread = 0.02 if mean > 0.5 else 0.2 * mean
            readings.append((float(at_s), name, "cpu_cores", float(max(0.0, random.normal(mean, spread)))))
            readings.append((float(at_s), name, "memory_bytes", memory_mb[name] * 1e6 + 2e4 * float(at_s)))
    starts = np.array([request.at_s for request in requests])
    ends = starts + np.array([request.took_ms for request in requests]) / 1000
    for second in range(int(end_s)):
        under_way = float(((starts <= second + 1) & (ends > second + 1)).sum())
        values = {
            "cpu_cores": float(random.normal(0.06, 0.005)),
            "memory_bytes": 150e6,
            "arrivals": float(((starts >= second) & (starts < second + 1)).sum()),
            "dropped": float(dropped_per_s),
            "lag_p99_ms": float(random.normal(1.2, 0.1)),
            "users_busy": under_way,
        }
        readings += [(second + 1.0, "generator", metric, value) for metric, value in values.items()]
    return readings

"""What the parent and the load process say to each other. Imported by both; imports neither locust nor gevent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A load, resolved: absolute paths, one host, times in seconds on the run's clock.

    `writes` is where a ledger of the requests with an Idempotency-Key is kept; none is where it is empty.
    """

    locustfile: str
    host: str
    samples: str
    model: str
    end_s: float
    warmup_s: float
    drain_s: float
    seed: int
    rates: list[list[float]]
    arrivals: str = "even"
    users: int = 0
    tags: list[str]
    exclude_tags: list[str]
    allowed_host: str = ""
    writes: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """What the load process says of itself each second. Counts are of this second; times in milliseconds."""

    at_ns: int
    arrivals: int
    dropped: int
    lag_p99_ms: float
    users_busy: int
    cpu_cores: float
    memory_bytes: int
    ok: int
    fail: int
    unknown: int
    p50_ms: float
    p99_ms: float

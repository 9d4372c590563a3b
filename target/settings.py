"""All that the shop's services can be told, by environment variables, with every timeout in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

WEAKNESSES = frozenset(
    {"no-timeout", "n-plus-one", "tiny-pool", "fallback-lies"}
    | {"no-retry", "retry-forever", "constant-backoff", "no-jitter", "retry-4xx", "new-key-per-try", "retry-storm"}
    | {"no-breaker", "breaker-never-closes", "breaker-many-probes", "breaker-per-request"}
)
"""Defects planted on purpose, each one visible place in the code, switched on by WEAKNESS=name,name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one process. Seconds, unless the name says otherwise."""

    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str = "postgresql://shop:shop@127.0.0.1:5432/shop"
    payments_url: str = "http://127.0.0.1:8080"
    shipping_url: str = "http://127.0.0.1:8081"
    weakness: frozenset[str] = frozenset()
    seed: int = 0

    database_connect_s: float = 0.5
    database_acquire_s: float = 0.5
    database_statement_s: float = 0.5
    database_startup_s: float = 20.0
    payments_attempt_s: float = 0.35
    payments_backoff_s: float = 0.05
    payments_total_s: float = 1.45
    outbox_lease_s: float = 5.0
    outbox_every_s: float = 0.5
    shipping_attempt_s: float = 0.25
    pool_size: int = 10


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises ValueError for a value that makes no sense."""
    weakness = frozenset(filter(None, (name.strip() for name in environment.get("WEAKNESS", "").split(","))))
    unknown = sorted(weakness - WEAKNESSES)
    if unknown:
        raise ValueError(f"unknown WEAKNESS {', '.join(unknown)}; allowed: {', '.join(sorted(WEAKNESSES))}")
    default = Settings()
    return Settings(
        host=environment.get("HOST", default.host),
        port=_whole(environment, "PORT", default.port),
        database_url=environment.get("DATABASE_URL", default.database_url),
        payments_url=environment.get("PAYMENTS_URL", default.payments_url),
        shipping_url=environment.get("SHIPPING_URL", default.shipping_url),
        weakness=weakness,
        seed=_whole(environment, "SEED", default.seed),
        # planted weakness: one connection for everybody
        pool_size=1 if "tiny-pool" in weakness else default.pool_size,
    )


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal():
        raise ValueError(f"{name} must be a whole number; given {text!r}")
    return int(text)

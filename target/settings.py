"""All that the shop's services can be told, by environment variables, with every timeout in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

WEAKNESSES = frozenset(
    {"no-timeout", "n-plus-one", "tiny-pool", "fallback-lies"}
    | {"no-retry", "retry-forever", "constant-backoff", "no-jitter", "retry-4xx", "new-key-per-try", "retry-storm"}
    | {"etl-drops-rows", "etl-double-loads", "etl-partial-commit"}
    | {"alert-never-sent", "alert-never-resolves", "alert-flaps"}
    | {"billing-ignores-missing", "billing-threshold-off-by-one", "billing-month-length"}
    | {"backup-not-running", "backup-stale", "backup-half", "restore-no-target", "wal-gap", "replica-behind"}
    | {"acknowledged-before-durable"}
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
    feed_url: str = "http://127.0.0.1:8082"
    feed_format: str = "json"
    feed_ratio: Fraction = Fraction(1)
    feed_without: str = ""
    feed_bad: str = ""
    alert_webhook_url: str = ""
    runbooks_url: str = "runbooks"
    weakness: frozenset[str] = frozenset()
    release: str = "tried"
    seed: int = 0

    database_connect_s: float = 0.5
    database_acquire_s: float = 0.5
    database_statement_s: float = 0.5
    database_lock_s: float = 0.4
    database_startup_s: float = 20.0
    payments_key: str = ""
    payments_attempt_s: float = 0.35
    payments_backoff_s: float = 0.05
    payments_total_s: float = 1.45
    outbox_lease_s: float = 5.0
    outbox_every_s: float = 0.5
    shipping_attempt_s: float = 0.25
    day_s: float = 2.0
    pull_every_s: float = 2.0
    feed_attempt_s: float = 1.0
    feed_backoff_s: float = 0.2
    feed_backoff_cap_s: float = 2.0
    feed_total_s: float = 6.0
    etl_pool_size: int = 3
    alert_every_s: float = 1.0
    alert_for_s: float = 1.0
    alert_keep_s: float = 3.0
    alert_send_s: float = 1.0
    pool_size: int = 10
    backups: Path = Path("/backups")
    database_folder: str = ""
    backup_every_s: float = 600.0
    backup_keep: int = 5
    verify_within_s: float = 3600.0


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
        payments_key=environment.get("PAYMENTS_KEY", default.payments_key),
        shipping_url=environment.get("SHIPPING_URL", default.shipping_url),
        feed_url=environment.get("FEED_URL", default.feed_url),
        feed_format=_one_of(environment, "FEED_FORMAT", ("json", "csv")),
        feed_ratio=_ratio(environment, "FEED_RATIO", default.feed_ratio),
        feed_without=environment.get("FEED_WITHOUT", default.feed_without),
        feed_bad=environment.get("FEED_BAD", default.feed_bad),
        day_s=_seconds(environment, "DAY_S", default.day_s),
        pull_every_s=_seconds(environment, "PULL_EVERY_S", default.pull_every_s),
        alert_webhook_url=environment.get("ALERT_WEBHOOK_URL", default.alert_webhook_url),
        runbooks_url=environment.get("RUNBOOKS_URL", default.runbooks_url),
        backups=Path(environment.get("BACKUPS") or default.backups),
        database_folder=environment.get("DATABASE_FOLDER", default.database_folder),
        backup_every_s=_seconds(environment, "BACKUP_EVERY_S", default.backup_every_s),
        backup_keep=max(1, _whole(environment, "BACKUP_KEEP", default.backup_keep)),
        verify_within_s=_seconds(environment, "VERIFY_WITHIN_S", default.verify_within_s),
        weakness=weakness,
        release=_one_of(environment, "RELEASE", ("tried", "untried")),
        seed=_whole(environment, "SEED", default.seed),
        # planted weakness: one connection for everybody
        pool_size=1 if "tiny-pool" in weakness else default.pool_size,
    )


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal():
        raise ValueError(f"{name} must be a whole number; given {text!r}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    return float(_ratio(environment, name, default))


def _ratio(environment: Mapping[str, str], name: str, default: Fraction | float) -> Fraction:
    text = environment.get(name) or str(default)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) or not (value := Fraction(text)):
        raise ValueError(f"{name} must be a number above 0, as in 2.01; given {text!r}")
    return value


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = environment.get(name) or allowed[0]
    if text not in allowed:
        raise ValueError(f"{name} must be {' or '.join(allowed)}; given {text!r}")
    return text

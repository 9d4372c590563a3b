"""What the etl tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from target.billing.ledger import Ledger
from target.database import Database
from target.retry import Refused, Unavailable


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._attempts = Counter("etl_attempts", "Calls to the feed", ["outcome"], registry=self.registry)
        self.pulls = Counter("etl_pulls", "Pulls", ["outcome"], registry=self.registry)
        self.rows = Counter("etl_rows", "Rows by what became of them", ["outcome"], registry=self.registry)
        self.stale = Gauge("etl_stale", "1 while readers see an older batch than there is", registry=self.registry)
        self.good_at = Gauge("etl_last_good_pull_timestamp_seconds", "When all was pulled", registry=self.registry)
        self.quarantine = Gauge("etl_quarantine_rows", "Rows that are kept out", registry=self.registry)

        self._up = Gauge("etl_database_up", "Whether the database answers", registry=self.registry)
        self._billing = Gauge("billing_findings", "What is wrong with the bills", ["kind"], registry=self.registry)

    def watch_database(self, database: Database) -> None:
        self._up.set_function(lambda: database.is_up)

    def watch_billing(self, ledger: Ledger) -> None:
        def count(kind: str) -> Callable[[], int]:
            return lambda: sum(one.kind == kind for one in ledger.findings)

        for kind in ("above", "unit", "missing"):
            self._billing.labels(kind).set_function(count(kind))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Counts one call to the feed by how it ends."""
        outcome = "called off"
        try:
            yield
            outcome = "ok"
        except Unavailable:
            outcome = "failed"
            raise
        except Refused:
            outcome = "refused"
            raise
        finally:
            self._attempts.labels(outcome).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)

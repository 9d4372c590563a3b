"""What the etl tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from target.billing.ledger import Ledger
from target.database import Database
from target.retry import Refused, Unavailable
from target.trouble import Troubles


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._attempts = Counter("etl_attempts", "Calls to the feed", ["outcome"], registry=self.registry)
        self.pulls = Counter("etl_pulls", "Pulls", ["outcome"], registry=self.registry)
        self.rows = Counter("etl_rows", "Rows by what became of them", ["outcome"], registry=self.registry)
        self.stale = Gauge("etl_stale", "1 while readers see an older batch than there is", registry=self.registry)
        self.good_at = Gauge("etl_last_good_pull_timestamp_seconds", "When all was pulled", registry=self.registry)
        self.quarantine = Gauge("etl_quarantine_rows", "Rows that are kept out", registry=self.registry)
        self.credentials_refused = Counter(
            "etl_credentials_refused", "Calls to the feed refused for who we are", registry=self.registry
        )
        self._up = Gauge("etl_database_up", "Whether the database answers", registry=self.registry)

    def watch_database(self, database: Database) -> None:
        self._up.set_function(lambda: database.is_up)
        self.registry.register(Troubles("etl_database_troubles", database.troubles))

    def watch_billing(self, ledger: Ledger) -> None:
        self.registry.register(_Findings(ledger))

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

    def totals(self) -> dict[str, float]:
        """Counts since the start that an alert is about."""
        return {"credentials_refused": self.registry.get_sample_value("etl_credentials_refused_total") or 0}


class _Findings(Collector):
    """A series for each finding while it is there, so that an alert says which bill it is about."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        labels = ["kind", "month", "customer"]
        family = GaugeMetricFamily("billing_findings", "What is wrong with the bills", labels=labels)
        for one in self._ledger.findings:
            family.add_metric([one.kind, one.month, one.customer], 1)
        yield family

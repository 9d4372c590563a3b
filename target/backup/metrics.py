"""What the backup service tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from target.backup.service import Service


class Metrics(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        one = self._service
        yield GaugeMetricFamily("backup_troubles", "What failed, and is not well again", len(one.troubles))
        yield GaugeMetricFamily("backup_stale", "1 while the last good backup is too old", float(one.is_stale))
        yield GaugeMetricFamily("backup_age_seconds", "How old the last good backup is", one.stale_s)
        yield GaugeMetricFamily(
            "backup_unverified", "1 while a kind does not count as verified", float(bool(one.unverified))
        )
        yield GaugeMetricFamily("backup_wal_down_seconds", "For how long no WAL was received", one.receiver.down_s)
        yield CounterMetricFamily("backup_wal_gaps", "How often WAL was lost for ever", one.receiver.gaps)
        taken = CounterMetricFamily("backup_taken", "Backups by how they ended", labels=["kind", "outcome"])
        for kind, done in one.done.items():
            taken.add_metric([kind, "good"], done.good)
            taken.add_metric([kind, "failed"], done.failed)
        yield taken

"""What Prometheus is shown of a service, and the planted weaknesses of alerts, for those who alert by metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

WRONG_ABOVE_0 = frozenset(
    {"shop_breaker_state", "shop_outbox_charges", "shop_outbox_oldest_seconds"}
    | {"backup_troubles", "backup_stale", "backup_unverified"}
    | {"etl_stale", "etl_quarantine_rows", "billing_findings"}
)
"""The gauges that alerts are about (rules.yml): above 0 something is wrong."""
FLAP_S = 5.0
"""Longer than an alert is kept firing for, so that it ends each time."""


class Exposed(Collector):
    """The metrics as text: as they are, or as a weakness has them."""

    def __init__(
        self, registry: CollectorRegistry, weakness: frozenset[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry, self._weakness, self._clock = registry, weakness, clock
        self._wrong: dict[str, dict[str, Sample]] = {}

    def text(self) -> bytes:
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            if metric.name in WRONG_ABOVE_0:
                metric.samples = self._shown(metric)
            yield metric

    def _shown(self, metric: Metric) -> list[Sample]:
        samples: list[Sample] = metric.samples
        flaps = "alert-flaps" in self._weakness and self._clock() % (2 * FLAP_S) < FLAP_S
        if flaps or "alert-never-sent" in self._weakness:  # planted weaknesses: nothing is ever wrong, or not now
            return [one._replace(value=0.0) for one in samples]
        if "alert-never-resolves" in self._weakness:  # planted weakness: what was wrong once stays so
            wrong = self._wrong.setdefault(metric.name, {})
            wrong |= {str(one.labels): one for one in samples if one.value > 0}
            return list(({str(one.labels): one for one in samples} | wrong).values())
        return samples

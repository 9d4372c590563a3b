"""What Prometheus is shown by a shop whose alerts have a weakness."""

from __future__ import annotations

import pytest
import yaml
from prometheus_client import CollectorRegistry, Gauge

from target.alerts.exposed import FLAP_S, WRONG_ABOVE_0, Exposed
from tests.target.running import ROOT

# each second's state of the breaker, as it was and as it is shown
OPENS, FROM_S = (0, 2, 2, 2, 2, 2, 2, 0, 0), 1000


@pytest.mark.parametrize(
    ("weakness", "shown"),
    [
        ("", OPENS),
        ("alert-never-sent", (0, 0, 0, 0, 0, 0, 0, 0, 0)),
        ("alert-never-resolves", (0, 2, 2, 2, 2, 2, 2, 2, 2)),
        ("alert-flaps", (0, 0, 0, 0, 0, 2, 2, 0, 0)),
    ],
)
def test_a_weakness_shows_the_breaker_otherwise(weakness: str, shown: tuple[int, ...]):
    """A sound shop shows it as it is."""
    registry = CollectorRegistry()
    gauge = Gauge("shop_breaker_state", "", ["service"], registry=registry)
    second = 0
    exposed = Exposed(registry, frozenset({weakness}), lambda: FROM_S * 2 * FLAP_S + second)

    for second, state in enumerate(OPENS):
        gauge.labels("payments").set(state)
        assert f'{{service="payments"}} {float(shown[second])}' in exposed.text().decode()


def test_an_anomaly_that_is_over_is_shown_still():
    """By alert-never-resolves, although its series is gone."""
    registry = CollectorRegistry()
    gauge = Gauge("billing_findings", "", ["kind"], registry=registry)
    exposed = Exposed(registry, frozenset({"alert-never-resolves"}))
    gauge.labels("above").set(1)
    before = exposed.text()
    gauge.clear()
    assert exposed.text() == before


def test_each_gauge_that_can_be_shown_wrongly_is_one_of_an_alert():
    """Of one that is wrong above 0; else the weakness would do nothing."""
    rules = yaml.safe_load((ROOT / "target/alerts/rules.yml").read_text())["groups"][0]["rules"]
    for name in WRONG_ABOVE_0:
        assert any(f"{name}" in one["expr"] and ">" in one["expr"] for one in rules), name

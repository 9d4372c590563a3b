"""When an alert is told, on a clock of the test's own, and in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from target.alerts.board import Board
from target.alerts.database import wrong as database_wrong
from target.alerts.webhook import NEVER, Alert, message
from target.api.alerting import Counted
from target.api.alerting import wrong as api_wrong
from target.api.breaker import Breaker, BreakerOpen
from target.api.outbox import Depth
from target.backup.alerting import wrong as backup_wrong
from target.billing.rules import Finding
from target.etl.alerting import wrong as etl_wrong
from target.retry import Unavailable
from target.trouble import Trouble
from tests.target.running import ROOT

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN = Alert("PaymentsBreakerOpen", "api", "critical", "calls failed", "payments-down")
CALM = Counted()
RUNBOOKS = "{{ $externalLabels.runbooks }}"
OTHER = Alert("OutboxGrowing", "api", "warning", "21 orders", "payments-down")


class Watched:
    """A board that is looked at each second, and a receiver that takes what it is told, or not."""

    def __init__(self, *weakness: str) -> None:
        self.board = Board(frozenset(weakness), for_s=1, keep_s=3)
        self.second = 0

    def look(self, *alerts: Alert, takes: bool = True) -> str:
        """What is told, a letter each: f for firing, r for resolved."""
        news = self.board.look(alerts, START + timedelta(seconds=self.second))
        self.second += 1
        for one in news:
            if takes:
                self.board.told(one)
        return "".join("f" if one.ended is None else "r" for one in news)

    def looks(self, seen: str) -> str:
        """A look a character: x when the alert is seen."""
        return "".join(self.look(*([OPEN] if one == "x" else [])) or "." for one in seen)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ("....", "...."),
        ("x...", "...."),
        ("xx......", ".f..r..."),
        ("xxxxxxxx", ".f......"),
        ("xx.xx.xx....", ".f........r."),
        ("xx..xx....", ".f......r."),
        ("xx...xx", ".f..r.f"),
        ("x.x.x.x.", "........"),
    ],
)
def test_an_alert_is_told_once_when_it_begins_and_once_when_it_ends(seen: str, told: str):
    """It begins after a second, and ends after three without it: what comes and goes in between is one alert."""
    assert Watched().looks(seen) == told


def test_a_receiver_that_is_away_is_told_later():
    """Until it takes it, and then no more."""
    watched = Watched()
    assert [watched.look(OPEN, takes=takes) for takes in (True, False, False, True, True)] == ["", "f", "f", "f", ""]
    assert [watched.look(takes=takes) for takes in (True, True, False, True, True)] == ["", "", "r", "r", ""]


def test_what_it_says_may_change_while_it_fires():
    """The same alert by its labels."""
    watched = Watched()
    texts = [Alert("OutboxGrowing", "api", "warning", f"{n} orders", "payments-down") for n in range(4)]
    assert [watched.look(one) for one in texts] == ["", "f", "", ""]


def test_alerts_do_not_meddle_with_one_another():
    """Each has its own beginning and end."""
    watched = Watched()
    assert [watched.look(OPEN), watched.look(OPEN, OTHER), watched.look(OTHER)] == ["", "f", "f"]
    assert [watched.look(OTHER), watched.look(OTHER)] == ["", "r"]


def test_what_fired_before_a_restart_ends_once():
    """And does not fire again while it goes on."""
    watched = Watched()
    watched.board.recall(OPEN, START, START)
    assert watched.looks("xxxx.....") == "......r.."


@pytest.mark.parametrize(
    ("weakness", "seen", "told"),
    [("alert-never-resolves", "xx.....", ".f....."), ("alert-flaps", "xxxxxxxx", ".fr.fr.f")],
)
def test_a_weak_board_tells_too_little_or_too_much(weakness: str, seen: str, told: str):
    """The planted weaknesses alert-never-resolves and alert-flaps."""
    assert Watched(weakness).looks(seen) == told


@pytest.mark.parametrize(("ended", "status"), [(None, "firing"), (START + timedelta(seconds=9), "resolved")])
def test_a_message_is_alertmanagers(ended: datetime | None, status: str):
    """Each field of version 4, with labels and a runbook."""
    said = json.loads(json.dumps(message(OPEN, START, ended, "runbooks/", "http://api:8000")))
    (alert,) = said["alerts"]
    assert set(said) == {
        *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"),
        *("commonAnnotations", "externalURL", "alerts"),
    }
    assert set(alert) == {
        *("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"),
    }
    assert (said["version"], said["status"], alert["status"]) == ("4", status, status)
    assert alert["labels"] == {"alertname": "PaymentsBreakerOpen", "service": "api", "severity": "critical"}
    assert alert["annotations"]["runbook_url"] == "runbooks/payments-down.md"
    assert alert["startsAt"] == "2026-03-01T12:00:00.000Z"
    assert alert["endsAt"] == (NEVER if ended is None else "2026-03-01T12:00:09.000Z")


def test_the_api_tells_of_breakers_and_of_its_outbox():
    """Only while there is something to tell."""
    payments, shipping = Breaker("payments"), Breaker("shipping")
    assert api_wrong([payments, shipping], Depth(20, 15.0), CALM) == []
    for _ in range(5):
        with pytest.raises(Unavailable), shipping.guard():
            raise Unavailable("away")
    with pytest.raises(BreakerOpen), shipping.guard():
        pass
    assert [one.name for one in api_wrong([payments, shipping], Depth(21, 0), CALM)] == [
        "ShippingBreakerOpen",
        "OutboxGrowing",
    ]
    assert [one.name for one in api_wrong([payments], Depth(1, 15.1), CALM)] == ["OutboxGrowing"]


def test_the_etl_tells_of_its_feed_its_quarantine_and_the_bills():
    """An alert for each finding, by month and customer."""
    assert etl_wrong(False, [], 0, [], 0) == []
    findings = [Finding("above", "2026-03", "customer-01", "2.01"), Finding("missing", "2026-02", "", "3 of 28 days")]
    alerts = etl_wrong(True, ["status 500"], 2, findings, 1)
    names = ["EtlFeedStale", "EtlQuarantineNotEmpty", "CredentialsRefused", "BillingAnomaly", "BillingDataMissing"]
    assert [one.name for one in alerts] == names
    assert alerts[3].labels["customer"] == "customer-01"
    assert len({one.fingerprint for one in alerts}) == 5


def test_the_rules_for_prometheus_say_the_same():
    """Each alert that a service sends is a rule, with its severity and its runbook."""
    document = yaml.safe_load((ROOT / "target" / "alerts" / "rules.yml").read_text(encoding="utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    told = {
        (rule["alert"], rule["labels"].get("service"), rule["labels"]["severity"], rule["annotations"]["runbook_url"])
        for rule in rules
    }
    breakers = [Breaker("payments"), Breaker("shipping")]
    for one in breakers:
        for _ in range(5):
            with pytest.raises(Unavailable), one.guard():
                raise Unavailable("away")
    findings = [Finding(kind, "2026-03", "", "") for kind in ("above", "unit", "missing")]
    troubles = dict.fromkeys(Trouble, 5.0)
    alerts = [
        *api_wrong(breakers, Depth(21, 0), Counted(requests=100, errors=6, charges=10, retries=25)),
        *etl_wrong(True, [], 1, findings, 0),
        *backup_wrong(["the dump failed"], 61, True, "never"),
        *(one for service in ("api", "etl") for one in database_wrong(service, troubles)),
    ]
    for alert in alerts:
        assert (alert.name, alert.service, alert.severity, f"{RUNBOOKS}/{alert.runbook}.md") in told
    only_told_elsewhere = 3  # that the database (of api, of etl) or a service is away
    assert len(rules) == len(alerts) + only_told_elsewhere == 22

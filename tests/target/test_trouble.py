"""What went wrong by what was counted: the limits, and the seconds after which it is forgotten."""

from __future__ import annotations

from collections import Counter

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from target.alerts.database import wrong as database_wrong
from target.alerts.recent import Recent
from target.api.alerting import Counted
from target.api.alerting import wrong as api_wrong
from target.api.metrics import Metrics
from target.api.outbox import Depth
from target.trouble import UNREACHABLE, Trouble, Troubles, trouble_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.InvalidPasswordError("28P01"), Trouble.CREDENTIALS),
        (asyncpg.InvalidAuthorizationSpecificationError("28000"), Trouble.CREDENTIALS),
        (asyncpg.InvalidCatalogNameError("3D000"), Trouble.CREDENTIALS),
        (asyncpg.DiskFullError("53100"), Trouble.DISK),
        (asyncpg.TooManyConnectionsError("53300"), Trouble.SATURATED),
        (asyncpg.LockNotAvailableError("55P03"), Trouble.SATURATED),
        (asyncpg.QueryCanceledError("57014"), Trouble.SATURATED),
        (asyncpg.CannotConnectNowError("57P03"), Trouble.AWAY),
        (asyncpg.AdminShutdownError("57P01"), Trouble.AWAY),
        (asyncpg.OutOfMemoryError("53200"), Trouble.AWAY),
        (ConnectionRefusedError(), Trouble.AWAY),
    ],
)
def test_a_trouble_is_of_what_the_database_said(error: Exception, kind: Trouble):
    """Whatever it said to others; and each is answered for with 503."""
    assert {trouble_of(error, answers=answers) for answers in (True, False)} == {kind}
    assert isinstance(error, UNREACHABLE)


def test_silence_is_of_a_full_pool_where_others_are_answered():
    """Else the database is away."""
    assert trouble_of(TimeoutError(), answers=True) is Trouble.SATURATED
    assert trouble_of(TimeoutError(), answers=False) is Trouble.AWAY


def test_each_trouble_is_a_series_before_it_happens():
    """increase() says nothing of a series that begins at one."""
    registry = CollectorRegistry()
    metrics = Metrics()
    registry.register(Troubles("db_troubles", Counter()))
    assert [registry.get_sample_value("db_troubles_total", {"kind": kind}) for kind in Trouble] == [0] * len(Trouble)
    for service in ("payments", "shipping"):
        assert metrics.registry.get_sample_value("shop_credentials_refused_total", {"service": service}) == 0


@pytest.mark.parametrize(
    ("gained", "names"),
    [
        ({Trouble.AWAY: 100, Trouble.SATURATED: 4, Trouble.CREDENTIALS: 0, Trouble.DISK: 0}, []),
        ({Trouble.SATURATED: 5}, ["DatabaseSaturated"]),
        ({Trouble.CREDENTIALS: 1}, ["CredentialsRefused"]),
        ({Trouble.DISK: 1}, ["DatabaseDiskFull"]),
    ],
)
def test_a_service_tells_of_what_its_database_did_not_do(gained: dict[str, float], names: list[str]):
    """One refusal is enough where time mends nothing; to wait too long happens, and is told from five times on."""
    assert [one.name for one in database_wrong("api", gained)] == names


@pytest.mark.parametrize(
    ("counted", "names"),
    [
        (Counted(), []),
        (Counted(requests=4, errors=4), []),
        (Counted(requests=100, errors=5), []),
        (Counted(requests=99, errors=5), ["ServerErrors"]),
        (Counted(charges=100, retries=60), []),
        (Counted(charges=100, retries=61), ["RetryStorm"]),
        (Counted(retries=20), []),
        (Counted(credentials_refused=1), ["CredentialsRefused"]),
    ],
)
def test_the_api_tells_of_errors_of_retries_and_of_refusals(counted: Counted, names: list[str]):
    """Above the limit, and not at it."""
    assert [one.name for one in api_wrong([], Depth(), counted)] == names


def test_a_refusal_of_503_is_no_error():
    """Its cause has an alert of its own."""
    metrics = Metrics()
    for status, times in ((200, 3), (404, 2), (500, 1), (503, 4)):
        metrics.requests.labels("/catalogue", status).inc(times)
    totals = metrics.totals()
    assert (totals["requests"], totals["errors"]) == (10, 1)
    assert Counted(**totals) == Counted(requests=10, errors=1)


def test_what_was_counted_is_forgotten_after_ten_seconds():
    """And what came before the first look is seen by it."""
    now = 100.0
    recent = Recent(lambda: now)
    seen = []
    for total in (3, 3, *(5 for _ in range(12))):
        now += 1
        seen.append(recent.gained({"errors": total})["errors"])
    assert seen == [3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 2, 2, 0, 0]

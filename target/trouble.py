"""Why the database did not do what was asked, by what it said: silence and refusals need other cures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import asyncpg
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was lost in the middle of its own beginnings
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
)
"""What the driver raises when the database is away, full, locked or too slow, or does not let us in."""


class Trouble(StrEnum):
    AWAY = "away"
    SATURATED = "saturated"
    """It answers, and had no connection, no lock or no time for this."""
    CREDENTIALS = "credentials"
    DISK = "disk"


OF_ERRORS = {
    asyncpg.TooManyConnectionsError: Trouble.SATURATED,
    asyncpg.LockNotAvailableError: Trouble.SATURATED,
    asyncpg.QueryCanceledError: Trouble.SATURATED,
    asyncpg.InvalidAuthorizationSpecificationError: Trouble.CREDENTIALS,  # SQLSTATE 28: a wrong password, no such role
    asyncpg.InvalidCatalogNameError: Trouble.CREDENTIALS,  # and 3D: no such database
    asyncpg.DiskFullError: Trouble.DISK,
}


def trouble_of(error: BaseException, *, answers: bool) -> Trouble:
    """`answers`: whether the database answered anybody while this one waited."""
    if isinstance(error, TimeoutError):
        return Trouble.SATURATED if answers else Trouble.AWAY
    return next((kind for type_, kind in OF_ERRORS.items() if isinstance(error, type_)), Trouble.AWAY)


class Troubles(Collector):
    """A counter, with a series for each kind from the start: increase() does not see the first of a series."""

    def __init__(self, name: str, counts: Counter[str]) -> None:
        self._name, self._counts = name, counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, "What the database did not do, by the reason", labels=["kind"])
        for kind in Trouble:
            family.add_metric([kind], self._counts[kind])
        yield family

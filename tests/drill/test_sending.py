"""Whether a drill's load was sent as it was asked for, by readings that are built by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.drill.sending import why_limited

CALM = {"cpu_cores": 0.2, "lag_p99_ms": 15.0, "dropped": 0.0}


def _readings(seconds, **changed):
    """One of each kind a second, `changed` after the tenth: the disaster."""
    rows = [
        (float(at), "generator", metric, (changed.get(metric, value) if at > 10 else value))
        for at in range(seconds)
        for metric, value in CALM.items()
    ]
    return pd.DataFrame(rows, columns=["at_s", "subject", "metric", "value"])


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        (_readings(40), ""),
        (_readings(40, dropped=20.0), ""),  # during the outage every user waits
        (_readings(40, lag_p99_ms=90.0), ""),
        (_readings(40, lag_p99_ms=900.0), "arrivals started 900 ms late or more"),
        (_readings(40, cpu_cores=0.99), "it used 0.99 of its one core"),
        (_readings(0), "it was not heard"),
    ],
)
def test_a_load_that_could_not_be_sent_is_told_why(readings, says):
    """By what it used, and by how late it was; what was dropped under the disaster is the stack's doing."""
    found = why_limited(readings, 10.0)
    assert says in found
    assert bool(says) == bool(found)


def test_arrivals_that_were_dropped_before_the_disaster_are_the_loads():
    """There were too few users."""
    assert "raise users_max" in why_limited(_readings(40, dropped=20.0), 20.0)

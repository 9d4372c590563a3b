"""Whether the load process sent what a drill's load asks for: what came of less load says less of the recovery. Pure.

A drill counts by the second, and by words, not by milliseconds: the bounds are wider than those of a scenario's checks
(checks/trust.py). Arrivals that were dropped during the outage are the stack's doing, and told by what was served.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.analysis.quantiles import quantile
from harness.checks.trust import CPU_CORES_MAX, LAG_FEW_MS_MAX


def why_limited(resources: pd.DataFrame, disaster_s: float) -> str:
    """Why the load is not to be trusted, "" where it is. `resources` as history.read_resources gives them."""
    mine = resources[(resources["subject"] == "generator") & (resources["at_s"] >= 0)]

    def of(metric: str, until_s: float = float("inf")) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        found = mine[(mine["metric"] == metric) & (mine["at_s"] <= until_s)]
        return found["value"].to_numpy(dtype=np.float64)

    cpu, lag_ms = of("cpu_cores"), of("lag_p99_ms")
    if not len(cpu) or not len(lag_ms):
        return "nothing is known of the load process: it was not heard"
    if (used := quantile(cpu, 0.9)) > CPU_CORES_MAX:
        return f"it used {used:.2f} of its one core (at most {CPU_CORES_MAX:g}); lower the rate"
    if (late_ms := quantile(lag_ms, 0.9)) > LAG_FEW_MS_MAX:
        return (
            f"in a tenth of the seconds arrivals started {late_ms:,.0f} ms late or more (at most {LAG_FEW_MS_MAX:g} "
            "ms): the machine is busy with something else, or the rate is too much for it"
        )
    if dropped := of("dropped", disaster_s).sum():
        return f"{dropped:,.0f} arrivals were dropped before the disaster: raise users_max"
    return ""

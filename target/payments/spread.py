"""How long the provider takes: log-normal, as such services are measured to be."""

from __future__ import annotations

import math
import random

MEDIAN_S = 0.025
P99_S = 0.120
Z99 = 2.3263
"""The 99th percentile of the standard normal distribution."""


class ServiceTimes:
    """Draws service times with that median and that 99th percentile."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._mu = math.log(MEDIAN_S)
        self._sigma = math.log(P99_S / MEDIAN_S) / Z99

    def draw_s(self) -> float:
        return self._source.lognormvariate(self._mu, self._sigma)

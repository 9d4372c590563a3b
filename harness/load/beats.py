"""The load process's account of itself, taken each second: how late it was, what it dropped, what it used."""

from __future__ import annotations

import os
import time

from harness.load.drivers import Driver
from harness.load.recorder import Recorder
from harness.order import Beat

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Beats:
    def __init__(self, recorder: Recorder, driver: Driver, zero_ns: int) -> None:
        self._recorder, self._driver, self._zero_ns = recorder, driver, zero_ns
        self._counts = dict(recorder.counts)
        self._arrivals = self._dropped = 0
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def take(self) -> Beat:
        """The beat of the time since the last one."""
        recorder, driver = self._recorder, self._driver
        counts, recorder_ms, recorder.recent_ms = dict(recorder.counts), sorted(recorder.recent_ms), []
        late_ms = sorted(driver.take_lateness())
        arrivals, dropped = driver.arrivals, driver.dropped
        wall, cpu = time.monotonic(), time.process_time()
        beat = Beat(
            at_ns=time.monotonic_ns() - self._zero_ns,
            arrivals=arrivals - self._arrivals,
            dropped=dropped - self._dropped,
            lag_p99_ms=_quantile(late_ms, 0.99),
            users_busy=driver.busy,
            cpu_cores=(cpu - self._cpu) / max(wall - self._wall, 1e-3),
            memory_bytes=_resident_bytes(),
            ok=counts["ok"] - self._counts["ok"],
            fail=counts["fail"] - self._counts["fail"],
            unknown=counts["unknown"] - self._counts["unknown"],
            p50_ms=_quantile(recorder_ms, 0.5),
            p99_ms=_quantile(recorder_ms, 0.99),
        )
        self._counts, self._arrivals, self._dropped = counts, arrivals, dropped
        self._wall, self._cpu = wall, cpu
        return beat


def _quantile(rising: list[float], q: float) -> float:
    """Nearest rank; 0 where there is nothing."""
    return round(rising[min(len(rising) - 1, int(q * len(rising)))], 3) if rising else 0.0


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * PAGE_BYTES

"""Hand-built matrices: two weaknesses, two scenarios, and what checks said of them."""

from __future__ import annotations

from harness.checks.availability import Availability
from harness.checks.latency import LatencyBelow
from harness.checks.recovers import Recovers
from harness.faults.noop import Noop
from harness.model import Load, Scenario, during
from harness.record import Word
from harness.weaknesses.plan import Trial, trials
from harness.weaknesses.record import Done, Said
from harness.weaknesses.spec import read

TOML = """
variable = "WEAKNESS"
calm_runs = 5

[weaknesses.slow]
scenarios = ["late"]
checks = ["LatencyBelow"]

[weaknesses.fragile]
scenarios = ["late", "gone"]
checks = ["Availability", "Recovers"]
variables = {DAY_S = "2"}

[left_out]
greedy = "no check | of ours"
"""
LATE = Scenario(
    hypothesis="x",
    load=Load("shop.py", rate_per_s=20),
    faults=during(2, 4, Noop("web-db")),
    checks=(LatencyBelow(100), Availability(ok_ratio_min=0.99), LatencyBelow(50, endpoint="GET /")),
    recovery_s=4,
    seed=7,
)
GONE = Scenario(
    hypothesis="x",
    load=Load("shop.py", rate_per_s=20),
    faults=during(2, 4, Noop("web-db")),
    checks=(Availability(ok_ratio_min=0.99), Recovers(within_s=2)),
    recovery_s=12,
)
SCENARIOS = {"late": LATE, "gone": GONE}
PASS, FAIL, UNKNOWN = Word.PASS, Word.FAIL, Word.UNKNOWN


def write(folder, text=TOML):
    """weaknesses.toml in a folder, beside its scenarios; its path."""
    (folder / "scenarios").mkdir(exist_ok=True)
    for name in SCENARIOS:
        (folder / "scenarios" / f"{name}.py").touch()
    path = folder / "weaknesses.toml"
    path.write_text(text, encoding="utf-8")
    return path


def planned(folder, **more) -> tuple[Trial, ...]:
    return trials(read(write(folder)), SCENARIOS, **more)


def done(trial: Trial, *words: Word, doubt: str = "") -> Done:
    """What came of a trial whose scenario's checks said these words, in their order; of all others they pass."""
    checks = SCENARIOS[trial.scenario].checks
    given = [*words, *([PASS] * (len(checks) - len(words)))]
    said = tuple(
        Said(type(check).__name__, word, f"{type(check).__name__} says {word}.")
        for check, word in zip(checks, given, strict=True)
    )
    return Done(trial.key, "now", said, doubt, f"{trial.scenario}/1", 20.0)


def digests(planned):
    return {one.key: "now" for one in planned}

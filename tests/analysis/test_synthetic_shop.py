"""The whole of the analysis against a shop whose truth is known: a bad day, a calm one, and each planted bottleneck."""

from __future__ import annotations

import pytest

from harness.analysis.figures import figures
from harness.analysis.findings import findings
from harness.analysis.readings import Topology
from harness.analysis.round_trips import count
from harness.analysis.series import series, usage
from harness.history import read
from harness.record import Finding
from tests.builders import run_folder, window
from tests.synthetic_shop import LINKS, SERVICES, synthetic_shop

TOPOLOGY = Topology(dict(LINKS), SERVICES, cpus=2)
CALM = {"windows": (), "end_s": 30.0}


def _found(seed: int = 1, **planted: object) -> tuple[Finding, ...]:
    return findings(synthetic_shop(seed, **planted), TOPOLOGY)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_a_calm_day_has_no_finding(seed):
    """Nothing is made up of noise, whatever the seed."""
    assert _found(seed, **CALM) == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_day_of_a_sound_shop_blames_the_links_alone(seed):
    """Faults that a sound shop meets are told as what they cost, with no pool, loop or processor to blame."""
    assert sorted(one.kind for one in _found(seed)) == ["hard dependency", "slow link", "slow link"]


@pytest.mark.parametrize("end_s", [30.0, 63.0])
def test_the_regression_reads_the_planted_queries(end_s):
    """21 queries a catalogue, 2 an order and 4 a checkout are read within three standard errors and within one."""
    read_back = count(synthetic_shop(1, windows=(), end_s=end_s, queries_catalogue=21), "api-postgres")
    planted = {"GET /catalogue": 21, "GET /orders/{id}": 2, "POST /checkout": 4}
    for one in read_back:
        assert abs(one.per_request - planted[one.endpoint]) < max(1.0, 3 * one.error)


def test_a_planted_loop_is_named_on_a_calm_day():
    """An N+1 needs no fault to be seen."""
    (found,) = _found(**CALM, queries_catalogue=21)
    assert found.kind == "round trips"
    assert found.evidence["endpoint"] == "GET /catalogue"


@pytest.mark.parametrize("connections", [1, 2])
def test_a_planted_pool_is_named_in_the_window_that_shows_it(connections):
    """Few connections limit the shop while the database is slow, and that is the first finding."""
    first = _found(pool=connections)[0]
    assert (first.kind, first.subject) == ("pool", "api-postgres")
    assert first.evidence["connections"] == connections
    assert first.evidence["phase"] == "database slow"


def test_a_slow_service_that_clients_gave_up_on_is_no_hard_dependency():
    """Only a service that was gone proves that nothing goes on without it."""
    found = {one.evidence["window"]: one for one in _found(pool=1) if "window" in one.evidence}
    assert found["database slow"].kind == "slow link"
    assert "mostly failed while database slow was in" in found["database slow"].sentence
    assert found["database gone"].kind == "hard dependency"


def test_a_busy_processor_is_named():
    """A service at 0.97 cores is as fast as its processor lets it."""
    assert [(one.kind, one.subject) for one in _found(**CALM, api_cores=0.97)] == [("processor", "api")]


def test_findings_are_ranked_by_their_share():
    """What limited the run most comes first."""
    shares = [one.share for one in _found(queries_catalogue=21)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)


def test_a_run_folder_gives_the_same_history_again(tmp_path):
    """What is written of a run is all that the analysis needs: read back, it gives the same figures and findings."""
    made = synthetic_shop(1)
    kept = read(run_folder(tmp_path / "run", made))
    assert (kept.phases, kept.windows) == (made.phases, made.windows)
    assert figures(kept, (), ()).rows == figures(made, (), ()).rows
    assert findings(kept, TOPOLOGY) == findings(made, TOPOLOGY)


def test_figures_add_up():
    """The endpoints of a phase are all of it, and its outcomes are all of its requests."""
    shown = figures(synthetic_shop(1, dropped_per_s=2), (), ())
    for phase in ("run", "baseline", "payments slow", "database gone", "recovery"):
        rows = [row for row in shown.rows if row.phase == phase and row.endpoint != "all"]
        whole = shown.row(phase)
        assert whole is not None
        assert whole.count == sum(row.count for row in rows)
        assert whole.count == whole.ok + whole.fail + whole.unknown
    assert shown.dropped == 2 * 63


def test_series_count_every_request_once():
    """Rates by outcome and cells of the heatmap each hold all requests of the run."""
    made = synthetic_shop(1)
    over = series(made)
    assert sum(rate.sum() for rate in over.rates.values()) * over.width_s == pytest.approx(len(made.samples))
    assert over.heat.sum() == len(made.samples)
    assert over.rates["fail"][42:48].min() > 55
    assert over.rates["fail"][:42].sum() == 0


def test_a_long_run_is_cut_into_few_bins():
    """Half an hour is drawn in at most 600 bins, and none of its requests is lost."""
    over = series(synthetic_shop(1, windows=(), end_s=1800.0, rate_per_s=2.0))
    assert len(over.start_s) <= 600
    assert over.heat.sum() == 3600


def test_usage_gives_each_subject_its_readings():
    """Every service and the generator has its processor, in order of time."""
    found = usage(synthetic_shop(1, windows=(window("slow", 12, 22),)), "cpu_cores")
    assert [one.subject for one in found] == sorted([*SERVICES, "generator"])
    assert all((one.at_s[1:] >= one.at_s[:-1]).all() for one in found)

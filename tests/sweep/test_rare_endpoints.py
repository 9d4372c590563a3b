"""An endpoint that few ask for is not passed over: what is clear of few is said, and what is not is not called well."""

from __future__ import annotations

import pytest

from harness.sweep.cells import Harm, exit_code
from harness.sweep.noise import SURE, chance, loss
from harness.sweep.scenario_file import scenario_files
from harness.sweep.sentences import Group, sentences
from harness.sweep.words import in_numbers, word
from tests.sweep.planted import Behaviour, Planted, link, planted, refused, slower

RARE = "POST /checkout"
FAULT = "outage web-mail {}"


def _rare(share: float, behaviour: Behaviour | None, **more: object) -> Planted:
    """20 requests a second, of which that share are rare ones."""
    endpoints = {"GET /catalogue": 0.7 - share, "GET /reviews": 0.3, RARE: share}
    plant = link("web-mail", "outage", {RARE: behaviour} if behaviour else {}, window_s=12.0)
    return planted([plant], rate_per_s=20, endpoints=endpoints, **more)  # type: ignore[arg-type]


def _said(made: Planted) -> dict[Group, str]:
    return {one.group: one.text for one in sentences(made.matrix)}


@pytest.mark.parametrize("seed", range(4))
def test_an_endpoint_of_which_none_of_few_is_served_is_down(seed):
    """7 % of the traffic, 10 to 18 requests: all of it is lost, and the build fails for it."""
    made = _rare(0.07, refused(), seed=seed)
    cell = made.only()
    (rare,) = (one for one in cell.effects if one.endpoint == RARE)
    assert (rare.requests < 20, cell.harm, cell.down, cell.bad) == (True, Harm.DOWN, (RARE,), True)
    assert exit_code(made.matrix, Harm.DOWN) == 1
    assert word(cell) == "1 of 3 down"
    (text,) = scenario_files(made.matrix).values()
    assert f'endpoint="{RARE}"' in text


def test_an_endpoint_of_few_that_is_all_late_is_slower():
    """Two seconds later, every one of them: that is no chance."""
    cell = _rare(0.07, slower(2000)).only()
    assert (cell.harm, cell.bad) == (Harm.SLOWER, True)
    assert cell.worst is not None
    assert cell.worst.endpoint == RARE


def test_what_is_bad_and_not_sure_of_few_makes_the_cell_unknown():
    """None of four was served where four were: too few to call it down, and no reason to call it unharmed."""
    made = _rare(0.015, refused())
    cell = made.only()
    (rare,) = (one for one in cell.effects if one.endpoint == RARE)
    assert 0 < rare.requests < 8
    assert (cell.harm, word(cell), exit_code(made.matrix, Harm.SLOWER)) == (Harm.UNKNOWN, "?", 4)
    assert cell.reason == f"too few requests to {RARE} to tell, and not all were served in time"


def test_few_that_fare_well_are_told_and_spoil_no_cell():
    """The rest is unharmed; that nothing is said of the rare one is."""
    made = _rare(0.07, None)
    cell = made.only()
    assert (cell.harm, cell.untold, exit_code(made.matrix, Harm.SLOWER)) == (Harm.UNHARMED, (RARE,), 0)
    assert _said(made)[Group.UNKNOWN] == (
        f"Too few requests to {RARE} to tell, and a higher --rate tells: outage of web-mail."
    )
    assert f"too few requests to {RARE} to tell" in in_numbers(cell)


def test_what_is_bad_elsewhere_is_not_hidden_by_few():
    """A doubt about one endpoint makes nothing unknown that is known to be bad."""
    endpoints = {"GET /catalogue": 0.685, "GET /reviews": 0.3, RARE: 0.015}
    plant = link("web-mail", "latency", {"GET /reviews": slower(2000), RARE: refused()}, delay_ms=2000, window_s=12.0)
    cell = planted([plant], rate_per_s=20, endpoints=endpoints).only()
    assert (cell.harm, cell.bad) == (Harm.SLOWER, True)


def test_others_that_too_few_ask_for_are_not_said_not_to_notice():
    """Nor is all said to be down where a rare one was served."""
    endpoints = {"GET /catalogue": 0.95, RARE: 0.05}
    made = planted([link("web-db", "outage", {"GET /catalogue": refused()})], rate_per_s=20, endpoints=endpoints)
    assert word(made.only()) == "1 of 2 down"
    assert _said(made)[Group.HARD] == (
        "GET /catalogue cannot live without db: with web-db cut 0 % of its requests were served."
    )


def test_a_stack_that_fails_a_little_is_not_unknown_for_its_rare_endpoints():
    """One in fifty fails at all times, a tenth of the requests are to rare endpoints: hardly a cell is in doubt."""
    endpoints = {"GET /catalogue": 0.9} | {f"GET /rare/{index}": 0.02 for index in range(5)}
    found = []
    for seed in range(10):
        plants = [link("web-db", f"nothing {index}") for index in range(10)]
        made = planted(plants, rate_per_s=20, seed=seed, endpoints=endpoints, fails=lambda _: 0.02)
        found += [cell.harm for cell in made.matrix.cells]
    assert found.count(Harm.UNHARMED) >= 90


def test_the_exact_test_is_the_known_one():
    """Fisher's tea, and a loss that scores would be sure of and chance may make."""
    assert chance(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert chance(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert chance(10, 10, 10, 10) == 1.0
    assert loss(200, 200, 0, 2).low == 0.0 < SURE
    assert loss(17, 17, 0, 18).low > 0
    assert loss(17, 17, 17, 18).low <= 0

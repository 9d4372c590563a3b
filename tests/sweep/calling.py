"""What crosses the links of a small stack in one run of a sweep: the load asks web, web asks api, api asks payments.

called([*calls(20, 0, 10), *tried(20, 10, 22, 3)])
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.record import History, Mark, PlannedWindow
from harness.sweep.fact_finding import link_facts
from harness.sweep.facts import LinkFacts, WindowFact
from tests.attempts import LINK, OK, REFUSED, Answer, Row, attempt, attempts
from tests.builders import Sample, history, steady, window

LINKS = {"web-api": ("web", "api"), LINK: ("api", "payments")}
FAULT = (12.0, 24.0)
END_S = 30.0
RATE = 20.0
CUT = window("outage", *FAULT, LINK, cuts=True)


def bare(start_s: float, end_s: float, answer: Answer = OK, tries: int = 1, **more: object) -> list[Row]:
    """Calls that bear nothing to be told apart by, at the load's rate, each tried so often, 50 ms apart."""
    alike = {"method": "GET", "path": "/prices", "request_bytes": 0, "request_hash": 7, **more}
    starts = [start_s + n / RATE for n in range(round((end_s - start_s) * RATE))]
    return [attempt(at_s + 0.05 * number, answer, **alike) for at_s in starts for number in range(tries)]


def through(answer: Answer = REFUSED, tries: int = 1, **more: object) -> list[Row]:
    """Well, then with that answer while the fault is in, then well again."""
    return [*bare(0, FAULT[0], **more), *bare(*FAULT, answer, tries, **more), *bare(FAULT[1], END_S, **more)]


def called(
    rows: Sequence[Row],
    *,
    entry: str = "api",
    samples: Sequence[Sample] | None = None,
    windows: Sequence[PlannedWindow] = (CUT,),
    links: Mapping[str, tuple[str, str]] = LINKS,
    others: Mapping[str, int] | None = None,
    end_s: float = END_S,
) -> History:
    """The history; `others` are the connections that spoke something else, of each link with a tap."""
    told = dict.fromkeys(links, 0) if others is None else others
    marks = [Mark("tap", None, {"link": name, "http": 9, "others": count}) for name, count in told.items()]
    load = steady(RATE, 0, end_s) if samples is None else samples
    return history(load, windows, end_s=end_s, links=links, entry=entry, attempts=attempts(rows), marks=marks)


def facts(built: History, link: str = LINK) -> LinkFacts:
    return next(one for one in link_facts(built) if one.link == link)


def fact(built: History, link: str = LINK) -> WindowFact:
    """Of the one window that told something."""
    (found,) = facts(built, link).windows
    return found


def random_calls(seed: int, *, share: float = 0.5, failing: bool = True) -> tuple[list[Row], list[Sample]]:
    """Requests at random, a share of which make one call: it fails while the fault is in, or nothing ever does."""
    rng = random.Random(seed)
    rows: list[Row] = []
    samples: list[Sample] = []
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(RATE)) < END_S:
        samples.append(replace(steady(1, 0, 1)[0], at_s=at_s))
        if rng.random() < share:
            answer = REFUSED if failing and FAULT[0] <= at_s < FAULT[1] else OK
            rows.append(replace(bare(at_s, at_s + 1 / RATE, answer)[0]))
    return rows, samples

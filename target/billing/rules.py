"""What is wrong with the bills; pure.

Months are compared by the day, so that neither a month that goes on nor a short one says anything by its length; a
refund takes nothing from what was bought.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

TIMES = 2
"""More than this many times the month before is wrong; exactly as many is not."""

FLOOR_CENTS_A_DAY = 1_000
"""A smaller increase is nobody's business: from 5 euros to 11 is more than twice as much, too."""

UNIT_TIMES = 50
DAYS_MIN = 3
"""A month is judged from its third day on."""

GRACE = timedelta(days=2)
"""A day's batch may come as late as that."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Of a customer in a month: what was bought, and what is to be paid after refunds."""

    bought_cents: int
    net_cents: int


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is above, unit or missing. Without a customer it is about all of them."""

    kind: str
    month: str
    customer: str
    said: str


Bills = Mapping[str, Mapping[str, Bill]]
"""By month (2026-03) and customer."""


def judge(today: date, days: Collection[date], bills: Bills, weakness: Collection[str] = ()) -> list[Finding]:
    """What is wrong with the month that goes on, and with the one before. `days` are those whose batches are there."""
    found: list[Finding] = []
    this = f"{today:%Y-%m}"
    for month in (month_before(this), this):
        # planted weakness: what is not there cannot be wrong
        if "billing-ignores-missing" not in weakness:
            found += _missing(month, today, days, bills)
        found += _above(month, days, bills, weakness)
    return found


def month_before(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01') - timedelta(days=1):%Y-%m}"


def days_of(month: str, days: Iterable[date]) -> int:
    """How many of these days are in that month."""
    return sum(f"{day:%Y-%m}" == month for day in days)


def is_above(
    before_cents: int, before_days: int, now_cents: int, now_days: int, weakness: Collection[str] = ()
) -> bool:
    """Whether it is more than twice as much a day, and more by the floor. In whole numbers: 2.00 times is not more."""
    if "billing-month-length" in weakness:
        before_days = 30  # planted weakness: each month has thirty days
    now, before = now_cents * before_days, before_cents * now_days
    if now - before < FLOOR_CENTS_A_DAY * now_days * before_days:
        return False
    # planted weakness: twice as much is more than twice as much
    return now >= TIMES * before if "billing-threshold-off-by-one" in weakness else now > TIMES * before


def _missing(month: str, today: date, days: Collection[date], bills: Bills) -> list[Finding]:
    first = min(days, default=date.fromisoformat(f"{month}-01"))
    last_due = today - timedelta(days=1) - GRACE
    due = [day for day in _all_days(month) if first <= day <= last_due]
    missing = [day for day in due if day not in days]
    if missing:
        return [Finding("missing", month, "", f"{len(missing)} of {len(due)} days are missing, the first {missing[0]}")]
    if len(due) < DAYS_MIN:
        return []
    gone = sorted(set(bills.get(month_before(month), {})) - set(bills.get(month, {})))
    return [Finding("missing", month, one, f"nothing in {len(due)} days; there was something before") for one in gone]


def _above(month: str, days: Collection[date], bills: Bills, weakness: Collection[str]) -> list[Finding]:
    now_days, before_days = days_of(month, days), days_of(month_before(month), days)
    before = bills.get(month_before(month), {})
    if now_days < DAYS_MIN or before_days == 0:
        return []
    found = []
    for customer, bill in sorted(bills.get(month, {}).items()):
        if customer not in before:
            continue  # the first month of a customer is more than nothing
        then = before[customer].bought_cents
        if is_above(then, before_days, bill.bought_cents, now_days, weakness):
            times = bill.bought_cents * before_days / (then * now_days) if then else float("inf")
            kind = "unit" if UNIT_TIMES <= times < float("inf") else "above"
            found.append(Finding(kind, month, customer, f"{times:.2f} times the month before, by the day"))
    return found


def _all_days(month: str) -> list[date]:
    year, number = map(int, month.split("-"))
    return [date(year, number, day) for day in range(1, calendar.monthrange(year, number)[1] + 1)]

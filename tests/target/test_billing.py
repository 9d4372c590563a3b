"""The rules of billing: what is told, and what is not, each by a case."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from target.billing.rules import Bill, Finding, is_above, judge

A_DAY = 10_000
"""What everybody pays, in cents."""


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


class Books:
    """Two whole months, January and February, and of March what the test says; one customer, A_DAY each day."""

    def __init__(self, through: date = date(2026, 3, 10)) -> None:
        self.today = through + timedelta(days=1)
        self.days = set(_days(date(2026, 1, 1), through))
        self.bills: dict[str, dict[str, Bill]] = {}
        for month in ("2026-01", "2026-02", "2026-03"):
            self.pays("customer-01", month, 1)

    def pays(self, customer: str, month: str, times: float, refund: int = 0) -> Books:
        days = sum(f"{day:%Y-%m}" == month for day in self.days)
        bought = round(A_DAY * days * times)
        self.bills.setdefault(month, {})[customer] = Bill(bought, bought - refund)
        return self

    def without(self, first: date, last: date) -> Books:
        self.days -= set(_days(first, last))
        return self

    def found(self, *weakness: str) -> list[tuple[str, str, str]]:
        found: list[Finding] = judge(self.today, self.days, self.bills, weakness)
        return [(one.kind, one.month, one.customer) for one in found]


ABOVE = [("above", "2026-03", "customer-01")]


@pytest.mark.parametrize(
    ("times", "found"),
    [(1, []), (1.99, []), (2, []), (2.01, ABOVE), (49, ABOVE), (100, [("unit", "2026-03", "customer-01")]), (0, [])],
)
def test_more_than_twice_the_month_before_is_told(times: float, found: list[tuple[str, str, str]]):
    """Strictly more, a day for a day; a hundred times is a mistaken unit."""
    assert Books().pays("customer-01", "2026-03", times).found() == found


@pytest.mark.parametrize("through", [date(2026, 3, 3), date(2026, 3, 15), date(2026, 3, 31)])
@pytest.mark.parametrize(("times", "found"), [(1.99, []), (2.01, ABOVE)])
def test_a_month_that_goes_on_is_judged_by_its_days(through: date, times: float, found: list[tuple[str, str, str]]):
    """From the third on, and whole."""
    assert Books(through).pays("customer-01", "2026-03", times).found() == found


@pytest.mark.parametrize("through", [date(2026, 3, 1), date(2026, 3, 2)])
def test_two_days_are_no_month(through: date):
    """Whatever they hold."""
    assert Books(through).pays("customer-01", "2026-03", 30).found() == []


@pytest.mark.parametrize(
    ("before", "before_days", "now", "now_days", "above"),
    [
        (28 * A_DAY, 28, 31 * A_DAY * 2, 31, False),
        (28 * A_DAY, 28, 31 * A_DAY * 2 + 1, 31, True),
        (31 * A_DAY, 31, 28 * A_DAY * 2, 28, False),
        (31 * A_DAY, 31, 28 * A_DAY * 2 + 1, 28, True),
        (30 * A_DAY, 30, 1 * A_DAY * 2 + 1, 1, True),
    ],
)
def test_28_days_are_compared_with_31_to_the_cent(before: int, before_days: int, now: int, now_days: int, above: bool):
    """The length of a month is no increase."""
    assert is_above(before, before_days, now, now_days) is above


@pytest.mark.parametrize(
    ("before", "now", "above"),
    [(100, 900, False), (500, 1_499, False), (500, 1_500, True), (0, 999, False), (0, 1_000, True)],
)
def test_a_small_increase_is_nobodys_business(before: int, now: int, above: bool):
    """Ten euros a day is the floor, also where there was nothing before."""
    assert is_above(before, 1, now, 1) is above


def test_nothing_before_and_much_now_is_told():
    """A customer who bought nothing in the month before is not new."""
    books = Books().pays("customer-01", "2026-02", 0)
    assert ("above", "2026-03", "customer-01") in books.found()


def test_the_first_month_of_a_customer_is_not_told():
    """Nor the first month of all."""
    assert Books().pays("customer-02", "2026-03", 50).found() == []
    first = Books(date(2026, 1, 20)).pays("customer-01", "2026-01", 50)
    assert first.found() == []


@pytest.mark.parametrize("month", ["2026-02", "2026-03"])
def test_a_refund_changes_nothing(month: str):
    """Neither does one before raise an alert, nor one now hide what was bought."""
    assert Books().pays("customer-01", month, 1, refund=200_000).found() == []
    books = Books().pays("customer-01", "2026-03", 2.01, refund=90_000)
    assert books.found() == ABOVE


def test_the_month_that_has_ended_is_still_judged():
    """Its bill is about to be sent."""
    books = Books(date(2026, 3, 1)).pays("customer-01", "2026-02", 3)
    assert books.found() == [("above", "2026-02", "customer-01")]


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2026, 3, 5), date(2026, 3, 5), ["2026-03"]),
        (date(2026, 3, 1), date(2026, 3, 10), ["2026-03"]),
        (date(2026, 2, 1), date(2026, 2, 28), ["2026-02"]),
        (date(2026, 2, 20), date(2026, 3, 10), ["2026-02", "2026-03"]),
        (date(2026, 3, 9), date(2026, 3, 10), []),
    ],
)
def test_missing_days_are_told(first: date, last: date, months: list[str]):
    """Each month of them once; the last two days may still come."""
    found = Books().without(first, last).found()
    assert [one for one in found if one[0] == "missing"] == [("missing", month, "") for month in months]


def test_a_customer_who_is_gone_is_told():
    """All days are there, and nothing of him in them."""
    books = Books().pays("customer-02", "2026-02", 1)
    assert books.found() == [("missing", "2026-03", "customer-02")]


def test_no_data_at_all_is_told():
    """And not passed over in silence."""
    assert {one.kind for one in judge(date(2026, 3, 10), set(), {})} == {"missing"}


def test_ignored_days_are_not_told():
    """The planted weakness billing-ignores-missing."""
    books = Books().without(date(2026, 3, 1), date(2026, 3, 10))
    assert books.found("billing-ignores-missing") == []


def test_twice_as_much_is_told():
    """The planted weakness billing-threshold-off-by-one."""
    assert Books().pays("customer-01", "2026-03", 2).found("billing-threshold-off-by-one") == ABOVE


def test_a_february_of_thirty_days_is_told():
    """The planted weakness billing-month-length: 1.9 times a day looks like 2.04 times."""
    assert Books().pays("customer-01", "2026-03", 1.9).found("billing-month-length") == ABOVE
    assert Books().pays("customer-01", "2026-03", 1).found("billing-month-length") == []

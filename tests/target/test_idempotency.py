"""What an Idempotency-Key promises: one key, one basket, one order, one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.target.running import Api, Provider

pytestmark = pytest.mark.integration

AT_ONCE = 8


def test_the_same_basket_is_answered_as_it_was(api: Api, provider: Provider):
    """The stored answer, without another charge and without more of the stock."""
    before = api.stock()
    first = api.buy("again")
    again = api.buy("again")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert len(provider.asked) == 1
    assert api.stock() == before - 1


@pytest.mark.parametrize("other", [{"product_id": 2}, {"quantity": 2}, {"customer": "another"}, {"product_id": 21}])
def test_another_basket_is_refused(api: Api, provider: Provider, other: dict[str, object]):
    """422 that says why; nothing is charged, nothing leaves the stock, and the first basket keeps its answer."""
    key = f"other-{other}"
    first = api.buy(key)
    before = api.stock(1), api.stock(2)
    answer = api.buy(key, **other)
    assert answer.status_code == 422, answer.text
    assert "Idempotency-Key was used for another basket" in answer.json()["error"]
    assert (api.stock(1), api.stock(2)) == before
    assert len(provider.asked) == 1
    assert api.buy(key).content == first.content


def test_another_basket_is_refused_while_the_first_waits(api: Api, provider: Provider):
    """An order that is not settled holds its key too."""
    provider.says(503)
    assert api.buy("waiting").status_code == 202
    assert api.buy("waiting", quantity=3).status_code == 422
    assert len(set(provider.asked)) == 1


def test_one_basket_asked_for_many_times_at_once_is_one_order(api: Api):
    """All are answered the same, and the stock is less by one."""
    before = api.stock()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: api.buy("at-once"), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert api.stock() == before - 1


def test_of_many_baskets_at_once_one_has_the_key(api: Api):
    """Whichever was first: it is bought, the others are refused, and only its stock is less."""
    before = [api.stock(number) for number in range(1, AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda number: api.buy("mixed", product_id=number), range(1, AT_ONCE + 1)))
    after = [api.stock(number) for number in range(1, AT_ONCE + 1)]
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * (AT_ONCE - 1)
    assert [was - now for was, now in zip(before, after, strict=True)] == [
        int(answer.status_code == 201) for answer in answers
    ]


def test_without_a_key_each_basket_is_an_order(api: Api):
    """Nobody said that they are the same."""
    assert api.buy().json()["order_id"] != api.buy().json()["order_id"]

"""What the shop refuses: ids that no row can have, text that no column can hold, bodies that are none."""

from __future__ import annotations

import pytest

from tests.target.running import Api

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("order_id", [-(2**63) - 1, -1, 0, 2**63 - 1, 2**63, 10**40])
def test_an_order_that_cannot_exist_is_not_found(api: Api, order_id: int):
    """404, also beyond what the column holds."""
    answer = api.order(order_id)
    assert answer.status_code == 404, answer.text
    assert answer.json() == {"error": f"no order {order_id}"}


@pytest.mark.parametrize("order_id", ["one", "1.5", "%00", "9" * 5_000])
def test_what_is_no_number_is_refused(api: Api, order_id: str):
    """422, and the answer names the field."""
    answer = api.order(order_id)
    assert answer.status_code == 422, answer.text
    assert "path.order_id" in answer.json()["error"]


@pytest.mark.parametrize("field", ["product_id", "quantity"])
@pytest.mark.parametrize("number", [-(2**63) - 1, -1, 0, 2**31, 2**63, 10**40, float("inf"), float("nan"), None])
def test_a_number_beyond_its_column_is_refused(api: Api, field: str, number: float | None):
    """422, also for what JSON has no word for and Python's parser takes."""
    answer = api.client.post(
        "/checkout",
        content=f'{{"product_id": 1, "customer": "a", "{field}": {_json(number)}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert f"body.{field}" in answer.json()["error"]


def _json(number: float | None) -> str:
    return {"inf": "Infinity", "nan": "NaN", "None": "null"}.get(str(number), str(number))


@pytest.mark.parametrize("escaped", ["", r"\u0000", r"a\u0000b", r"\ud800", "a" * 201])
def test_a_customer_that_is_no_text_is_refused(api: Api, escaped: str):
    """NUL, which PostgreSQL's text cannot hold, half a surrogate pair, which UTF-8 cannot; nothing, and too much."""
    answer = api.client.post(
        "/checkout",
        content=f'{{"product_id": 1, "customer": "{escaped}"}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert "body.customer" in answer.json()["error"]


@pytest.mark.parametrize("customer", ["a", "two\nlines", "Ω😀'\";--", "a" * 200])
def test_any_other_customer_buys(api: Api, customer: str):
    """What is refused is no more than what cannot be kept."""
    assert api.buy(customer=customer).status_code == 201


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"product_id":' + b"9" * 5_000 + b"}"]
)
def test_a_body_that_is_no_basket_is_refused(api: Api, body: bytes):
    """Never 500."""
    answer = api.client.post("/checkout", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


def test_a_product_that_is_not_sold_is_out_of_stock(api: Api):
    """409, as for one of which there is not enough."""
    assert api.buy(product_id=2**31 - 1).status_code == 409

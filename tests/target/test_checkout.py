"""A checkout's end, by what the payments provider answers: paid, failed, or not known yet."""

from __future__ import annotations

import pytest

from tests.target.running import Api, Provider

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b"{}"),
        (200, b'{"charge_id": null}'),
        (201, b'{"charge_id": ""}'),
        (201, rb'{"charge_id": "ch\u0000"}'),
        (201, b"[]"),
        (201, b"charged!"),
        (200, b"\xff"),
        (204, b""),
        (302, b'{"charge_id": "ch_1"}'),
        (404, b'{"charge_id": "ch_1"}'),
    ],
)
def test_a_bad_answer_of_the_provider_is_told_as_one(api: Api, provider: Provider, status: int, body: bytes):
    """502. Nobody knows whether it charged, so the order waits, and the same key settles it."""
    key = f"bad-{status}-{body!r}"
    provider.says(status, body)
    answer = api.buy(key)
    assert answer.status_code == 502, answer.text
    assert "bad answer" in answer.json()["error"]
    provider.charges()
    assert api.buy(key).json()["status"] == "paid"
    assert len(set(provider.asked)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_that_is_in_trouble_is_away(api: Api, provider: Provider, status: int):
    """503, and a time to come back."""
    provider.says(status)
    answer = api.buy()
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0

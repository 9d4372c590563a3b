"""Path templates: what a thing is called stays, what names one of them goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tap.templates import OTHERS, TEMPLATES_MAX, Templates, template


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "/"),
        ("/orders", "/orders"),
        ("/orders/42", "/orders/{}"),
        ("/orders/42/lines/", "/orders/{}/lines/"),
        ("/orders?customer=7&token=abc", "/orders"),
        ("/orders#top", "/orders"),
        ("/v1/charges", "/{}/charges"),
        ("/users/0f8fad5b-d9cb-469f-a165-70867728950e", "/users/{}"),
        ("/blobs/deadbeef", "/blobs/{}"),
        ("/blobs/facade", "/blobs/facade"),
        ("/reset/abcdefghijklmnopqrstuvwxyzabcd", "/reset/{}"),
        ("/users/ann@example.org", "/users/{}"),
        ("/cart;jsessionid=ABC", "/{}"),
        ("/caf%C3%A9", "/{}"),
        ("/api/sign-in_now.json", "/api/sign-in_now.json"),
        ("/payment_intents:confirm", "/payment_intents:confirm"),
        ("http://shop:8000/orders/42?x=1", "/orders/{}"),
        ("http://shop:8000", "/"),
        ("/go?to=http://evil/secret", "/go"),
        ("shop:443", "{}"),
        ("*", "*"),
    ],
)
def test_a_target_becomes_a_template(target: str, expected: str):
    """Ids, tokens, addresses and queries are `{}` or gone."""
    assert template(target) == expected


@given(st.text(alphabet="abcdef0123456789-/?", max_size=60))
def test_no_digit_and_no_query_survives(target: str):
    """Whatever a client asks for."""
    found = template("/" + target)
    assert not any(one.isdigit() for one in found)
    assert "?" not in found
    assert template(found) == found


def test_templates_are_bounded():
    """A thousand differ; what comes later is one."""
    templates = Templates()
    words = [
        f"/{a}{b}/x" for a in "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ" for b in "ghijklmnopqrstuvwxyzGHIJKLMNOPQ"
    ]
    found = [templates.of(word.encode()) for word in words]
    assert len(set(found)) == TEMPLATES_MAX + 1
    assert found[-1] == OTHERS
    assert templates.of(words[0].encode()) == words[0]

"""Which services are built before a copy is brought up."""

from __future__ import annotations

from harness.stack.docker.compose import to_build

HERE, THERE = {"context": "/here"}, {"context": "/there"}


def test_one_image_is_built_once():
    """Services that share an image, made alike, are built by the first of them."""
    services = {
        "web": {"image": "shop", "build": HERE},
        "prices": {"image": "shop", "build": dict(HERE)},
        "store": {"image": "postgres:16"},
    }
    assert to_build({"services": services}) == ("web",)


def test_what_differs_is_built_each():
    """No image of their own name, another recipe, another platform: each is built."""
    services = {
        "web": {"build": HERE},
        "prices": {"build": HERE},
        "old": {"image": "shop", "build": HERE},
        "new": {"image": "shop", "build": THERE},
        "arm": {"image": "shop", "build": HERE, "platform": "linux/arm64"},
    }
    assert to_build({"services": services}) == tuple(services)


def test_nothing_is_built_where_nothing_can_be():
    """Images that come from elsewhere."""
    assert to_build({"services": {"store": {"image": "postgres:16"}}}) == ()

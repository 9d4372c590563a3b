"""The little load under which somebody's stack is watched."""

from __future__ import annotations

from pathlib import Path

from harness import light_load as lights
from harness.light_load import light_load


class _Generator:
    """In place of the load process: one that is never ready."""

    def __init__(self, *_):
        pass

    def order(self, order):
        pass

    def wait_ready(self, cancelled):
        assert cancelled()

    def go(self, zero_ns):
        pass

    def stop(self):
        pass


def test_a_load_that_is_not_ready_yet_is_called_off(monkeypatch):
    """An interrupt need not wait for a locustfile that takes its time."""
    monkeypatch.setattr(lights, "Generator", _Generator)
    with light_load(Path("shop.py"), print)("http://127.0.0.1:1", lambda: True):
        pass

"""Two injections as one: both go in or neither, and one heal ends both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from harness.world import Heal


def all_of(*injections: Callable[[], Heal]) -> Heal:
    """Do each injection. When one raises, those before it are healed; the heal that is returned ends all."""
    with ExitStack() as heals:
        for inject in injections:
            heals.callback(inject())
        return heals.pop_all().close

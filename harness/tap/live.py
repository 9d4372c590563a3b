"""A rule in force: what it has counted, and who waits in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from harness.tap.attempt import Attempt
from harness.tap.mutating import Earlier
from harness.tap.rules import Answering, FailFirst, FailRatio, Rule

KEYS_MAX = 100_000
"""Keys whose attempts are counted; the one that was not seen for longest is forgotten first."""


class Live:
    """One rule on one link, from when it is put to when it is taken off."""

    def __init__(self, number: int, rule: Rule) -> None:
        self.number, self.rule, self.on = number, rule, True
        self.waiting: set[Callable[[], None]] = set()
        """Called when the rule is taken off."""
        self.earlier = Earlier()
        """Bodies that it mutated."""
        self._requests = 0
        self._attempts: OrderedDict[str, int] = OrderedDict()

    def answers(self, attempt: Attempt) -> bool:
        """Whether it answers this attempt; counts it."""
        rule = self.rule
        if isinstance(rule, FailFirst):
            return self._count(attempt.key or f"{attempt.method} {attempt.target}") <= rule.first
        if isinstance(rule, FailRatio):
            self._requests += 1
            return rule.hits(self._requests - 1)
        return isinstance(rule, Answering)

    def _count(self, key: str) -> int:
        count = self._attempts.pop(key, 0) + 1
        self._attempts[key] = count
        if len(self._attempts) > KEYS_MAX:
            self._attempts.popitem(last=False)
        return count

    def take_off(self) -> None:
        """From now on it does nothing."""
        self.on = False

    def release(self) -> None:
        """Once it is off: let go of those who wait in it."""
        for release in list(self.waiting):
            release()

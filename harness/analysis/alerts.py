"""When an alert fired and when it was resolved, as whoever gets its messages saw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.record import Notice

FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert from the message that told of it to the one that took it back; `resolved_s` is None where none did.

    `repeats` counts the messages that told of it again.
    """

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    fingerprint: str
    starts_at: str
    fired_s: float
    resolved_s: float | None = None
    repeats: int = 0

    @property
    def key(self) -> object:
        """Which alert it is: its fingerprint, or its labels where the sender gives none."""
        return self.fingerprint or tuple(sorted(self.labels.items()))

    def is_on(self, at_s: float) -> bool:
        """Whether it was firing at that time, for all that its receiver knew."""
        return self.fired_s < at_s and (self.resolved_s is None or self.resolved_s > at_s)


def firings(notices: Iterable[Notice]) -> list[Firing]:
    """All of them, by the time that each was first told of.

    A firing message on what fires already is a repeat, unless it says that it started at another time: then the end of
    the one before was never told. A resolved message on what does not fire says nothing new.
    """
    done: list[Firing] = []
    on: dict[object, Firing] = {}
    for one in sorted(notices, key=lambda notice: notice.at_s):
        fresh = Firing(one.name, one.labels, one.annotations, one.fingerprint, one.starts_at, one.at_s)
        key = fresh.key
        known = on.get(key)
        if one.status != FIRING:
            if known is not None:
                done.append(replace(on.pop(key), resolved_s=one.at_s))
        elif known is not None and known.starts_at == one.starts_at:
            on[key] = replace(known, repeats=known.repeats + 1)
        else:
            if known is not None:
                done.append(known)
            on[key] = fresh
    return sorted([*done, *on.values()], key=lambda firing: firing.fired_s)

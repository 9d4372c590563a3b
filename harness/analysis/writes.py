"""What became of each write of the clients across a disaster: kept, lost, duplicated, phantom, or nobody knows. Pure.

A write is a key; a client that tries again sends the same key, so several requests may be one write. What counts as
done is what a client was told, and what is there is what was read back after the recovery:

| told | there | fate |
|---|---|---|
| done: a whole answer of 2xx, to any of its requests | once | kept |
| done | not | lost |
| anything | more than once | duplicated |
| refused: a 4xx to each of its requests | once | phantom |
| nothing, a 5xx, half an answer | once or not | unknown |
| refused, or never sent | not | refused |
| not in the ledger, by a key of this load | any | phantom |

A write that nobody was told of is never lost. A refused connection proves less than a 4xx, since a client may have lost
an earlier one in silence: found after all, it is unknown. So is a 4xx that says that an earlier request by the key may
still do it (408, 409, 499).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.record import Outcome, Scalar, Word

IN_FLIGHT_S = 2.0
"""How long after the disaster was in a server that is gone may still have told a client of what it did before."""
UNSURE = frozenset({408, 409, 499})
KEYS_FOR_PREFIX, PREFIX_LENGTH_MIN = 2, 3
NAMED_MAX = 5
"""So many keys of a kind are named in a sentence."""


class Fate(StrEnum):
    """What became of a write. REFUSED: told that it is not done, and it is not; it is none of the five counts."""

    KEPT = "kept"
    LOST = "lost"
    DUPLICATED = "duplicated"
    PHANTOM = "phantom"
    UNKNOWN = "unknown"
    REFUSED = "refused"


COUNTED = (Fate.KEPT, Fate.LOST, Fate.DUPLICATED, Fate.PHANTOM, Fate.UNKNOWN)
"""The five counts."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that bore a key; times in seconds on the run's clock, `answered_s` None where no answer came.

    `outcome` is OK for a whole answer of 2xx, FAIL for a refusal (`status` 0: nobody was there to send it to), UNKNOWN
    for the rest: it may have been done.
    """

    key: str
    endpoint: str
    intended_s: float
    started_s: float
    answered_s: float | None
    outcome: Outcome
    status: int

    @property
    def acknowledged(self) -> bool:
        return self.outcome is Outcome.OK and 200 <= self.status < 300 and self.answered_s is not None

    @property
    def refused(self) -> bool:
        return self.outcome is Outcome.FAIL and 400 <= self.status < 500


@dataclass(frozen=True, slots=True)
class Ledger:
    """The requests, in any order. `whole`: the load process wrote it to its end, so what is not in it was not sent."""

    requests: tuple[Request, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Write:
    """One write. `acknowledged_s` is the first time that a client was told that it is done, None where none was;
    `found` how many times it is there, None where that could not be read."""

    key: str
    fate: Fate
    requests: int
    acknowledged_s: float | None
    found: int | None
    after: bool = False
    """It was acknowledged by what came back after the disaster, and not by what the disaster took."""


@dataclass(frozen=True, slots=True)
class Judged:
    """All writes, by the time of their acknowledgement. `counts` are the five.

    `lost_after` are those of the lost that were acknowledged after the disaster. `holes` are those that are lost though
    one that was sent later is kept, so that the data is as it was at no one instant. `rpo_s` is the age, at the
    disaster, of the oldest lost write; None where that is not known. `lost_window_s`: when the first and the last of
    the lost were acknowledged.
    """

    writes: tuple[Write, ...]
    counts: Mapping[str, int]
    refused: int
    disaster_s: float
    rpo_s: float | None
    lost_window_s: tuple[float, float] | None
    lost_after: int
    holes: int
    acknowledged_before: int
    whole: bool
    read: bool
    why_unread: str = ""
    strangers: int = 0
    """Keys that are there, are not in the ledger, and are not of this load: those of other clients."""

    def of(self, fate: Fate) -> Sequence[Write]:
        return [one for one in self.writes if one.fate is fate]

    def outside(self, rpo_s: float) -> Sequence[Write]:
        """Lost writes that the objective does not excuse: acknowledged too long before the disaster, or after it."""
        since_s = self.disaster_s - rpo_s
        return [one for one in self.of(Fate.LOST) if one.after or (one.acknowledged_s or 0.0) < since_s]

    def word(self, rpo_s: float) -> Word:
        """Against the objective: unexcused losses, duplicates and phantoms fail it; without evidence it is unknown."""
        if self.outside(rpo_s) or self.counts[Fate.DUPLICATED] or self.counts[Fate.PHANTOM]:
            return Word.FAIL
        if not self.read or not self.whole or not self.acknowledged_before:
            return Word.UNKNOWN
        return Word.PASS

    def sentence(self, rpo_s: float) -> str:
        """The word's reason, with its numbers."""
        if not self.read:
            return f"the writes could not be read back, so nobody knows what was lost: {self.why_unread or 'no answer'}"
        bad = []
        if outside := self.outside(rpo_s):
            late = f", {self.lost_after:,} of them acknowledged after the disaster" if self.lost_after else ""
            lost, beyond = self.counts[Fate.LOST], f"outside the RPO of {rpo_s:g} s"
            how = f"lost {beyond}" if len(outside) == lost else f"lost, {len(outside):,} of them {beyond}"
            bad.append(f"{_writes(lost)} {how}{late} ({_named(outside)})")
        for fate, how in (
            (Fate.DUPLICATED, "there more than once"),
            (Fate.PHANTOM, "there though no client was told so"),
        ):
            if found := self.of(fate):
                bad.append(f"{_writes(len(found))} {how} ({_named(found)})")
        if bad:
            return "; ".join(bad)
        if not self.acknowledged_before:
            return "no write was acknowledged before the disaster, so there was nothing to lose"
        if not self.whole:
            return "the ledger of writes ends early, so there may be losses that it does not show"
        lost, kept = self.counts[Fate.LOST], self.counts[Fate.KEPT]
        if not lost:
            return f"none of {_writes(kept)} that clients were told of is lost"
        return f"{_writes(lost)} lost, the oldest {self.rpo_s:.1f} s before the disaster, within the RPO of {rpo_s:g} s"

    def evidence(self) -> Mapping[str, Scalar]:
        window = self.lost_window_s or (None, None)
        more = {"rpo_s": self.rpo_s, "lost_first_s": window[0], "lost_last_s": window[1]}
        return {**self.counts, "refused": self.refused, "lost_after": self.lost_after, "holes": self.holes, **more}


@dataclass(slots=True)
class _Told:
    """What clients were told of one key; `acknowledgement` is the first answer that said that it is done."""

    requests: list[Request] = field(default_factory=list)
    acknowledgement: Request | None = None

    def add(self, request: Request) -> None:
        self.requests.append(request)
        if request.acknowledged:
            first = self.acknowledgement
            if first is None or _answered(request) < _answered(first):
                self.acknowledgement = request

    def fate(self, found: int | None) -> Fate:
        if found is None:
            return Fate.UNKNOWN
        if found > 1:
            return Fate.DUPLICATED
        if self.acknowledgement is not None:
            return Fate.KEPT if found else Fate.LOST
        if not found and all(one.outcome is Outcome.FAIL for one in self.requests):
            return Fate.REFUSED
        if found and all(one.refused and one.status not in UNSURE for one in self.requests):
            return Fate.PHANTOM
        return Fate.UNKNOWN


def judge(
    ledger: Ledger,
    found: Mapping[str, int] | None,
    disaster_s: float,
    settled_s: float | None = None,
    *,
    prefix: str | None = None,
    why_unread: str = "",
) -> Judged:
    """Judge every write. `found` are the keys that were read back after the recovery, None where that failed.

    The disaster began at `disaster_s` and was in at `settled_s` (the marks injecting and injected). A request that was
    sent later than that, or answered later than IN_FLIGHT_S after it, was acknowledged by what came back.
    `prefix` is what all keys of this load begin with; without one it is told from the ledger. Where it has none, keys
    that are not in the ledger are other clients'.
    """
    settled_s = max(disaster_s, disaster_s if settled_s is None else settled_s)
    told: dict[str, _Told] = {}
    for request in ledger.requests:
        told.setdefault(request.key, _Told()).add(request)
    writes = []
    for key, one in told.items():
        count = None if found is None else found.get(key, 0)
        first = one.acknowledgement
        at_s = None if first is None else first.answered_s
        after = first is not None and (first.started_s > settled_s or (at_s or 0.0) > settled_s + IN_FLIGHT_S)
        writes.append(Write(key, one.fate(count), len(one.requests), at_s, count, after))
    begin = common_prefix(list(told)) if prefix is None else prefix
    others = [(key, count) for key, count in (found or {}).items() if key not in told and count > 0]
    ours = [(key, count) for key, count in others if begin and key.startswith(begin)]
    fate = Fate.PHANTOM if ledger.whole else Fate.UNKNOWN  # its request may be what the ledger lacks
    writes += [Write(key, Fate.DUPLICATED if count > 1 else fate, 0, None, count) for key, count in ours]
    writes.sort(key=lambda one: (one.acknowledged_s is None, one.acknowledged_s or 0.0, one.key))
    lost = [one for one in writes if one.fate is Fate.LOST]
    before = [one.acknowledged_s for one in lost if one.acknowledged_s is not None and not one.after]
    times = [one.acknowledged_s for one in lost if one.acknowledged_s is not None]
    return Judged(
        writes=tuple(writes),
        counts={word: sum(one.fate is word for one in writes) for word in COUNTED},
        refused=sum(one.fate is Fate.REFUSED for one in writes),
        disaster_s=disaster_s,
        rpo_s=None if found is None else max(0.0, disaster_s - min(before, default=disaster_s)),
        lost_window_s=(min(times), max(times)) if times else None,
        lost_after=sum(one.after for one in lost),
        holes=_holes(writes, told),
        acknowledged_before=sum(one.acknowledged_s is not None and not one.after for one in writes),
        whole=ledger.whole,
        read=found is not None,
        why_unread=why_unread,
        strangers=len(others) - len(ours),
    )


def _answered(request: Request) -> tuple[float, float]:
    """By which of two acknowledgements is the first; of two at one time it is the one that was sent first."""
    return request.answered_s or 0.0, request.started_s


def common_prefix(keys: Sequence[str]) -> str:
    """What all keys begin with, up to the last mark that divides words; "" where that is next to nothing."""
    if len(keys) < KEYS_FOR_PREFIX:
        return ""
    common = re.sub(r"[^-_:/.|]*$", "", _common(min(keys), max(keys)))
    return common if len(common) >= PREFIX_LENGTH_MIN else ""


def _common(one: str, other: str) -> str:
    """What both begin with: of the first and the last in order that is what all do."""
    differ = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return one[: next(differ, min(len(one), len(other)))]


def _holes(writes: Sequence[Write], told: Mapping[str, _Told]) -> int:
    """The lost that were acknowledged before a write was even sent that is kept, both before the disaster's end."""
    kept_s = [
        first.started_s
        for one in writes
        if one.fate is Fate.KEPT and not one.after and (first := told[one.key].acknowledgement) is not None
    ]
    newest_s = max(kept_s, default=float("-inf"))
    return sum(one.fate is Fate.LOST and not one.after and (one.acknowledged_s or 0.0) < newest_s for one in writes)


def _writes(count: int) -> str:
    return f"{count:,} write{'' if count == 1 else 's'}"


def _named(writes: Sequence[Write]) -> str:
    more = f" and {len(writes) - NAMED_MAX:,} more" if len(writes) > NAMED_MAX else ""
    return ", ".join(one.key for one in writes[:NAMED_MAX]) + more

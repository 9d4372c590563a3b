"""The points of a retry policy, each a pure function of the operations that were seen on a link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.analysis.amounts import milliseconds
from harness.analysis.backoff import Backoff, Jitter
from harness.analysis.operations import Operation
from harness.checks.parts import SAMPLES_MIN, percent
from harness.checks.points import OPERATIONS_MIN, Point, counted
from harness.record import Scalar, Word

UNSURE_SHARE_MAX = 0.1
"""Of the operations that had something to try again."""
EARLY_S, EARLY_SHARE = 0.05, 0.02
"""A wait may end so much before the Retry-After and still have obeyed it: clocks and timers."""
FACTOR_SHARE = 0.9
"""Of the factor that is wanted: what an attempt's own overhead adds to each gap takes that much from their growth."""


Bad = tuple[int, str]
"""How many are bad, and the clause that says so."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The operations of a link in the phases that are judged; `finished` did not outlast the run."""

    link: str
    where: str
    operations: Sequence[Operation]
    finished: Sequence[Operation]

    @property
    def troubled(self) -> list[Operation]:
        """Those with something to try again."""
        return [one for one in self.operations if not all(attempt.succeeded for attempt in one.attempts)]

    @property
    def given_up(self) -> list[Operation]:
        return [one for one in self.finished if one.gave_up]


def told_apart(seen: Seen) -> Point:
    """It is known which attempts belong together, and some of them failed."""
    troubled = seen.troubled
    unsure = sum(not one.sure for one in troubled)
    numbers = {"operations": len(seen.operations), "failing": len(troubled), "unsure": unsure}
    if unsure > UNSURE_SHARE_MAX * len(troubled):
        clause = (
            f"which attempts on {seen.link} belong together is a guess for {unsure:,} of {len(troubled):,} operations: "
            "they bear no Idempotency-Key, no trace and no body of their own; send an X-Request-ID, the same for each "
            "try of one operation, or say gap_max_s"
        )
        return Point("failures", Word.UNKNOWN, clause, numbers)
    if len(troubled) < OPERATIONS_MIN:
        clause = (
            f"only {len(troubled)} of {counted(len(seen.operations), 'operation')} on {seen.link} had an attempt that "
            f"failed in {seen.where}, and {OPERATIONS_MIN} are needed to judge retries"
        )
        return Point("failures", Word.UNKNOWN, clause, numbers)
    clause = f"{counted(len(troubled), 'operation')} on {seen.link} had an attempt that failed in {seen.where}"
    return Point("failures", Word.PASS, clause, numbers)


def at_most(seen: Seen, most: int, wanted: str) -> Point:
    """None makes more attempts; shown by operations that failed to their end."""

    def more(found: Sequence[Operation]) -> Bad:
        bad = [one for one in found if len(one.attempts) > most]
        return len(bad), f"{_of(bad, found)} on {seen.link} made {_counts(bad)}, {wanted} wanted"

    point = _judged("attempts", seen.operations, more, f"no operation on {seen.link} made more than {most}")
    given_up = sum(one.sure for one in seen.given_up)
    if point.word is Word.PASS and given_up < OPERATIONS_MIN:
        clause = (
            f"only {counted(given_up, 'operation')} on {seen.link} failed to the end, so where the attempts stop was "
            f"not put to the test; {OPERATIONS_MIN} must: let the fault outlast {counted(most, 'attempt')}, or say "
            "attempts_max=None"
        )
        return Point("attempts", Word.UNKNOWN, clause, {"given_up": given_up, "needed": OPERATIONS_MIN})
    most_seen = max((len(one.attempts) for one in seen.operations), default=0)
    return replace(point, numbers={**point.numbers, "given_up": given_up, "attempts_most": most_seen})


def no_fewer(seen: Seen, exactly: int) -> Point:
    """None gives up before that many."""

    def fewer(found: Sequence[Operation]) -> Bad:
        bad = [one for one in found if len(one.attempts) < exactly]
        return len(bad), f"{_of(bad, found)} on {seen.link} gave up after {_counts(bad)}, exactly {exactly} wanted"

    return _judged("gave up early", seen.given_up, fewer, f"none gave up after fewer than {exactly}")


def none_after_success(seen: Seen) -> Point:
    """What was answered well is not sent again."""

    def again(found: Sequence[Operation]) -> Bad:
        bad = sum(one.tries_after_success > 0 for one in found)
        return bad, f"attempts went on after a success in {counted(bad, 'operation')} on {seen.link}"

    return _judged("after success", seen.operations, again, "no attempt followed a success")


def none_after_4xx(seen: Seen) -> Point:
    """What was refused for good is not tried again."""

    def again(found: Sequence[Operation]) -> Bad:
        refused = [[tried.status for tried in one.attempts[:-1] if tried.refused_for_good] for one in found]
        first = [statuses[0] for statuses in refused if statuses]
        status = Counter(first).most_common(1)[0][0] if first else 400
        return len(first), f"{counted(len(first), 'operation')} on {seen.link} tried again after a {status}"

    return _judged("retry on 4xx", seen.operations, again, "nothing was tried again after a 4xx that stays")


def same_key(seen: Seen) -> Point:
    """Every try of an operation bears the same key, and asks the same: target and body."""

    def changed(found: Sequence[Operation]) -> Bad:
        keys = sum(not one.same_key for one in found)
        bad = keys or sum(not one.same_request for one in found)
        what = "key" if keys else "target or body"
        whole = counted(len(found), "operation")
        return bad, f"{what} changed between attempts in {bad:,} of {whole} on {seen.link} that were tried again"

    tried = [one for one in seen.operations if len(one.attempts) > 1]
    return _judged("same key and body", tried, changed, "every try bore the key of the first and asked the same")


def honours_retry_after(seen: Seen) -> Point | None:
    """No try comes before it was asked for. None where no answer asked."""

    def waits(found: Sequence[Operation]) -> list[tuple[float, float]]:
        pairs = [pair for one in found for pair in zip(one.attempts, one.attempts[1:], strict=False)]
        asked = [(one, after) for one, after in pairs if one.retry_after_s > 0 and not one.succeeded]
        return [(one.retry_after_s, after.started_s - one.ended_s) for one, after in asked]

    def early(found: Sequence[Operation]) -> Bad:
        bad = [asked_s for asked_s, gap_s in waits(found) if gap_s < asked_s - max(EARLY_S, EARLY_SHARE * asked_s)]
        retries = counted(len(bad), "retry", "retries")
        return len(bad), f"{retries} on {seen.link} came before the Retry-After of {max(bad, default=0):g} s was over"

    count = len(waits(seen.operations))
    good = f"{counted(count, 'retry', 'retries')} waited as long as was asked"
    return _judged("Retry-After", seen.operations, early, good) if count else None


def within_budget(seen: Seen, ratio_max: float) -> Point:
    """Retries are at most such a share of the operations."""
    count = len(seen.operations)
    ratio = sum(len(one.attempts) - 1 for one in seen.operations) / count if count else 0.0
    numbers = {"ratio": round(ratio, 4), "operations": count, "ratio_max": ratio_max}
    if count < SAMPLES_MIN:
        clause = f"only {count} operations were seen on {seen.link}, and {SAMPLES_MIN} are needed to judge a budget"
        return Point("budget", Word.UNKNOWN, clause, numbers)
    clause = (
        f"retries were {percent(ratio)} of {count:,} operations on {seen.link}, at most {percent(ratio_max)} wanted"
    )
    return Point("budget", Word.PASS if ratio <= ratio_max else Word.FAIL, clause, numbers)


def grows(found: Backoff | None, factor_min: float, link: str) -> Point:
    """The gaps grow, by that factor at least."""
    if found is None:
        clause = f"no operation on {link} made three attempts, so there is no second gap that could have grown"
        return Point("backoff", Word.UNKNOWN, clause, {"operations": 0, "needed": OPERATIONS_MIN})
    needed = max(found.needed, OPERATIONS_MIN)
    interval = f"factor {found.factor:.2f} ({found.low:.2f} to {found.high:.2f})"
    numbers = {
        "factor": round(found.factor, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "operations": found.operations,
        "needed": needed,
        "first_gap_ms": round(1000 * found.mean_s[0], 3),
        "factor_min": factor_min,
    }
    if found.operations < needed:
        clause = (
            f"whether the gaps on {link} grow cannot be told from {counted(found.operations, 'operation')} of three "
            f"attempts; {_as(found.jitter)} it takes {needed} ({interval})"
        )
        return Point("backoff", Word.UNKNOWN, clause, numbers)
    of_wanted = f"over {found.operations:,} operations on {link}, {factor_min:g} wanted"
    if found.at_once:
        clause = f"there is no backoff: retries came after {milliseconds(1000 * max(found.mean_s))} {of_wanted}"
        return Point("backoff", Word.FAIL, clause, numbers)
    little = found.factor < factor_min**0.5 or found.high < FACTOR_SHARE * factor_min
    capped, capped_high = found.if_capped
    if little and capped >= factor_min**0.5 and capped_high >= FACTOR_SHARE * factor_min:
        clause = (
            f"whether the gaps on {link} grow enough cannot be told: {interval} with the last of them, which may be at "
            f"a cap, {capped:.2f} without; let the fault outlast one more attempt, or set the cap higher"
        )
        return Point("backoff", Word.UNKNOWN, clause, numbers)
    if found.factor < factor_min**0.5:
        return Point("backoff", Word.FAIL, f"the gaps do not grow: {interval} {of_wanted}", numbers)
    if found.high < FACTOR_SHARE * factor_min:
        return Point("backoff", Word.FAIL, f"the gaps grow too little: {interval} {of_wanted}", numbers)
    return Point("backoff", Word.PASS, f"the gaps grow: {interval} {of_wanted}", numbers)


def jittered(found: Backoff | None, wanted: bool, link: str) -> Point:
    """The gaps spread, or do not, as is wanted."""
    if found is None or found.operations < OPERATIONS_MIN:
        count = found.operations if found else 0
        clause = f"whether the gaps on {link} are jittered cannot be told from {counted(count, 'operation')}"
        numbers: dict[str, Scalar] = {"operations": count, "needed": OPERATIONS_MIN}
        return Point("jitter", Word.UNKNOWN, f"{clause} of three attempts; it takes {OPERATIONS_MIN}", numbers)
    present = found.jitter is not Jitter.NONE
    numbers = {"spread": round(found.spread, 4), "like": found.jitter.name.lower()}
    spread = f"four fifths of them span {percent(found.spread)} of their mean"
    if wanted and not present:
        clause = f"the gaps have no jitter: {spread} over {found.operations:,} operations on {link}"
    elif present and not wanted:
        clause = f"the gaps are jittered, {found.jitter.value}, over {found.operations:,} operations on {link}"
    else:
        return Point("jitter", Word.PASS, f"the gaps have jitter: {found.jitter.value}", numbers)
    return Point("jitter", Word.FAIL, clause, numbers)


def _as(jitter: Jitter) -> str:
    return "without jitter" if jitter is Jitter.NONE else f"with {jitter.name.lower()} jitter"


def _of(bad: Sequence[Operation], whole: Sequence[Operation]) -> str:
    return f"{len(bad):,} of {counted(len(whole), 'operation')}"


def _counts(found: Sequence[Operation]) -> str:
    """`4 attempts`, `4 to 9 attempts`."""
    counts = sorted({len(one.attempts) for one in found}) or [0]
    return counted(counts[0], "attempt") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} attempts"


def _judged(name: str, found: Sequence[Operation], judge: Callable[[Sequence[Operation]], Bad], good: str) -> Point:
    """Fail by what is surely one operation each; unknown where only a guess is against it."""
    sure = [one for one in found if one.sure]
    for whole, word in ((sure, Word.FAIL), (found, Word.UNKNOWN)):
        count, clause = judge(whole)
        if count:
            guess = "" if word is Word.FAIL else ", if these were one operation each"
            return Point(name, word, f"{clause}{guess}", {"bad": count, "operations": len(whole)})
    return Point(name, Word.PASS, good, {"bad": 0, "operations": len(found)})

"""One attempt: a request of a client, as it crosses a link."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from harness.record import Outcome

if TYPE_CHECKING:
    from harness.tap.changes import Changes
    from harness.tap.rules import Answering

TEXT_LENGTH_MAX = 255
OK, FAIL, UNKNOWN = Outcome.OK.value, Outcome.FAIL.value, Outcome.UNKNOWN.value
"""As plain texts, whose hashes cost no call."""


class Attempt:
    """What `schema.ATTEMPTS` keeps of it, and what the tap needs while it lasts.

    What few attempts have is an attribute of the class until it is known, which keeps a new one cheap.
    """

    method = ""
    path = ""
    key: str | None = None
    trace: str | None = None
    status: int | None = None
    outcome = UNKNOWN
    error: str | None = None
    retry_after_s: float | None = None
    request_bytes = 0
    answer_bytes = 0
    request_hash: int | None = None
    """Of its target, as it was sent, and its body, once it is whole."""
    answer_hash: int | None = None
    injected: str | None = None
    ended_ns = 0
    recorded = False

    target = ""
    """The path as it was sent, for rules that count by path; kept of a file that was mutated whole only."""
    whole = False
    """All of the request has come."""
    keep_alive = True
    expects = False
    """It asked for 100 Continue."""
    upgrades = False
    """It asks for another protocol."""
    exact = False
    """Its answer must be looked at piece by piece."""
    answered_by: Answering | None = None
    """The rule that answers in the service's place, when the attempt's turn comes and the request is whole."""
    changes: Changes | None = None
    """What rules do to the service's answer."""

    def __init__(self, link: str, connection: int, started_ns: int) -> None:
        self.link, self.connection, self.started_ns = link, connection, started_ns

    def touched_by(self, rule: str) -> None:
        """A rule acted on it: the first that did is kept, until one answers."""
        if self.injected is None:
            self.injected = rule


def text_of(value: bytes) -> str:
    """A header's value as it is kept: no longer than keys may be."""
    return value[:TEXT_LENGTH_MAX].decode("latin-1").strip()


def retry_after_s(value: bytes, now_s: float | None = None) -> float | None:
    """Seconds from a Retry-After, whichever of its two forms it has; None when it has neither."""
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return max(0.0, at_s - (time.time() if now_s is None else now_s))

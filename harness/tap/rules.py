"""HTTP faults as data: what a tap does to the requests that match. Pure; JSON in and out.

Rules of a link act in the order in which they were put. The first that answers wins; those that delay, double or change
come to bear on the way to it. A rule that answers takes the whole request first and keeps the connection usable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any, ClassVar

from harness.baddata.mutation import Mutation
from harness.bounds import positive, ratio, whole
from harness.errors import one_of
from harness.http_bounds import answering, ending, matching, media_type

NAME_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`name` is the window's, which attempts keep as `injected`. An empty `method` or `path` matches all.

    `path` is how the path template of the request begins: `/orders/{}`.
    """

    kind: ClassVar[str] = ""
    name: str
    method: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > NAME_LENGTH_MAX:
            raise ValueError(f"name must have 1 to {NAME_LENGTH_MAX} characters; given {self.name!r}")
        matching(self.method, self.path)

    def matches(self, method: str, path: str) -> bool:
        return (not self.method or self.method == method) and path.startswith(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering(Rule):
    """Answers in the service's place, which never hears of the request."""

    code: int = 503
    retry_after_s: int | None = None
    body: str = ""

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        answering(self.code, self.retry_after_s, self.body)

    def answer(self, method: str, keep_alive: bool) -> tuple[bytes, bytes]:
        """(the head, the body) to send; a HEAD, 204 and 304 have no body."""
        try:
            phrase = HTTPStatus(self.code).phrase
        except ValueError:
            phrase = "Injected"
        body = self.body.encode()
        lines = [f"HTTP/1.1 {self.code} {phrase}"]
        if self.code not in (204, 304):
            kind = "application/json" if self.body[:1] in ("{", "[") else "text/plain; charset=utf-8"
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        if self.retry_after_s is not None:
            lines.append(f"Retry-After: {self.retry_after_s}")
        lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
        sent = b"" if method == "HEAD" or self.code in (204, 304) else body
        return ("\r\n".join(lines) + "\r\n\r\n").encode(), sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Answering):
    """Every request gets this status."""

    kind = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailFirst(Answering):
    """The first `first` attempts of each Idempotency-Key, or else of each method and path, get this status."""

    kind = "fail_first"
    first: int

    def __post_init__(self) -> None:
        Answering.__post_init__(self)
        whole("first", self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRatio(Answering):
    """A share of requests gets this status; which of them, by their number, follows from the seed."""

    kind = "fail_ratio"
    ratio: float
    seed: int = 0

    def __post_init__(self) -> None:
        Answering.__post_init__(self)
        ratio("ratio", self.ratio)
        whole("seed", self.seed, zero_allowed=True)

    def hits(self, number: int) -> bool:
        """Whether the request of this number, counted from 0 while the rule is on, is one of them."""
        digest = hashlib.blake2b(f"{self.seed}:{number}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.ratio * 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Rule):
    """The request is passed on so much later; at once when the rule is taken off."""

    kind = "delay"
    delay_ms: float

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        positive("delay_ms", self.delay_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Rule):
    """The request is held until the rule is taken off, and then passed on, as a network does that was dead and heals.

    A client that says FIN meanwhile has left: its request is never passed on.
    """

    kind = "hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongContentType(Rule):
    """The service's answer says that it is of another type; its body is what it was."""

    kind = "wrong_content_type"
    content_type: str = "text/html"

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        media_type(self.content_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBody(Rule):
    """The connection ends after so many bytes of the answer's body, by `end`: RST or FIN. A shorter body is whole."""

    kind = "cut_body"
    after_bytes: int
    end: str = "RST"

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        positive("after_bytes", self.after_bytes, zero_allowed=True)
        ending(self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBody(Rule):
    """The answer's body is passed on at so many bytes a second; the rest of it at once when the rule is taken off."""

    kind = "slow_body"
    bytes_per_s: float

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        positive("bytes_per_s", self.bytes_per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(Rule):
    """The service gets the request a second time, on a connection of its own, once it has all of the first.

    The client sees the first answer only. A request above a megabyte, or one that asks for an upgrade, is not doubled.
    """

    kind = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutate(Rule):
    """The rows in answers of 2xx are damaged, as `mutation` says (baddata/mutation.py has the names).

    An answer that is longer than 8 MB, or is not read as rows, passes as it is; the tap's journal says why.
    """

    kind = "mutate"
    mutation: str
    rows: int = 0
    ratio: float = 0.0
    field: str = ""
    id_field: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        _ = self.what

    @property
    def what(self) -> Mutation:
        """Raises ValueError."""
        return Mutation(
            kind=self.mutation,
            rows=self.rows,
            ratio=self.ratio,
            field=self.field,
            id_field=self.id_field,
            seed=self.seed,
        )


_RULES = (Status, FailFirst, FailRatio, Delay, Hang, WrongContentType, CutBody, SlowBody, Duplicate, Mutate)
KINDS: Mapping[str, type[Rule]] = {one.kind: one for one in _RULES}
_TEXTS = ("name", "method", "path", "body", "content_type", "end", "mutation", "field", "id_field")


def rule_from(data: Mapping[str, Any]) -> Rule:
    """The rule that JSON says. Raises ValueError with a sentence."""
    kind = str(data.get("kind"))
    if kind not in KINDS:
        raise ValueError(one_of("kind of rule", kind, KINDS))
    made, given = KINDS[kind], {name: value for name, value in data.items() if name != "kind"}
    known = [field.name for field in fields(made)]
    for name, value in given.items():
        if name not in known:
            raise ValueError(one_of(f"field of {kind}", name, known))
        text = name in _TEXTS
        if text is not isinstance(value, str) and not (name == "retry_after_s" and value is None):
            raise ValueError(f"{name} of {kind} must be {'a text' if text else 'a number'}; given {value!r}")
    try:
        return made(**given)
    except TypeError as error:
        raise ValueError(f"{kind}: {str(error).partition('() ')[2] or error}") from error


def rule_to(rule: Rule) -> dict[str, Any]:
    """The rule as JSON has it."""
    return {"kind": rule.kind, **{field.name: getattr(rule, field.name) for field in fields(rule)}}

"""What the faults on HTTP have in common: each is one rule of the tap of its link."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from typing import ClassVar

from harness.http_bounds import answering, matching
from harness.world import Heal, Stack


@dataclass(frozen=True, slots=True)
class TapRule:
    """Strikes the requests of `method` whose path template begins with `path`, such as /orders/{}; empty means all.

    The fields besides `link` are those of the rule of this `kind` (tap/rules.py).
    """

    link: str
    _: KW_ONLY
    method: str = ""
    path: str = ""
    kind: ClassVar[str]
    cuts: ClassVar[bool] = False
    http: ClassVar[bool] = True

    def __post_init__(self) -> None:
        matching(self.method, self.path)

    def inject(self, stack: Stack) -> Heal:
        said = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "link"}
        return stack.link(self.link).put_rule(self.kind, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringRule(TapRule):
    """Answers in the service's place, which never hears of the request: `code`, a Retry-After, `body`."""

    code: int = 503
    retry_after_s: int | None = None
    body: str = ""

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        answering(self.code, self.retry_after_s, self.body)

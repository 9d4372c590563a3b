"""An answer that says it is something else: the HTML page of a proxy where JSON was due."""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.tap_rule import TapRule
from harness.http_bounds import media_type


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongContentType(TapRule):
    """Lets the answer say that it is `content_type`; its body is what it was."""

    kind = "wrong_content_type"
    content_type: str = "text/html"

    def __post_init__(self) -> None:
        TapRule.__post_init__(self)
        media_type(self.content_type)

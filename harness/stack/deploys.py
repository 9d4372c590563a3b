"""The deploys of a service since its stack was started, and which one may be taken back: the last, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Deploy:
    """`at` is when it was, in RFC 3339, UTC, and its name; `before` is what the variables that it changed were, None
    where there was none."""

    at: str
    before: Mapping[str, str | None]

    def line(self) -> str:
        """Its name and the names of its variables; their values may be secrets."""
        return f"{self.at} {', '.join(sorted(self.before))}"


def deploy_now(before: Mapping[str, str | None]) -> Deploy:
    return Deploy(datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), before)


def to_take_back(deploys: Sequence[Deploy], service: str, named: str = "") -> Deploy:
    """The last of `deploys` (the last one last). Raises HarnessError where there is none, and where `named` is another
    one: so that no one is taken back twice, and none that nobody meant."""
    if not deploys:
        raise HarnessError(
            f"nothing is deployed to {service} since its stack was started, or all of it was taken back; there is no "
            "way back, and nothing was changed"
        )
    last = deploys[-1]
    if named and named != last.at:
        raise HarnessError(
            f"the last deploy of {service} is {last.line()}, and not {named}, which was taken back already or has "
            f"another after it; nothing was changed; look with: harness stack deploys {service}"
        )
    return last

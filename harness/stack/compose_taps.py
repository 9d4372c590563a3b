"""Which links have a tap (`tap: http` in x-harness.links), which can have one, and what to do where one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ComposeFileError

if TYPE_CHECKING:
    from harness.stack.spec import LinkSpec, ServiceSpec

NOT_HTTP = {
    3306: "MySQL",
    5432: "PostgreSQL",
    5672: "AMQP",
    6379: "Redis",
    9092: "Kafka",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports on which nobody speaks HTTP."""
INSTEAD = "faults of any link, such as Latency or Outage, need no tap"


def has_tap(where: str, given: object, service: ServiceSpec, port: int, *, by_itself: bool) -> bool:
    """Whether a link has a tap, from what is said of `tap` there; `by_itself`: where nothing is said, and HTTP may
    cross it. Raises ComposeFileError where it cannot have the one that is asked for."""
    spoken = "PostgreSQL" if service.is_postgres else NOT_HTTP.get(port)
    if given is None:
        return by_itself and not spoken
    if given is False:
        return False
    if given != "http":
        raise ComposeFileError(f"{where}.tap must be http, or false, or not be there at all; given {given!r}")
    if spoken:
        raise ComposeFileError(
            f"{where}.tap is for links that carry HTTP/1.1, and {service.name}:{port} speaks {spoken}; "
            f"take it out: {INSTEAD}"
        )
    return True


def why_no_rule(link: LinkSpec) -> str | None:
    """Why a link can have no fault on HTTP, and what to do; None where it can."""
    if link.tap:
        return None
    if link.upstream in NOT_HTTP:
        return f"{link.name} carries {NOT_HTTP[link.upstream]}, and this fault strikes HTTP requests; {INSTEAD}"
    return (
        f"{link.name} has no tap, and without one no HTTP request can be struck; add `tap: http` to "
        f"x-harness.links.{link.name} (docs/stack.md)"
    )

"""What adopt says: each edge with how it is known, and what was left out and why. Lines of plain text; pure."""

from __future__ import annotations

from harness.adopt.edges import Found
from harness.adopt.link_names import link_names

LISTED_MAX = 4
_EXAMPLE = (
    "to say a link, in your own Compose file:",
    "  x-harness: {links: {web-db: {client: web, service: db, port: 5432}}}",
)


def lines(found: Found) -> tuple[str, ...]:
    """The lines for a terminal, without an end of line. The first is a summary."""
    links = link_names(found.edges)
    count = f"{len(links)} link{'' if len(links) == 1 else 's'} found"
    left = f", {len(found.left_out)} left out" if found.left_out else ""
    said = [f"{count}{left}"]
    rows = [(name, f"{e.client} -> {e.service}:{e.port}", ", ".join(e.reasons)) for name, e in links.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for name, what, why in rows:
        said.append(f"  {name:<{widths[0]}}  {what:<{widths[1]}}  {why}".rstrip())
    if found.left_out:
        by_reason: dict[str, list[str]] = {}
        for one in found.left_out:
            by_reason.setdefault(one.why, []).append(one.what)
        said += ["", "left out, and why"]
        said += [f"  {_listed(what)}: {why}" for why, what in by_reason.items()]
        if any("x-harness" in why for why in by_reason):
            said += ["", *_EXAMPLE]
    return tuple(said)


def _listed(names: list[str]) -> str:
    more = len(names) - LISTED_MAX
    return ", ".join(names[:LISTED_MAX]) + (f" and {more} more" if more > 0 else "")

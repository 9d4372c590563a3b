"""What a link is called: by its client and its service, with the port where there are several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.adopt.edges import Edge


def pair_names(edges: Iterable[Edge]) -> Mapping[tuple[str, str], str]:
    """A name for each pair of client and service: `web-api`. Where two pairs would have one name (`a-b` to `c`, `a` to
    `b-c`), both are written with two hyphens.
    """
    pairs = sorted({(edge.client, edge.service) for edge in edges})
    counted = Counter("-".join(pair) for pair in pairs)
    return {pair: ("-" if counted["-".join(pair)] == 1 else "--").join(pair) for pair in pairs}


def link_names(edges: Iterable[Edge]) -> Mapping[str, Edge]:
    """The edges by the names of their links, in their order: `web-api`, or `web-api-8000` where a pair has several."""
    edges = sorted(edges)
    pairs = pair_names(edges)
    several = Counter((edge.client, edge.service) for edge in edges)
    found: dict[str, Edge] = {}
    for edge in edges:
        name = pairs[edge.client, edge.service]
        if several[edge.client, edge.service] > 1:
            name = f"{name}-{edge.port}"
        while name in found:  # a service may be called `api-8000`
            name = f"{name}-{edge.port}"
        found[name] = edge
    return found

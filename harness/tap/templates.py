"""Path templates: `/orders/42?token=x` is `/orders/{}`. No id, token or query of a request is ever kept."""

from __future__ import annotations

import re

TEMPLATES_MAX = 1000
OTHERS = "(other paths)"
CACHE_MAX = 10_000
CACHED_LENGTH_MAX = 512

_WORD = re.compile(r"[A-Za-z$._~:-]{0,24}")
"""What a segment that names a thing looks like; ids, tokens, addresses and escaped text do not."""
_HEX = re.compile(r"[A-Fa-f-]{8,}")


def template(target: str) -> str:
    """The path of a request target, each segment that is not a plain word as `{}`, without its query.

    A target that is no path, as CONNECT has, is all `{}`.
    """
    if "://" in target.partition("?")[0]:
        target = "/" + target.partition("://")[2].partition("?")[0].partition("/")[2]
    path = target.partition("?")[0].partition("#")[0]
    if path == "*":
        return path
    return "/".join(one if _WORD.fullmatch(one) and not _HEX.fullmatch(one) else "{}" for one in path.split("/"))


class Templates:
    """Templates by request target: at most `TEMPLATES_MAX` that differ, all later ones are `(other paths)`."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self.cache: dict[bytes, str] = {}

    def of(self, target: bytes) -> str:
        found = self.cache.get(target)
        if found is None:
            found = template(target.decode("latin-1"))
            if found not in self._known:
                if len(self._known) >= TEMPLATES_MAX:
                    found = OTHERS
                else:
                    self._known.add(found)
            if len(target) <= CACHED_LENGTH_MAX:
                if len(self.cache) >= CACHE_MAX:
                    self.cache.clear()
                self.cache[target] = found
        return found

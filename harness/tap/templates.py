"""The path templates of one link, so many and no more."""

from __future__ import annotations

from harness.path_template import template

TEMPLATES_MAX = 1000
OTHERS = "(other paths)"
CACHE_MAX = 10_000
CACHED_LENGTH_MAX = 512


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

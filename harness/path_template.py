"""Path templates: `/orders/42?token=x` is `/orders/{}`. No id, token or query of a request is ever kept."""

from __future__ import annotations

import re

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

"""Takes the password out of a connection string: a command line is seen by everybody on the machine. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

_URL = re.compile(r"(postgres(?:ql)?://[^:@/]*):([^@/]*)@(.*)", re.DOTALL)
_IN_QUERY = re.compile(r"(?<=[?&])password=([^&]*)&?")
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:\\.|[^\s\\'])*)(?=\s|\Z)", re.DOTALL)


def without_password(dsn: str) -> tuple[str, str]:
    """(the same without it, the password), "" where there is none; what cannot be read stays as it is."""
    if dsn.startswith(("postgres://", "postgresql://")):
        found = _URL.match(dsn)
        password = unquote(found[2]) if found else ""
        rest = f"{found[1]}@{found[3]}" if found else dsn
        asked = _IN_QUERY.search(rest)
        return (_IN_QUERY.sub("", rest).rstrip("?&"), unquote(asked[1])) if asked else (rest, password)
    kept, password, at = [], "", 0
    while at < len(dsn.rstrip()):
        pair = _PAIR.match(dsn, at)
        if pair is None:
            return dsn, ""
        at = pair.end()
        if pair[1] == "password":
            quoted = pair[2][1:-1] if pair[2].startswith("'") else pair[2]
            password = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        else:
            kept.append(pair[0].strip())
    return (" ".join(kept), password) if password else (dsn, "")

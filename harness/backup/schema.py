"""Schema facts: what a database holds beside its rows, each object's definition as text, by kind and name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from harness.backup.facts import as_json
from harness.backup.schema_more import LATER
from harness.backup.schema_queries import QUERIES
from harness.backup.session import Session

Facts = Mapping[str, Mapping[str, str]]

_CAST = re.compile(
    r"::(?:[\w.]+|\"[^\"]+\")(?: varying| precision| with(?:out)? time zone)?(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])*"
)
_LOOSE = re.compile(r"[\s()\[\]]|\bARRAY\b")


def schema_facts(session: Session) -> dict[str, dict[str, str]]:
    """Kind to name to definition. A kind that has none is left out, but for those that older manifests do not have."""
    found: dict[str, dict[str, str]] = {}
    for kind, sql in QUERIES.items():
        rows = session.query(sql)
        some = {str(name): str(text) for name, text in rows}
        if some or kind in LATER:
            found[kind] = some
    return found


def plain(definition: str) -> str:
    """A definition without casts, brackets and spaces: PostgreSQL prints them otherwise after a restore of an
    expression that it had rewritten."""
    return _LOOSE.sub("", _CAST.sub("", definition))


def schema_hash(facts: Facts) -> str:
    """SHA-256 of the canonical text of the facts, without the kinds that came later: a hash stays what it was."""
    kept = {kind: some for kind, some in facts.items() if kind not in LATER}
    text = as_json({kind: {name: plain(value) for name, value in some.items()} for kind, some in kept.items()})
    return hashlib.sha256(text.encode()).hexdigest()


def differences(then: Facts, now: Facts) -> list[tuple[str, str]]:
    """(kind, sentence) of each object that is gone, new or another. Of a kind that came later and that `then` does not
    have, nobody knows what there was."""
    found: list[tuple[str, str]] = []
    for kind in sorted({*then, *now}):
        if kind in LATER and kind not in then:
            continue
        before, after = then.get(kind, {}), now.get(kind, {})
        for name in sorted({*before, *after}):
            if name not in after:
                found.append((kind, f"{name} is not there"))
            elif name not in before:
                found.append((kind, f"{name} is there, and was not when it was backed up"))
            elif before[name] != after[name] and plain(before[name]) != plain(after[name]):
                found.append((kind, f"{name} is {_short(after[name])}; it was {_short(before[name])}"))
    return found


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 160 else one_line[:157] + "..."

"""Services that the embedded stack may do without: they run where their commands are found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

from harness.stack.spec import ServiceSpec, StackSpec


def as_found(
    spec: StackSpec, say: Callable[[str], None], which: Callable[[str], str | None] = shutil.which
) -> StackSpec:
    """The stack as it can run here: without those that are not found nor those that need them, whose `without` is then
    in the environments of the others. Says which of them run, and which do not."""
    services = dict(spec.services)
    optional = [one for one in spec.start_order() if one.without is not None]
    missing: list[ServiceSpec] = []
    for one in optional:
        command = next(filter(None, map(which, one.command[0].split("|"))), None) if one.command else None
        if command is None or any(other.name in one.depends_on for other in missing):
            missing.append(services.pop(one.name))
        else:
            services[one.name] = replace(one, command=(command, *one.command[1:]))
    if running := [one.name for one in optional if one.name in services]:
        say(f"  found on PATH, and part of the stack: {', '.join(running)}")
    if missing:
        say(f"  not on PATH, and left out: {_instead(missing)}")
    gone = {one.name for one in missing}
    for name, one in services.items():
        more = {key: value for other in missing for key, value in (other.without or {}).get(name, {}).items()}
        needs = tuple(needed for needed in one.depends_on if needed not in gone)
        services[name] = replace(one, environment={**one.environment, **more}, depends_on=needs)
    return replace(spec, services=services)


def _instead(missing: list[ServiceSpec]) -> str:
    others = sorted({name for one in missing for name in one.without or {}})
    keys = sorted({key for one in missing for body in (one.without or {}).values() for key in body})
    names = ", ".join(one.name for one in missing)
    return f"{names}; in their place {', '.join(others)} get {', '.join(keys)}" if keys else names

"""Puts the proxies of Toxiproxy back: makes each what it was, reads it back, and says what it found."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import ToxiproxyError
from harness.record import HealReport
from harness.stack.state import StackState
from harness.stack.toxiproxy import ProxyState, Toxic, ToxiproxyClient
from harness.waiting import wait_until

ATTEMPTS = 3
ANSWERS_WITHIN_S = 3.0


def heal_proxies(state: StackState, *, patiently: bool = False) -> HealReport:
    """Put every proxy back. Never raises: what could not be mended is in the report's `broken`.

    `patiently`: Toxiproxy may have been started this moment, and takes its time to answer.
    """
    if not state.toxiproxy_url:
        return HealReport()
    client = ToxiproxyClient(state.toxiproxy_url)
    if patiently:
        wait_until(client.answers, ANSWERS_WITHIN_S)
    found: list[str] = []
    trouble = ""
    for _ in range(ATTEMPTS):
        try:
            now = client.proxies()
        except ToxiproxyError as error:
            trouble = str(error)
            continue
        wrong: list[str] = []
        for pristine in state.proxies:
            wrong += _differences(pristine, now.get(pristine.name))
            try:
                _mend(client, pristine, now.get(pristine.name))
            except ToxiproxyError as error:  # one that cannot be mended must not keep the others broken
                trouble = str(error)
        found += [sentence for sentence in wrong if sentence not in found]
        if not wrong:  # read back, and nothing was out of place
            return HealReport(mended=tuple(found))
    try:
        now = client.proxies()
        left = tuple(s for p in state.proxies for s in _differences(p, now.get(p.name)))
    except ToxiproxyError as error:
        left = (str(error),)
    if not left:
        return HealReport(mended=tuple(found))
    mended = tuple(sentence for sentence in found if sentence not in left)
    return HealReport(mended=mended, broken=tuple(dict.fromkeys([*left, *([trouble] if trouble else [])])))


def _differences(pristine: ProxyState, now: ProxyState | None) -> Iterator[str]:
    """What is out of place, in sentences."""
    name = pristine.name
    if now is None:
        yield f"{name}: the proxy was gone"
        return
    if (now.listen, now.upstream) != (pristine.listen, pristine.upstream):
        yield f"{name}: it led from {now.listen} to {now.upstream}, not from {pristine.listen} to {pristine.upstream}"
    if now.enabled is not pristine.enabled:
        yield f"{name}: the proxy was {'enabled' if now.enabled else 'disabled'}"
    for toxic in _missing(now.toxics, pristine.toxics):
        yield f"{name}: the {toxic.kind} toxic {toxic.name} was in"
    for toxic in _missing(pristine.toxics, now.toxics):
        yield f"{name}: the {toxic.kind} toxic {toxic.name} was out"


def _missing(some: tuple[Toxic, ...], others: tuple[Toxic, ...]) -> list[Toxic]:
    return [toxic for toxic in some if toxic not in others]


def _mend(client: ToxiproxyClient, pristine: ProxyState, now: ProxyState | None) -> None:
    """Make one proxy what it was."""
    if now == pristine:
        return
    if now is not None and (now.listen, now.upstream) != (pristine.listen, pristine.upstream):
        client.delete(pristine.name)
        now = None
    if now is None:
        now = client.create(pristine.name, pristine.listen, pristine.upstream)
    for toxic in _missing(now.toxics, pristine.toxics):
        client.remove(pristine.name, toxic.name)
    for toxic in _missing(pristine.toxics, now.toxics):
        client.add(pristine.name, toxic)
    if now.enabled is not pristine.enabled:
        client.enable(pristine.name, pristine.enabled)

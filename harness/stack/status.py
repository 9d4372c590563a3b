"""How a running stack does, as `harness stack status` tells it."""

from __future__ import annotations

from typing import Any

from harness.stack.state import StackState
from harness.stack.toxiproxy import ToxiproxyClient


def status(state: StackState) -> dict[str, Any]:
    """The state as JSON, with what is true now: `alive` of each service, `enabled` and `toxics` of each link."""
    body = state.to_json()
    now = ToxiproxyClient(state.toxiproxy_url).proxies()
    for one in state.services:
        body["services"][one.name]["alive"] = one.process is None or one.process.alive()
    for name, link in body["links"].items():
        proxy = now.get(name)
        link["enabled"] = proxy is not None and proxy.enabled
        link["toxics"] = [toxic.name for toxic in proxy.toxics] if proxy else []
    return body

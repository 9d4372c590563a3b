"""How a running stack does, as `harness stack status` tells it."""

from __future__ import annotations

from typing import Any

from harness.stack.state import StackState
from harness.stack.toxiproxy import ToxiproxyClient
from harness.stack.whereabouts import current_process, is_alive


def status(state: StackState) -> dict[str, Any]:
    """The state as JSON, with what is true now: `alive` of each service, `enabled` and `toxics` of each link."""
    body = state.to_json()
    now = ToxiproxyClient(state.toxiproxy_url).proxies()
    for one in state.services:
        process = current_process(one)
        body["services"][one.name]["pid"] = process.pid if process else None
        body["services"][one.name]["alive"] = is_alive(one)
    for name, link in body["links"].items():
        proxy = now.get(name)
        link["enabled"] = proxy is not None and proxy.enabled
        link["toxics"] = [toxic.name for toxic in proxy.toxics] if proxy else []
    return body

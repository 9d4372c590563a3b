"""A link of a running stack, as faults meet it: toxics of its own, cuts that are counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from harness.errors import TapError
from harness.stack.toxiproxy import Toxic, ToxiproxyClient
from harness.tap.client import TapClient
from harness.tap.rules import rule_from
from harness.world import Heal

OURS = "harness_"
"""How the names of our toxics begin: what is called so was never part of a pristine state."""


class ProxyLink:
    """Implements world.Link over the proxy of the same name. Overlapping faults each heal their own."""

    def __init__(self, name: str, client: ToxiproxyClient, tap: TapClient | None = None) -> None:
        self.name = name
        self._client, self._tap = client, tap
        self.window = ""
        """Under whose name rules are put."""
        self._lock = threading.Lock()
        self._cuts = 0
        self._added = 0

    def add_toxic(self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream") -> Heal:
        """Put one toxic in under a name of its own. Raises ToxiproxyError when it does not take."""
        with self._lock:
            self._added += 1
            toxic = Toxic(f"{OURS}{kind}_{stream}_{os.getpid()}_{self._added}", kind, stream, attributes=attributes)
        self._client.add(self.name, toxic)
        return lambda: self._client.remove(self.name, toxic.name)

    def put_rule(self, kind: str, **fields: object) -> Heal:
        """Put a rule of the tap in force, under the name that attempts keep as `injected`. Raises TapError."""
        if self._tap is None:
            raise TapError(f"{self.name} has no tap; give it one with `tap: http` in x-harness.links.{self.name}")
        tap = self._tap
        seen = tap.links().get(self.name)
        if seen is None:
            raise TapError(f"the tap has lost {self.name}; mend it with `harness heal`")
        if seen.others and not seen.http:
            raise TapError(
                f"what crosses {self.name} is not HTTP/1.1 ({seen.others} connections spoke something else), so no "
                "request on it can be changed; take a fault on the link, such as Latency or Outage"
            )
        number = tap.put(self.name, rule_from({"kind": kind, "name": self.window or f"{kind} {self.name}", **fields}))
        return lambda: tap.take_off(number)

    def cut(self) -> Heal:
        """Close the proxy; it opens again when the last of the cuts is healed."""
        with self._lock:
            self._cuts += 1
            if self._cuts == 1:
                self._client.enable(self.name, False)
        return self._mend

    def _mend(self) -> None:
        with self._lock:
            self._cuts -= 1
            if self._cuts == 0:
                self._client.enable(self.name, True)

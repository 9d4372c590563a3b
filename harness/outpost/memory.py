"""What the outpost has heard and nobody may have asked for yet: bounded, the oldest goes first."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Any

NOTICES_MAX = 100_000
BYTES_MAX = 64 << 20
PAGE_BYTES = 4 << 20
TEXT_MAX = 200


class Memory:
    """Notices by number, from 0; how many messages were malformed, and what was wrong with the last."""

    def __init__(self) -> None:
        self._kept: deque[bytes] = deque()
        self._first = self._bytes = 0
        self.malformed, self.malformed_last = 0, ""

    def keep(self, notice: Mapping[str, Any], at_ns: int) -> None:
        text = json.dumps({"at_ns": at_ns, **notice}).encode()
        self._kept.append(text)
        self._bytes += len(text)
        while len(self._kept) > NOTICES_MAX or (self._bytes > BYTES_MAX and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft())
            self._first += 1

    def refuse(self, why: str) -> None:
        self.malformed += 1
        self.malformed_last = why[:TEXT_MAX]

    def since(self, number: int, now_ns: int) -> bytes:
        """A page of JSON: the notices from that number on, and the number to ask for `next`.

        Where `next` is further on than there are notices, those between were forgotten.
        """
        at = min(max(number, self._first), self._first + len(self._kept))
        page: list[bytes] = []
        left = PAGE_BYTES
        for text in islice(self._kept, at - self._first, None):
            left -= len(text)
            if page and left < 0:
                break
            page.append(text)
        head = {
            "now_ns": now_ns,
            "next": at + len(page),
            "malformed": self.malformed,
            "malformed_last": self.malformed_last,
        }
        return json.dumps(head).encode()[:-1] + b', "notices": [' + b", ".join(page) + b"]}"

"""What rules do to the service's answers: another content type, other rows, a body that is cut, one that trickles."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from harness.tap.live import Live
from harness.tap.rules import CutBody, Mutate, SlowBody, WrongContentType

TICK_S = 0.05
_CONTENT_TYPE = re.compile(rb"^content-type:[^\r\n]*", re.IGNORECASE | re.MULTILINE)


class Changes:
    """Those of one answer."""

    def __init__(self, lives: Sequence[Live]) -> None:
        self._lives = lives
        self.sent = 0
        """Bytes of the body that the client was given."""

    def head(self, head: bytes) -> tuple[bytes, str | None]:
        """(the head as the client gets it, the rule that changed it)."""
        for live in self._lives:
            if live.on and isinstance(live.rule, WrongContentType):
                line = b"Content-Type: " + live.rule.content_type.encode()
                found = _CONTENT_TYPE.search(head)
                start, end = found.span() if found else (len(head) - 2, len(head) - 2)
                return head[:start] + line + (b"" if found else b"\r\n") + head[end:], live.rule.name
        return head, None

    def body(self, piece: bytes) -> tuple[bytes, CutBody | None]:
        """(what the client gets of a piece, the rule that cuts the rest off)."""
        for live in self._lives:
            if live.on and isinstance(live.rule, CutBody) and self.sent + len(piece) > live.rule.after_bytes:
                piece = piece[: max(0, live.rule.after_bytes - self.sent)]
                self.sent += len(piece)
                return piece, live.rule
        self.sent += len(piece)
        return piece, None

    def mutating(self) -> list[Live]:
        """The rules for which the answer is held until it is whole."""
        return [live for live in self._lives if live.on and isinstance(live.rule, Mutate)]

    def slow(self) -> Live | None:
        """The rule by which the body trickles."""
        return next((live for live in self._lives if live.on and isinstance(live.rule, SlowBody)), None)


class Pacer:
    """Passes one piece on at a rate, in small parts; all that is left at once when its rule is taken off."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        live: Live,
        data: bytes,
        write: Callable[[bytes], None],
        drained: Callable[[], None],
    ) -> None:
        assert isinstance(live.rule, SlowBody)
        self._loop, self._live, self._data, self._write, self._drained = loop, live, data, write, drained
        self._rate, self._at = live.rule.bytes_per_s, 0
        self._due_s = loop.time()
        live.waiting.add(self.release)
        self._next()

    def _next(self) -> None:
        self._part = max(1, int(self._rate * TICK_S))
        self._due_s += min(self._part, len(self._data) - self._at) / self._rate
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def _tick(self) -> None:
        self._write(self._data[self._at : self._at + self._part])
        self._at += self._part
        if self._at < len(self._data):
            self._next()
        else:
            self.stop()
            self._drained()

    def release(self) -> None:
        """The rule was taken off."""
        self.stop()
        self._write(self._data[self._at :])
        self._drained()

    def stop(self) -> None:
        self._timer.cancel()
        self._live.waiting.discard(self.release)

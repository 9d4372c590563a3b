"""Speaks to one outpost: every call has a deadline, every answer is looked at."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from harness.errors import OutpostError

DEADLINE_S = 5.0
ANSWER_MAX = 64 << 20
"""A body of 8 MB is up to six times as much when its letters are escaped."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came since a number; `next` is the number to ask for next. Times are of the outpost's monotonic clock."""

    now_ns: int
    next: int
    notices: tuple[Mapping[str, Any], ...]
    malformed: int
    malformed_last: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A service's answer: `status` is 0 where no whole one came, `body` None where it is not JSON; `error` says why."""

    status: int
    body: Any
    at_ns: int
    error: str = ""


class OutpostClient:
    """One outpost, by its address. Safe between threads: a connection a call."""

    def __init__(self, address: str) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        self._at = (host.strip("[]"), int(port))

    def heard(self, since: int = 0) -> Heard:
        """The notices from that number on, as many as one answer holds. Raises OutpostError."""
        body = self._get("heard", since=since)
        try:
            return Heard(
                int(body["now_ns"]),
                int(body["next"]),
                tuple(body["notices"]),
                int(body["malformed"]),
                str(body["malformed_last"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange("heard", error) from error

    def fetch(self, url: str) -> Fetched:
        """GET `url` from where the outpost is. Raises OutpostError, but not for what the service does."""
        body = self._get("fetch", url=url)
        try:
            return Fetched(int(body["status"]), body["body"], int(body["at_ns"]), str(body["error"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._strange("fetch", error) from error

    def now_ns(self) -> int:
        """The outpost's monotonic clock: ours, unless it runs on another kernel."""
        return self.heard(1 << 53).now_ns

    def _get(self, what: str, **asked: str | int) -> dict[str, Any]:
        connection = http.client.HTTPConnection(*self._at, timeout=DEADLINE_S)
        until = time.monotonic() + DEADLINE_S
        try:
            connection.request("GET", f"/{what}?{urlencode(asked)}")
            answer = connection.getresponse()
            content = bytearray()
            while piece := answer.read1(1 << 18):
                content += piece
                if time.monotonic() > until or len(content) > ANSWER_MAX:
                    raise TimeoutError
            body = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise OutpostError(
                f"the outpost at {self.address} did not answer {what} within {DEADLINE_S:g} s: "
                f"{type(error).__name__}; is it running?"
            ) from error
        finally:
            connection.close()
        if not isinstance(body, dict) or ("error" in body and answer.status != 200):
            raise OutpostError(f"the outpost at {self.address} refused {what}: {body}")
        return body

    def _strange(self, what: str, error: Exception) -> OutpostError:
        return OutpostError(
            f"what answers {what} at {self.address} is no outpost: it lacks {error}; is the address right?"
        )

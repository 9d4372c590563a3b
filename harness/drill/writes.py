"""The ledger of writes as the load process left it, and the reading back of what is there after the recovery."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.analysis.writes import Ledger, Request
from harness.errors import HarnessError, OutpostError
from harness.masking import mask_urls
from harness.outpost.client import OutpostClient
from harness.record import Outcome
from harness.store import read_json, write_json
from harness.waiting import wait_until

LEDGER, FOUND = "writes.jsonl", "found.json"
"""Their names in a run folder."""
ANSWER_S = 10.0
ANSWER_BYTES_MAX = 64 << 20
PAGES_MAX = 1_000


class ReadBackError(HarnessError):
    """What the clients wrote could not be read back, so that nobody knows what was lost."""

    exit_code = 4


def read_ledger(path: Path) -> Ledger:
    """The ledger of a run, whole lines only. It is whole where its last line says so; none at all is not."""
    requests: list[Request] = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    for line in lines:
        try:
            fields: dict[str, Any] = json.loads(line)
            if fields.get("ended"):
                return Ledger(tuple(requests), whole=fields.get("requests") == len(requests))
            answered_s = fields["answered_s"]
            requests.append(
                Request(
                    key=str(fields["key"]),
                    endpoint=str(fields["endpoint"]),
                    intended_s=float(fields["intended_s"]),
                    started_s=float(fields["started_s"]),
                    answered_s=None if answered_s is None else float(answered_s),
                    outcome=Outcome(fields["outcome"]),
                    status=int(fields["status"]),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            break
    return Ledger(tuple(requests), whole=False)


def sent_since(ledger: Ledger, at_s: float) -> tuple[int, int]:
    """(requests with a key that were sent from then on, how many of them were acknowledged)."""
    sent = [one for one in ledger.requests if one.started_s >= at_s]
    return len(sent), sum(one.acknowledged for one in sent)


def read_back(
    url: str, within_s: float, *, outpost: str = "", cancelled: Callable[[], bool] = lambda: False
) -> dict[str, int]:
    """GET `url`, again until it answers {"keys": {KEY: COUNT, ...}}; by the outpost at that address, where one is
    given. Raises ReadBackError, with the last reason, when it did not within `within_s`.

    An answer with `"more": true` is not all: the rest is asked for with `after=` its last key.
    """
    answer: list[dict[str, int]] = []
    reason = "it was not asked"

    def answered() -> bool:
        nonlocal reason
        try:
            timeout_s = min(ANSWER_S, within_s)
            answer.append(_all_keys(url, lambda page: _fetch(outpost, page) if outpost else _get(page, timeout_s)))
        except (OSError, http.client.HTTPException, ValueError, RecursionError, OutpostError) as error:
            reason = str(error) or type(error).__name__
        return bool(answer)

    if not wait_until(answered, within_s, cancelled=cancelled):
        raise ReadBackError(
            f"{mask_urls(url)} did not say within {within_s:g} s which writes are there: {reason}; "
            'it must answer {"keys": {KEY: COUNT, ...}} in JSON'
        )
    return answer[0]


def _all_keys(url: str, get: Callable[[str], Any]) -> dict[str, int]:
    """Those of every page. Raises what `get` does, and ValueError with the reason."""
    found: dict[str, int] = {}
    after = ""
    for _ in range(PAGES_MAX):
        body = get(f"{url}{'&' if '?' in url else '?'}{urlencode({'after': after})}" if after else url)
        keys = _checked(body)
        if any(key in found for key in keys):
            raise ValueError("it says the same key on two pages")
        found |= keys
        if not body.get("more", False):
            return found
        if not keys:
            raise ValueError("it says that there are more keys, and gives none")
        after = list(keys)[-1]
    raise ValueError(f"it has more than {PAGES_MAX:,} pages of keys")


def _fetch(outpost: str, url: str) -> Any:
    """Its JSON. Raises ValueError or OutpostError with the reason."""
    fetched = OutpostClient(outpost).fetch(url)
    if fetched.error or fetched.status != 200:
        raise ValueError(fetched.error or f"it answered {fetched.status}")
    return fetched.body


def _get(url: str, timeout_s: float) -> Any:
    """Its JSON. Raises ValueError, OSError or HTTPException with the reason."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        deadline = time.monotonic() + timeout_s
        content = bytearray()
        while piece := response.read1(1 << 18):
            content += piece
            if len(content) > ANSWER_BYTES_MAX:
                raise ValueError(f"its answer is larger than {ANSWER_BYTES_MAX >> 20} MB")
            if time.monotonic() > deadline:
                raise TimeoutError(f"its answer was not whole after {timeout_s:.1f} s")
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(f"it answered {response.status}")
    if response.length:
        raise ValueError("its answer was cut short")
    return json.loads(content)


def _checked(body: Any) -> dict[str, int]:
    keys = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(keys, dict):
        raise ValueError('its answer has no object "keys"')
    for key, count in keys.items():
        if any("\ud800" <= letter <= "\udfff" for letter in key):  # half a letter
            raise ValueError(f"it says a key that no request can bear: {key!r}")
        if type(count) is not int or count < 0:
            raise ValueError(f"it says of {key!r} that it is there {count!r} times, which is no count")
    return keys


@dataclass(frozen=True, slots=True)
class Found:
    """What was read back: `keys` is None where it could not be, and `why` says why."""

    keys: Mapping[str, int] | None
    why: str = ""


def keep_found(path: Path, found: Found) -> None:
    """Write it as `found.json` of a run folder. Raises RunFolderError."""
    write_json(path, {"keys": None if found.keys is None else dict(found.keys), "why": found.why})


def read_found(path: Path) -> Found:
    """What keep_found wrote. A run that ended before has none: not read. Raises RunFolderError for a damaged file."""
    if not path.is_file():
        return Found(None, "the run ended before the writes were read back")
    body = read_json(path)
    if not isinstance(body, dict) or body.get("keys") is None:
        return Found(None, str(body.get("why", "")) if isinstance(body, dict) else "")
    try:
        return Found(_checked(body))
    except ValueError as error:
        return Found(None, f"{path.name} is damaged: {error}")

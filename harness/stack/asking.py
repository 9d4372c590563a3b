"""What an engineer asks a running stack: a service's answer to a GET, and which alerts it has sent."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

from harness.errors import HarnessError, StartError, one_of
from harness.outpost.client import OutpostClient
from harness.stack.state import StackState

ANSWER_WITHIN_S = 5.0
ANSWER_MAX = 4 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is 0 where no whole answer came; `text` is its body then, or why."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class SentAlert:
    """The last word on one alert; `labels` without its name. `since` is when it began or ended, in RFC 3339."""

    name: str
    labels: str
    is_firing: bool
    since: str
    summary: str

    def line(self) -> str:
        how = f"FIRING since {self.since}: {self.summary}" if self.is_firing else f"over since {self.since}"
        return f"{self.name} {self.labels} {how}"


def get(state: StackState, service: str, path: str) -> Answer:
    """GET of a service, around every link: of a container by the outpost, which stands among them, and JSON only then.
    Raises HarnessError for a service that is not known."""
    if service not in state.reached:
        raise StartError(one_of("service", service, state.reached, where="the stack"))
    if not path.startswith("/"):
        raise HarnessError(f"a path begins with /, as in /healthz; given {path!r}")
    if state.kind != "embedded":
        fetched = OutpostClient(state.outpost).fetch(f"http://{state.reached[service]}{path}")
        return Answer(fetched.status, fetched.error or json.dumps(fetched.body))
    connection = http.client.HTTPConnection(state.reached[service], timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(ANSWER_MAX).decode("utf-8", errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"no answer: {type(error).__name__}: {error}")
    finally:
        connection.close()


def alerts(state: StackState) -> list[SentAlert]:
    """The last word on each alert that was sent since the stack was started: what is over first, then what is firing.

    Raises HarnessError where nobody listened: no alert heard is no news then.
    """
    if not state.outpost or not state.alerts:
        raise HarnessError("this stack sends its alerts elsewhere, so that none is heard here; look there")
    client, found, since = OutpostClient(state.outpost), dict[str, SentAlert](), 0
    while True:
        heard = client.heard(since)
        for one in heard.notices:
            labels = dict(one["labels"])
            name = labels.pop("alertname", "")
            firing = one["status"] == "firing"
            found[one["fingerprint"] or json.dumps(one["labels"], sort_keys=True)] = SentAlert(
                name=name,
                labels=",".join(f"{key}={value}" for key, value in sorted(labels.items())),
                is_firing=firing,
                since=one["startsAt"] if firing else one["endsAt"],
                summary=one["annotations"].get("summary", ""),
            )
        since = heard.next
        if not heard.notices:
            return sorted(found.values(), key=lambda one: one.is_firing)

"""The tap of a stack: gives it its links, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import TapError
from harness.record import HealReport
from harness.stack.state import RunningLink, StackState
from harness.tap.client import TapClient, TapLink
from harness.waiting import wait_until

ANSWERS_WITHIN_S = 5.0


def answers(client: TapClient) -> bool:
    """Whether it is there to be steered."""
    try:
        client.clock_ns()
    except TapError:
        return False
    return True


def give_link(client: TapClient, link: RunningLink) -> None:
    """Let the tap listen for a link that has one. Raises TapError."""
    client.add(link.name, link.listen, link.behind_tap)


def give_links(state: StackState) -> None:
    """Let the tap listen for every link that has one. Raises TapError."""
    for link in state.links:
        if link.behind_tap:
            give_link(TapClient(state.tap), link)


def heal_taps(state: StackState, *, patiently: bool = False) -> HealReport:
    """No rule in force, every link there. Never raises: what could not be mended is in the report's `broken`.

    `patiently`: the tap may have been started this moment, and takes its time to answer.
    """
    if not state.tap:
        return HealReport()
    client = TapClient(state.tap)
    if patiently:
        wait_until(lambda: answers(client), ANSWERS_WITHIN_S)
    found: list[str] = []
    try:
        now = client.links()
        found = [sentence for link in state.links for sentence in _differences(link, now)]
        if not found:
            return HealReport()
        client.clear()
        for link in state.links:
            if link.behind_tap and link.name not in now:
                give_link(client, link)
        now = client.links()
        left = [sentence for link in state.links for sentence in _differences(link, now)]
    except TapError as error:
        return HealReport(broken=(*found, str(error)))
    return HealReport(tuple(one for one in found if one not in left), tuple(left))


def _differences(link: RunningLink, now: dict[str, TapLink]) -> Iterator[str]:
    """What is out of place, in sentences."""
    if not link.behind_tap:
        return
    if link.name not in now:
        yield f"{link.name}: the tap did not listen for it"
        return
    for _, rule in now[link.name].rules:
        yield f"{link.name}: the tap's rule {rule.name} was in"

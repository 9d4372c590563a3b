"""What `harness init` writes into somebody's project: a scenario, a locustfile where there is none, the override."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import openapi
from harness.adopt.edges import Edge
from harness.adopt.link_names import link_names
from harness.errors import RunFolderError
from harness.light_load import light_load

if TYPE_CHECKING:
    from harness.stack.docker.discover import WhileWatched

Say = Callable[[str], None]

SCENARIO = '''"""Does {entry} keep answering while {service} is slow?"""

from harness import Availability, Latency, LatencyBelow, Load, Recovers, Scenario, during

scenario = Scenario(
    hypothesis="With {service} 200 ms slow nearly every request is ok within 2 s, and all is well 5 s after.",
    load=Load("{locustfile}", rate_per_s=10),
    faults=during(15, 30, Latency("{link}", delay_ms=200)),
    checks=(Availability(ok_ratio_min=0.99), LatencyBelow(2000, percentile=95), Recovers(within_s=5)),
)
'''


@dataclass(slots=True)
class Written:
    """What was written and what was there already and is kept, by path."""

    new: list[Path]
    kept: list[Path]

    def write(self, path: Path, text: str) -> None:
        """Raises RunFolderError where that cannot be; never overwrites."""
        if path.exists():
            self.kept.append(path)
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunFolderError(f"cannot write {path}: {error.strerror or error}; mend its permissions") from error
        self.new.append(path)


def first_load(locustfile: Path, written: Written, say: Say) -> WhileWatched:
    """The load under which the stack is watched: the project's own locustfile, else one that is written now."""

    @contextlib.contextmanager
    def load(address: str, cancelled: Callable[[], bool]) -> Iterator[None]:
        if not locustfile.exists():
            written.write(locustfile, openapi.locustfile(openapi.ask(address, cancelled)))
        with light_load(locustfile, say)(address, cancelled):
            yield

    return load


def first_scenario(entry: str, edges: tuple[Edge, ...], locustfile: str) -> str:
    """A scenario that runs as it is: the first link of the entry, or the first of all, a little slow."""
    links = link_names(edges)
    name, edge = next(((n, e) for n, e in links.items() if e.client == entry), next(iter(links.items())))
    return SCENARIO.format(entry=edge.client, service=edge.service, link=name, locustfile=locustfile)

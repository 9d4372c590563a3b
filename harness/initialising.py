"""What `harness init` writes into somebody's project: a scenario, a locustfile where there is none, the override."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import openapi
from harness.errors import ComposeFileError, RunFolderError
from harness.light_load import light_load
from harness.stack.spec import StackSpec

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


def first_scenario(spec: StackSpec, override: Path, locustfile: str) -> str:
    """A scenario that runs as it is: the first link of the entry, or the first of all, a little slow. Raises
    ComposeFileError for a stack without any."""
    links = sorted(spec.links.values(), key=lambda link: link.client != spec.entry_service)
    if not links:
        raise ComposeFileError(
            f"the x-harness of {override} has no link; add one, or remove the file to have them found"
        )
    link = links[0]
    return SCENARIO.format(entry=link.client, service=link.service, link=link.name, locustfile=locustfile)

"""What a stack cannot do is refused by name, with the stack that can, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness import CpuSqueeze, DiskFull, DnsFailure, Freeze, Kill, MemorySqueeze, Partition, Restart, Stop, loader
from harness.errors import ScenarioError
from harness.stack import powers
from harness.stack.compose_file import read_compose_file
from harness.stack.docker.powers import ContainerPowers
from harness.stack.process_powers import ProcessPowers
from harness.world import POWERS

ROOT = Path(__file__).parents[2]
SPEC = read_compose_file(ROOT / "docker-compose.yml", {})
DATA = "/var/lib/postgresql/data"
FULL = DiskFull("postgres", path=DATA)
EVERYWHERE = [
    *(kind("payments") for kind in (Kill, Stop, Freeze, Restart)),
    CpuSqueeze("payments", cores=0.5),
    MemorySqueeze("payments", limit_mb=50),
    FULL,
]


@dataclass(frozen=True)
class _Melt:
    service: str
    needs: str = "heat"
    cuts: bool = False

    def inject(self, stack):
        raise NotImplementedError


@pytest.mark.parametrize("kind", ["embedded", "docker"])
def test_what_every_stack_can_do_is_not_refused(kind):
    """Seven of the nine, as root."""
    assert [powers.why_not(fault, SPEC, kind, is_root=True) for fault in EVERYWHERE] == [None] * len(EVERYWHERE)


@pytest.mark.parametrize("fault", [Partition("payments"), DnsFailure("api")])
def test_what_needs_networks_is_for_docker(fault):
    """The embedded stack says what it can do instead."""
    assert powers.why_not(fault, SPEC, "docker", is_root=True) is None
    assert powers.why_not(fault, SPEC, "embedded", is_root=True) == (
        f"{fault.needs} needs --stack docker; the embedded stack can: cpu, disk, freeze, kill, memory, restart, stop"
    )


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (
            Kill("toxiproxy"),
            "docker",
            "break a link instead: api-payments, api-postgres, api-shipping, backup-postgres, etl-feed, etl-postgres",
        ),
        (Kill("paymets"), "docker", "did you mean 'payments'"),
        (_Melt("api"), "docker", "unknown power 'heat'"),
        (DiskFull("postgres", path="/data"), "docker", f"at /data (bounded: {DATA})"),
        (DiskFull("api", path="/tmp"), "embedded", "at /tmp (bounded: none)"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(fault, kind, says):
    """Toxiproxy, a service, a power, a disk."""
    assert says in (powers.why_not(fault, SPEC, kind, is_root=True) or "")


def test_a_full_disk_needs_root_and_on_the_embedded_stack_postgresql():
    """Only root can mount a file system, or reach one of the engine's."""
    for kind in ("embedded", "docker"):
        assert "needs root" in (powers.why_not(FULL, SPEC, kind, is_root=False) or "")
    api = replace(SPEC.services["api"], disks={"/data": 1000})
    spec = replace(SPEC, services={**SPEC.services, "api": api})
    assert powers.why_not(DiskFull("api", path="/data"), spec, "docker", is_root=True) is None
    assert "needs --stack docker" in (
        powers.why_not(DiskFull("api", path="/data"), spec, "embedded", is_root=True) or ""
    )


def test_a_scenario_that_asks_for_it_is_told_with_its_line(tmp_path):
    """As any other mistake in a scenario is."""
    path = tmp_path / "apart.py"
    path.write_text(
        '"""Apart?"""\nfrom harness import *\nscenario = Scenario(hypothesis="h", load=Load("shop.py", rate_per_s=1),\n'
        '    faults=during(1, 2, Partition("payments")),\n    checks=(Recovers(within_s=1),))\n',
        encoding="utf-8",
    )
    loaded = loader.load(path)
    loader.check_services(loaded, SPEC, "docker")
    with pytest.raises(ScenarioError, match=r"apart\.py:4: partition needs --stack docker"):
        loader.check_services(loaded, SPEC, "embedded")


def test_every_power_has_a_stack_and_a_name_that_is_known():
    """Both kinds of stack name powers that there are, and together all of them."""
    assert frozenset().union(*powers.CAN.values()) == frozenset(POWERS)
    methods = {name for name in dir(ProcessPowers) if not name.startswith("_")} - {"process"}
    assert methods == {name for name in dir(ContainerPowers) if not name.startswith("_")}

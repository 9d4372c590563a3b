"""The heal of services: whoever calls it, whatever died, both kinds of stack are what they were."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

from harness import CpuSqueeze, DnsFailure, Freeze, Kill, MemorySqueeze, Partition
from harness.record import HealReport
from harness.stack import state as states
from harness.stack.found import as_found
from harness.stack.heal import heal
from tests.integration.kept_shop import DATA, KeptShop, left_of
from tests.integration.project import Project, short, wait_for, words

EVERYWHERE = 'Freeze("payments"), CpuSqueeze("api", cores=0.3), MemorySqueeze("api", limit_mb=2000), Kill("postgres")'
WITH_ROOT = f'DiskFull("postgres", path="{DATA}"), '
WITH_DOCKER = ', DnsFailure("api"), Partition("payments")'


def _broken_run(shop: KeptShop, name: str) -> subprocess.Popen[str]:
    """A run in the middle of everything that this kind of stack can do at once."""
    disk, docker = WITH_ROOT if os.geteuid() == 0 else "", WITH_DOCKER if shop.kind == "docker" else ""
    faults = f"during(3, 60, {disk}{EVERYWHERE}{docker})"
    shop.project.scenario(name, short(faults, duration_s="60").replace("rate_per_s=40", "rate_per_s=15"))
    process = shop.project.start("run", f"scenarios/{name}.py")
    count = faults.count('("')
    wait_for(lambda: _injected(shop, name) == count, 40, f"{count} faults")
    assert len(shop.out_of_place()) >= 2
    return process


def _injected(shop: KeptShop, name: str) -> int:
    return sum(mark["kind"] == "injected" for mark in shop.project.marks(name))


def test_a_harness_that_is_killed_in_mid_fault_is_healed_within_five_seconds(shop: KeptShop) -> None:
    """kill -9: the guardian leaves nothing stopped, dead, cut off, squeezed or full, and the shop sells."""
    process = _broken_run(shop, "killed")
    process.kill()
    shop.wait_well(5)
    process.communicate(timeout=10)
    shop.wait_sells()


def test_ctrl_c_in_mid_fault_heals_services_too(shop: KeptShop) -> None:
    """Exit 130, and all is as it was."""
    process = _broken_run(shop, "stopped")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert shop.out_of_place() == []
    (report,) = [mark for mark in shop.project.marks("stopped") if mark["kind"] == "heal_report"]
    assert report["broken"] == ""
    assert "payments: " in report["mended"]
    shop.wait_sells()


def test_a_run_with_a_fault_on_a_service_keeps_its_promises(shop: KeptShop) -> None:
    """It goes in and out on its time, is felt, leaves nothing for the last heal to find, and the kept stack running."""
    before = shop.process("api")
    # a breaker that one of them opens lets its next probe through three seconds later
    faults = '*during(2, 4, Freeze("payments")), *during(7, 12, Restart("payments"))'
    shop.project.scenario("frozen", short(faults, duration_s="13"))
    done = shop.project.run("run", "scenarios/frozen.py")
    found = words(shop.project.latest("frozen"))
    for name in ("Run complete", "Faults on time", "Fault felt: freeze payments", "Fault felt: restart payments"):
        assert found[name] == "pass", done.stdout
    (report,) = [mark for mark in shop.project.marks("frozen") if mark["kind"] == "heal_report"]
    assert report["mended"] == ""
    assert shop.process("api") == before


def test_the_heal_of_the_stack_ends_what_would_go_on_breaking_it(shop: KeptShop) -> None:
    """What is killed for its memory is not killed again after, what is squeezed is not stopped again."""
    MemorySqueeze("payments", limit_mb=8).inject(shop.stack)
    CpuSqueeze("api", cores=0.01).inject(shop.stack)
    wait_for(lambda: shop.stack.fallen() == ["payments"], 5, "its end")
    assert any("payments" in sentence for sentence in shop.stack.heal().mended)
    shop.wait_sells()
    assert shop.out_of_place() == []
    assert heal(shop.state) == HealReport()


def test_harness_heal_mends_by_hand_and_says_what(shop: KeptShop) -> None:
    """What a harness left that died with its guardian; the second time nothing is found."""
    faults = [Freeze("payments"), Kill("postgres")]
    if shop.kind == "docker":
        faults += [Partition("payments"), DnsFailure("api"), CpuSqueeze("api", cores=0.5)]
        faults += [MemorySqueeze("api", limit_mb=2000)]
    for fault in faults:
        fault.inject(shop.stack)
    done = shop.project.run("heal")
    assert done.returncode == 0, done.stdout
    assert "mended: payments: " in done.stdout
    assert "mended: postgres: " in done.stdout
    assert shop.out_of_place() == []
    assert "nothing was broken" in shop.project.run("heal").stdout
    shop.stack.heal()  # the faults of this test are forgotten
    shop.wait_sells()


def test_harness_heal_brings_even_toxiproxy_back(shop: KeptShop) -> None:
    """A kept stack that has lost it says what to do, and that does it: its proxies too are as they were."""
    Kill("toxiproxy").inject(shop.stack)
    done = shop.project.run("stack", "status")
    assert done.returncode == 6, done.stdout
    assert "mend it with `harness heal`" in done.stdout
    done = shop.project.run("heal")
    assert done.returncode == 0, done.stdout
    assert "mended: toxiproxy: " in done.stdout
    shop.stack.heal()
    shop.wait_sells()


def test_what_was_asked_to_end_is_not_taken_for_alive(shop: KeptShop) -> None:
    """A harness that was killed while it stopped a service: the heal ends it for good, and starts it again."""
    before, note = shop.process("payments"), shop.state.ending_note("payments")
    assert note is not None
    note.touch()
    assert len(heal(shop.state).mended) == 1
    assert shop.process("payments") not in (None, before)
    assert not note.exists()
    shop.wait_sells()


def test_heals_at_the_same_time_start_a_service_once(shop: KeptShop) -> None:
    """The guardian and a person may both see that it is dead."""
    Kill("payments").inject(shop.stack)
    reports: list[HealReport] = []
    threads = [threading.Thread(target=lambda: reports.append(heal(shop.state))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [report.broken for report in reports] == [()] * 4
    shop.stack.heal()
    assert shop.out_of_place() == []
    shop.wait_sells()


def test_a_run_takes_a_kept_stack_as_it_finds_it(shop: KeptShop) -> None:
    """What somebody else stopped before is neither mended by a run nor blamed on it; `harness heal` mends it."""
    _hold_by_hand(shop)
    found = as_found(shop.state.attached())
    assert heal(found).mended == ()
    assert len(shop.out_of_place()) == 1
    assert len(heal(shop.state).mended) == 1
    assert shop.out_of_place() == []


def _hold_by_hand(shop: KeptShop) -> None:
    container, process = shop.service("payments").container, shop.process("payments")
    if container is not None:
        subprocess.run(["docker", "pause", container.id], capture_output=True, check=True, timeout=20)
    else:
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
    wait_for(lambda: bool(shop.out_of_place()), 5, "its stop")


def test_a_kept_stack_of_another_kind_is_told(shop: KeptShop) -> None:
    """--stack says what a run wants; it is not given another in silence."""
    shop.project.scenario("calm", short(""))
    other = {"embedded": "docker", "docker": "embedded"}[shop.kind]
    done = shop.project.run("run", "scenarios/calm.py", "--stack", other)
    assert done.returncode == 6, done.stdout
    assert f"the stack that is kept here is {shop.kind}, not {other}" in done.stdout


def test_what_was_started_again_is_taken_down_too(project: Project) -> None:
    """kill -9 of a run with a stack of its own: what it started in the middle ends with all else."""
    faults = '*during(3, 4, Kill("payments")), *during(3, 4, Restart("postgres"))'
    project.scenario("again", short(faults, duration_s="45"))
    process = project.start("run", "scenarios/again.py")
    wait_for(lambda: sum(mark["kind"] == "healed" for mark in project.marks("again")) == 2, 40, "both heals")
    state = states.read(project.latest("again").stack)
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not project.left_over() and not left_of(state), 15, "the end of all of it")

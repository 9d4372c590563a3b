"""Runs that attach to a stack that is kept: what they break they put back, whatever happens to them."""

from __future__ import annotations

import os
import signal

import requests

from tests.integration.project import Project, short, wait_for, words

SLOW = 'during(4, 6, Latency("api-payments", delay_ms=300))'
GONE_FOR_LONG = (
    'during(4, 60, Outage("api-postgres"), Latency("api-payments", delay_ms=2000), Blackhole("api-payments"))'
)


def _is_whole(project: Project) -> bool:
    links = project.status()["links"].values()
    return all(link["enabled"] and not link["toxics"] for link in links)


def _api_is_whole(url: str) -> bool:
    """As anybody sees it at Toxiproxy's API: every proxy enabled, and without toxics."""
    proxies = requests.get(f"{url}/proxies", timeout=5).json().values()
    return all(proxy["enabled"] and not proxy["toxics"] for proxy in proxies)


def test_status_names_every_service_link_and_the_api(kept: Project) -> None:
    """Each service has an address, a pid and a log; each link two ends; Toxiproxy its API."""
    status = kept.status()
    shop = {"api", "backup", "etl", "feed", "payments", "postgres", "shipping"}
    assert set(status["services"]) - {"alertmanager", "prometheus"} == {
        *shop,
        "toxiproxy",
        "harness-tap",
        "harness-outpost",
    }
    assert all(one["alive"] and one["pid"] and one["log"] for one in status["services"].values())
    links = {"api-payments", "api-postgres", "api-shipping", "backup-postgres", "etl-feed", "etl-postgres"}
    assert set(status["links"]) == links
    assert requests.get(f"{status['toxiproxy_url']}/version", timeout=5).json()["version"] == "2.12.0"


def test_a_service_that_has_ended_is_told_before_the_run(kept: Project) -> None:
    """Exit 6 with its name, nothing injected; `harness heal` starts it again, and says so."""
    os.kill(int(kept.status()["services"]["payments"]["pid"]), signal.SIGKILL)
    wait_for(lambda: not kept.status()["services"]["payments"]["alive"], 10, "the end of payments")
    kept.scenario("slow", short(SLOW))
    done = kept.run("run", "scenarios/slow.py")
    assert done.returncode == 6, done.stdout
    assert "payments of the kept stack has ended" in done.stdout
    assert not any(mark["kind"] == "injecting" for mark in kept.marks("slow"))
    assert "payments: its process had ended" in kept.run("heal").stdout
    assert kept.status()["services"]["payments"]["alive"]


def test_a_run_keeps_its_promises(kept: Project) -> None:
    """It passes, has felt its fault, leaves all files of the design, and the stack as it was."""
    kept.scenario("slow", short(SLOW))
    done = kept.run("run", "scenarios/slow.py")
    assert done.returncode == 0, done.stdout
    folder = kept.latest("slow")
    for path in (folder.manifest, folder.stack, folder.samples, folder.resources, folder.verdicts, folder.findings):
        assert path.stat().st_size > 0
    for path in (folder.report, folder.junit, folder.summary):
        assert path.stat().st_size > 0
    assert words(folder)["Fault felt: latency api-payments"] == "pass"
    kinds = [mark["kind"] for mark in kept.marks("slow") if mark["kind"] != "tap"]  # one a link
    assert kinds == [
        "start",
        "zero",
        "webhook",
        "baseline_judged",
        "injecting",
        "injected",
        "healing",
        "healed",
        "heal_report",
        "outpost",
        "end",
    ]
    assert _is_whole(kept)


def test_a_window_on_a_link_without_traffic_is_unknown(kept: Project) -> None:
    """A fault that nothing crossed proves nothing: exit 4."""
    reader = "    @task\n    def look(self):\n        self.client.get('/catalogue')\n"
    locustfile = f"from locust import FastHttpUser, task\n\nclass Reader(FastHttpUser):\n{reader}"
    (kept.folder / "reader.py").write_text(locustfile, encoding="utf-8")
    kept.scenario("unfelt", short(SLOW).replace("shop.py", "reader.py"))
    done = kept.run("run", "scenarios/unfelt.py")
    assert done.returncode == 4, done.stdout
    assert "No traffic crossed api-payments" in done.stdout


def test_a_target_that_is_broken_before_stops_the_run(kept: Project) -> None:
    """Exit 3: nothing is injected, and what somebody else broke is left as it was."""
    url = kept.status()["toxiproxy_url"]
    requests.patch(f"{url}/proxies/api-postgres", json={"enabled": False}, timeout=5)
    try:
        kept.scenario("broken", short(SLOW))
        done = kept.run("run", "scenarios/broken.py")
        assert done.returncode == 3, done.stdout
        assert not [mark for mark in kept.marks("broken") if mark["kind"].startswith("inject")]
        assert not _api_is_whole(url)
    finally:
        healed = kept.run("heal")
    assert "mended: api-postgres: the proxy was disabled" in healed.stdout
    assert "nothing was broken" in kept.run("heal").stdout


def test_a_harness_that_is_killed_is_healed_after(kept: Project) -> None:
    """kill -9 in mid-fault: the guardian makes every proxy whole within five seconds, and the stack lives on."""
    kept.scenario("killed", short(GONE_FOR_LONG, duration_s="60"))
    url = kept.status()["toxiproxy_url"]
    process = kept.start("run", "scenarios/killed.py")
    kept.wait_for_mark("killed", "injected")
    wait_for(lambda: not _api_is_whole(url), 5, "the fault")
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: _api_is_whole(url), 5, "healing by the guardian")
    assert all(one["alive"] for one in kept.status()["services"].values())
    load = [one for one in kept.left_over() if "harness.load" in " ".join(one.cmdline())]
    wait_for(lambda: not any(one.is_running() and one.status() != "zombie" for one in load), 5, "the end of the load")


def test_a_killed_run_can_still_be_reported(kept: Project) -> None:
    """Its evidence is there, up to the last whole batch; the page says that it was not judged."""
    done = kept.run("report", "reports/killed")
    assert done.returncode == 0, done.stdout
    assert "ended before it was judged" in kept.latest("killed").report.read_text(encoding="utf-8")


def test_ctrl_c_heals_and_more_of_it_does_not_cut_it_short(kept: Project) -> None:
    """The first ends the run with 130, healed; a second and a third change nothing."""
    kept.scenario("stopped", short(GONE_FOR_LONG, duration_s="60"))
    url = kept.status()["toxiproxy_url"]
    process = kept.start("run", "scenarios/stopped.py")
    kept.wait_for_mark("stopped", "injected")
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert _api_is_whole(url)
    kinds = [mark["kind"] for mark in kept.marks("stopped") if mark["kind"] != "tap"]
    assert kinds[-4:] == ["heal_report", "outpost", "interrupted", "end"]


def test_a_harness_that_hangs_is_healed_after(kept: Project) -> None:
    """Stopped in mid-fault, it is neither dead nor alive: the guardian heals after ten seconds of silence."""
    kept.scenario("hung", short(GONE_FOR_LONG, duration_s="60"))
    url = kept.status()["toxiproxy_url"]
    process = kept.start("run", "scenarios/hung.py")
    kept.wait_for_mark("hung", "injected")
    wait_for(lambda: not _api_is_whole(url), 5, "the fault")
    process.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: _api_is_whole(url), 20, "healing by the guardian")
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert _api_is_whole(url)


def test_two_runs_do_not_break_one_stack_at_once(kept: Project) -> None:
    """The second is refused, since each would judge the other's faults."""
    kept.scenario("first", short(GONE_FOR_LONG, duration_s="60"))
    kept.scenario("second", short(SLOW))
    process = kept.start("run", "scenarios/first.py")
    kept.wait_for_mark("first", "injected")
    done = kept.run("run", "scenarios/second.py")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert done.returncode == 6, done.stdout
    assert "another harness uses the kept stack" in done.stdout


def test_a_taken_stack_is_not_started_twice(kept: Project) -> None:
    """`stack up` on a kept stack says that it is up."""
    done = kept.run("stack", "up")
    assert done.returncode == 6
    assert "kept already" in done.stdout


def test_other_variables_than_the_kept_stack_has_are_told(kept: Project) -> None:
    """A WEAKNESS given to a run cannot change a stack that runs already, and the run says so."""
    kept.scenario("weak", short(SLOW, duration_s="6.5"))
    done = kept.run("run", "scenarios/weak.py", WEAKNESS="tiny-pool")
    assert "WEAKNESS is 'tiny-pool' here" in done.stdout


def test_a_full_disk_ends_a_run_in_words(kept: Project) -> None:
    """A disk that takes no more: a clear error, the stack healed."""
    kept.scenario("full", short(SLOW))
    done = kept.run("run", "scenarios/full.py", prefix=["prlimit", "--fsize=20000"])
    assert done.returncode in (2, 4), done.stdout
    assert "File too large" in done.stdout
    assert _is_whole(kept)

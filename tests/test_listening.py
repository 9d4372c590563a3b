"""What the outpost hears is kept while the run goes on, whole or with why not, and stands in no run's way."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness import history as histories
from harness import kept, listening
from harness.errors import RunFolderError
from harness.listening import Listening
from harness.model import Reads
from harness.notices import read_accounts, read_notices
from harness.outpost.client import Fetched, Heard
from harness.record import Account, Notice
from harness.stack.ports import free_ports
from harness.waiting import wait_until
from tests.builders import history, run_folder, steady
from tests.notices import alert as notice
from tests.outpost.bench import alert, message, running_outpost, service

ACCOUNT = Account(1.5, "etl", "/imports/7", 200, {"loaded": ["a", "ü"]})


class _Run:
    """The files of a run, and the clock that began when it was made."""

    def __init__(self, folder: Path) -> None:
        self.notices, self.accounts = folder / "notices.jsonl", folder / "accounts.jsonl"
        self.zero_ns = time.monotonic_ns()

    def listen(self, address: str, reads: tuple[Reads, ...] = (), url: str = "") -> Listening:
        return Listening(address, self.zero_ns, reads, lambda name: url, self.notices, self.accounts)

    def heard(self, count: int) -> bool:
        return wait_until(lambda: len(read_notices(self.notices) or ()) >= count, 5)


def test_alerts_and_accounts_are_on_disk_soon(tmp_path):
    """With their times on the run's clock, each read at its own pace and once more at the end."""
    reads = (Reads("etl", "/imports", 0.2), Reads("etl", "/hang", 60), Reads("etl", "/imports", 9))
    with running_outpost(tmp_path) as outpost, service() as url:
        run = _Run(tmp_path)
        listen = run.listen(outpost.client.address, reads, url)
        outpost.post(message(alert("A"), alert("A", "resolved", endsAt="then")))
        assert run.heard(2)
        assert wait_until(lambda: len(read_accounts(run.accounts)) >= 4, 5)
        outpost.post(message(alert("B")))
        listen.stop()
        assert listen.error is None
        outpost.post(message(alert("after the end")))
    first, second, last = read_notices(run.notices)
    assert (first.status, first.name, first.fingerprint) == ("firing", "A", "f-A")
    assert first.annotations == {"runbook_url": "runbooks/down.md"}
    assert (second.status, second.starts_at, second.ends_at) == ("resolved", "2026-01-01T00:00:00Z", "then")
    assert last.name == "B"
    assert 0 < first.at_s <= second.at_s < last.at_s < 15
    accounts = read_accounts(run.accounts)
    paced = [one for one in accounts if one.path == "/imports"]
    assert {(one.service, one.status, one.body["path"]) for one in paced} == {("etl", 200, "/imports")}
    assert paced[0].at_s < first.at_s + 1
    assert paced[-1].at_s > last.at_s - 0.5
    assert [(one.status, one.body) for one in accounts if one.path == "/hang"] == [(0, None), (0, None)]


def test_of_the_runs_before_on_the_same_stack_only_what_goes_on_is_kept(tmp_path):
    """An alert that came and went, and a message that made no sense, are no matter of this run."""
    with running_outpost(tmp_path) as outpost, service() as url:
        outpost.post(message(alert("gone"), alert("on")))
        outpost.post(message(alert("gone", "resolved", endsAt="then")))
        outpost.post(b"nonsense")
        run = _Run(tmp_path)
        listen = run.listen(outpost.client.address, (), url)
        assert run.heard(1)
        outpost.post(message(alert("on", "resolved", endsAt="then"), alert("new")))
        assert run.heard(3)
        listen.stop()
    assert listen.told() == {"error": "", "unread": "", "malformed": 0, "malformed_last": ""}
    told = [(one.name, one.status) for one in read_notices(run.notices)]
    assert told == [("on", "firing"), ("on", "resolved"), ("new", "firing")]


def _within(seconds: float, do) -> None:
    began_s = time.monotonic()
    do()
    assert time.monotonic() - began_s < seconds


def test_an_outpost_that_dies_is_kept_as_an_error(tmp_path):
    """What it had told is there, and the end comes in time."""
    run = _Run(tmp_path)
    with running_outpost(tmp_path) as outpost:
        listen = run.listen(outpost.client.address, (Reads("etl", "/x"),), "http://127.0.0.1:1")
        outpost.post(message(alert()))
        assert run.heard(1)
    assert wait_until(lambda: listen.error is not None, 5)
    _within(3, listen.stop)
    assert f"the outpost at {outpost.client.address} did not answer heard" in (listen.error or "")
    assert "did not answer heard" in str(listen.told()["error"])
    assert len(read_notices(run.notices) or ()) == 1


def test_an_outpost_that_was_never_there_is_an_error_too(tmp_path):
    """Nothing is raised; the file is there, and empty."""
    run = _Run(tmp_path)
    listen = run.listen(f"127.0.0.1:{free_ports(1)[0]}")
    _within(3, listen.stop)
    assert "did not answer heard" in (listen.error or "")
    assert read_notices(run.notices) == ()


def test_an_outpost_that_came_back_has_lost_what_it_knew(tmp_path):
    """It numbers anew, and that is told."""
    (port,) = free_ports(1)
    run = _Run(tmp_path)
    with running_outpost(tmp_path, port=port) as outpost:
        listen = run.listen(outpost.client.address)
        outpost.post(message(alert()))
        assert run.heard(1)
    assert wait_until(lambda: "did not answer" in (listen.error or ""), 5)
    with running_outpost(tmp_path, port=port) as outpost:
        assert wait_until(lambda: "was started anew" in (listen.error or ""), 5)
        assert wait_until(lambda: "did not answer" not in (listen.error or ""), 5)
        outpost.post(message(alert("B")))
        listen.stop()
    assert listen.error == "the outpost was started anew, and what it had heard may be lost"
    assert [one.name for one in read_notices(run.notices) or ()] == ["Down", "B"]


def test_an_end_is_never_waited_for_longer_than_allowed(tmp_path, monkeypatch):
    """Whatever hangs."""
    hold, held = threading.Event(), threading.Event()
    listen = _Run(tmp_path).listen("127.0.0.1:1")
    monkeypatch.setattr(listening.OutpostClient, "heard", lambda *_: held.set() or hold.wait(20))
    assert held.wait(5)
    _within(2, lambda: listen.stop(within_s=0.3))
    assert "listening-alerts did not end within 0.3 s" in (listen.error or "")
    hold.set()


def test_whatever_goes_wrong_is_kept_and_not_raised(tmp_path):
    """A service that nobody knows, for one; the alerts go on being heard."""
    with running_outpost(tmp_path) as outpost:
        run = _Run(tmp_path)
        reads, nobody = (Reads("nobody", "/x"),), {}.__getitem__
        listen = Listening(outpost.client.address, run.zero_ns, reads, nobody, run.notices, run.accounts)
        assert wait_until(lambda: listen.error is not None, 5)
        outpost.post(message(alert()))
        listen.stop()
    assert listen.error == "listening for nobody/x broke off: KeyError: 'nobody'"
    assert len(read_notices(run.notices) or ()) == 1


def test_a_service_that_does_not_answer_puts_no_doubt_on_alerts(tmp_path):
    """What was not read is told apart from what was not heard."""
    with running_outpost(tmp_path) as outpost:
        run = _Run(tmp_path)
        listen = run.listen(outpost.client.address, (Reads("etl", "/x y".replace(" ", "%20"), 0.2),), "no address")
        assert wait_until(lambda: listen.error is not None, 5)
        listen.stop()
    told = listen.told()
    assert told["error"] == ""
    assert told["unread"]


def test_malformed_messages_are_told(tmp_path):
    """So that a check knows that an alert may be among them."""
    with running_outpost(tmp_path) as outpost:
        listen = _Run(tmp_path).listen(outpost.client.address)
        outpost.post({"version": "3"})
        listen.stop()
    told = listen.told()
    assert (told["error"], told["malformed"]) == ("", 1)
    assert "no Alertmanager message" in str(told["malformed_last"])


def test_the_clock_of_another_kernel_is_reckoned_with(tmp_path, monkeypatch):
    """Times are of the run all the same."""
    ahead_ns = 10**15
    with running_outpost(tmp_path) as outpost:
        real = listening.OutpostClient.heard

        def heard(self, since):
            one = real(self, since)
            notices = tuple({**each, "at_ns": each["at_ns"] + ahead_ns} for each in one.notices)
            return replace(one, now_ns=one.now_ns + ahead_ns, notices=notices)

        monkeypatch.setattr(listening.OutpostClient, "heard", heard)
        run = _Run(tmp_path)
        listen = run.listen(outpost.client.address)
        outpost.post(message(alert()))
        listen.stop()
    (one,) = read_notices(run.notices) or ()
    assert 0 < one.at_s < 5


def test_the_first_account_is_on_the_clock_of_the_run_too(tmp_path, monkeypatch):
    """On another kernel, and before any alert was asked for."""
    ahead_ns = 10**15

    class Outpost:
        def __init__(self, address):
            pass

        def heard(self, since):
            time.sleep(0.5)
            return Heard(time.monotonic_ns() + ahead_ns, 0, (), 0, "")

        def now_ns(self):
            return time.monotonic_ns() + ahead_ns

        def fetch(self, url):
            return Fetched(200, {}, time.monotonic_ns() + ahead_ns)

    monkeypatch.setattr(listening, "OutpostClient", Outpost)
    run = _Run(tmp_path)
    run.listen("there", (Reads("etl", "/x"),)).stop()
    assert all(0 <= one.at_s < 5 for one in read_accounts(run.accounts))


def test_a_file_that_cannot_be_written_is_an_error_before_anything_begins(tmp_path):
    """As with the other files of a run."""
    with pytest.raises(RunFolderError, match="cannot write"):
        _Run(tmp_path / "nowhere").listen("127.0.0.1:1")


# ------------------------------------------------------------------------------------------------------ read again


def test_what_was_kept_is_the_history(tmp_path):
    """Notices of the warm-up too; None, not none, where no webhook was open."""
    notices = [*notice(-1, 44), Notice(50.0, "firing", "")]
    built = history(steady(50, 0, 30), notices=notices, accounts=[ACCOUNT])
    read = histories.read(run_folder(tmp_path / "run", built))
    assert read.notices == tuple(notices)
    assert read.accounts == (ACCOUNT,)
    without = histories.read(run_folder(tmp_path / "other", history(steady(50, 0, 30))))
    assert (without.notices, without.accounts) == (None, ())


@pytest.mark.parametrize(
    "rest", ['{"at_s": 3.0, "stat', "[]\n", '{"at_s": "soon"}\n', '{"at_s": 1, "more": 2}\n', "\x00\n"]
)
def test_a_last_line_that_was_cut_short_is_left_out(tmp_path, rest):
    """A killed run keeps what came before."""
    folder = run_folder(tmp_path / "run", history(steady(50, 0, 30), notices=notice(1, 2), accounts=[ACCOUNT]))
    for path in (folder.notices, folder.accounts):
        with path.open("a", encoding="utf-8") as file:
            file.write(rest)
    read = histories.read(folder)
    assert (len(read.notices or ()), read.accounts) == (2, (ACCOUNT,))


def test_notices_that_are_lost_since_the_verdicts_are_told(tmp_path):
    """The verdicts were given on them too."""
    folder = run_folder(tmp_path / "run", history(steady(50, 0, 30), notices=notice(1, 2), accounts=[ACCOUNT]))
    before = kept.judged(folder, histories.read(folder))
    folder.notices.unlink()
    (told,) = kept.changes(folder, histories.read(folder), before)
    assert told == "notices.jsonl is missing: 0 of the 2 notices that the verdicts were given on can be read."

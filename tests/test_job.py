"""From a run that has ended to its verdicts and its report, without a stack."""

from __future__ import annotations

import json

import pytest

from harness import job, report
from harness.checks.availability import Availability
from harness.errors import Interrupted, RunFolderError
from harness.model import Load, Scenario
from harness.plan import plan
from harness.runner import COMPLETE, Ending
from harness.watching import Silent
from tests.builders import history, run_folder, steady


class _Ran:
    """In place of a run: its evidence is in the folder already."""

    def __init__(self, plan, locustfile, folder, *_):
        run_folder(folder.path, history(steady(20, 0, 30), end_s=30), None)

    def execute(self, *_):
        return Ending(COMPLETE)


@pytest.fixture
def do(tmp_path, monkeypatch):
    monkeypatch.setattr(job, "Run", _Ran)
    monkeypatch.setattr(report, "_charts", lambda *_: [])
    scenario = Scenario(
        hypothesis="It holds.",
        load=Load("shop.py", rate_per_s=20),
        checks=(Availability(ok_ratio_min=0.99),),
        duration_s=30,
    )

    def done(view=None):
        planned = plan("calm", scenario)
        return job.do(planned, tmp_path, None, reports=tmp_path, command=["harness"], view=view or Silent())

    return done


def test_a_run_is_judged_kept_and_reported(do):
    """With what the verdicts were given on."""
    result = do()
    assert (result.exit_code, result.trouble) == (0, None)
    kept = json.loads(result.folder.verdicts.read_text(encoding="utf-8"))
    assert kept["judged"]["samples.arrow"]["rows"] == 600
    assert result.report is not None
    assert result.report.is_file()


@pytest.mark.parametrize("part", ["build", "write_json"])
def test_verdicts_outlive_a_report_that_cannot_be_written(do, monkeypatch, part):
    """The disk is full: the verdicts are given, with the trouble beside them."""

    def full(*_):
        raise RunFolderError("cannot write charts: No space left on device")

    monkeypatch.setattr(*((report, "build") if part == "build" else (job.store, "write_json")), full)
    result = do()
    assert result.verdicts[0].word == "pass"
    assert result.report is None
    assert "No space left" in str(result.trouble)


def test_an_interrupt_while_judging_says_how_to_get_the_report(do, monkeypatch):
    """It ends as an interrupt does, and names the folder."""

    class View(Silent):
        said = ""

        def say(self, line):
            self.said = line

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "build", interrupt)
    view = View()
    with pytest.raises(Interrupted) as caught:
        do(view)
    assert caught.value.exit_code == 130
    assert "`harness report" in view.said

"""The history on disk: whole when the run was whole, readable up to its last whole batch when it was not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness import history as histories
from harness.errors import RunFolderError
from harness.history import MarkWriter, ResourceWriter, read_marks, read_resources, read_samples
from harness.record import Mark
from harness.store import RunFolder, create, find
from tests.builders import fail, generator_readings, history, ok, run_folder, steady, unknown, window

WINDOWS = [window("slow", 10, 20, "api-postgres", delay_ms=20)]


def _built(**more):
    samples = [*steady(20, 0, 30, endpoint="GET /a"), fail(5, endpoint="POST /b"), unknown(6, 50, endpoint="POST /b")]
    return history(samples, WINDOWS, generator_readings(30), end_s=30, **more)


def test_what_is_written_is_read(tmp_path):
    """Samples, readings, phases and windows come back as they were."""
    built = _built()
    read = histories.read(run_folder(tmp_path / "run", built))
    assert len(read.samples) == len(built.samples)
    assert read.samples["response_ms"].sum() == pytest.approx(built.samples["response_ms"].sum())
    assert read.samples["endpoint"].astype(str).tolist() == built.samples["endpoint"].astype(str).tolist()
    assert read.samples["outcome"].value_counts().to_dict() == {"ok": 600, "fail": 1, "unknown": 1}
    assert read.phases == built.phases
    assert dict(read.windows[0].parameters) == {"delay_ms": 20}
    assert len(read.resources) == len(built.resources)


@pytest.mark.parametrize(("more", "toxiproxy"), [({}, "toxiproxy"), ({"tools": ["hx-toxiproxy"]}, "hx-toxiproxy")])
def test_the_services_of_a_history_are_the_stack_s(tmp_path, more, toxiproxy):
    """Those that no link leads to as well; and not the harness's tools, whatever they are called."""
    folder = run_folder(tmp_path / "run", _built(), services=["api", toxiproxy, "worker"], **more)
    assert histories.read(folder).services == ("api", "worker")


@pytest.mark.parametrize("share", [0.999, 0.9, 0.5, 0.2])
def test_a_file_that_was_cut_short_is_read_up_to_its_last_whole_batch(tmp_path, share):
    """A killed run keeps its evidence."""
    folder = run_folder(tmp_path / "run", _built())
    whole = folder.samples.read_bytes()
    folder.samples.write_bytes(whole[: int(len(whole) * share)])
    rows = len(read_samples(folder.samples))
    assert rows < 602 or share > 0.99
    assert rows % 1 == 0
    assert histories.read(folder).phases


@pytest.mark.parametrize("content", [b"", b"not an Arrow file at all", b"\x00" * 100])
def test_a_file_that_holds_nothing_holds_no_samples(tmp_path, content):
    """It is no error: the run may have been killed before its first batch."""
    (tmp_path / "samples.arrow").write_bytes(content)
    assert len(read_samples(tmp_path / "samples.arrow")) == 0


def test_marks_are_read_up_to_the_last_whole_line(tmp_path):
    """Each mark is on disk before the action that it tells of."""
    writer = MarkWriter(tmp_path / "marks.jsonl")
    writer.write("injecting", 5.0, window="slow")
    assert read_marks(tmp_path / "marks.jsonl") == (Mark("injecting", 5.0, {"window": "slow"}),)
    writer.close()
    with (tmp_path / "marks.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "inject')
    assert len(read_marks(tmp_path / "marks.jsonl")) == 1


def test_readings_of_several_batches_are_one_table(tmp_path):
    """Subjects and metrics that come later are no trouble."""
    writer = ResourceWriter(tmp_path / "resources.arrow")
    writer.add(1_000_000_000, "api", "cpu_cores", 0.5)
    writer.flush()
    writer.add(2_000_000_000, "postgres", "memory_bytes", 7.0)
    writer.close()
    read = read_resources(tmp_path / "resources.arrow")
    assert read["at_s"].tolist() == [1.0, 2.0]
    assert read["subject"].astype(str).tolist() == ["api", "postgres"]


def test_a_killed_run_lasted_as_long_as_its_evidence(tmp_path):
    """Without a mark of its end, the last answer is where it ended."""
    read = histories.read(run_folder(tmp_path / "run", _built(marks=[])))
    assert max(phase.end_s for phase in read.phases) == pytest.approx(30, abs=0.1)


def test_a_window_that_was_never_injected_is_none(tmp_path):
    """A run that stopped at its baseline has a baseline and nothing else."""
    folder = run_folder(tmp_path / "run", _built())
    folder.marks.write_text('{"kind": "end", "at_s": 9.0, "reason": "baseline"}\n', encoding="utf-8")
    assert [phase.name for phase in histories.read(folder).phases] == ["baseline"]


def test_a_folder_that_is_none_is_told(tmp_path):
    """With an example of one that is."""
    with pytest.raises(RunFolderError, match="is no run folder"):
        find(tmp_path)
    (tmp_path / "manifest.json").write_text('{"windows": ', encoding="utf-8")
    with pytest.raises(RunFolderError, match="damaged or cut short"):
        histories.read(RunFolder(tmp_path))


def test_a_run_that_could_not_start_hides_none_that_did(tmp_path):
    """Its folder is the latest, and the report is of the newest beside it that has a manifest."""
    runs = [create(tmp_path, "calm", now=datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(12)]
    for one in runs[:10]:
        run_folder(one.path, history([ok(1)], end_s=2))
    for given in (tmp_path / "calm", tmp_path / "calm" / "latest"):
        assert find(given, started=True).path == runs[9].path
        with pytest.raises(RunFolderError, match="is no run folder"):
            find(given)
    with pytest.raises(RunFolderError, match="is no run folder"):
        find(runs[11].path, started=True)


def test_latest_points_to_the_newest(tmp_path):
    """And two runs of one second have folders of their own."""
    first, second = create(tmp_path, "calm"), create(tmp_path, "calm")
    assert first.path != second.path
    assert (tmp_path / "calm" / "latest").resolve() == second.path
    run_folder(second.path, history([ok(1)], end_s=2))
    assert find(tmp_path / "calm").path == second.path

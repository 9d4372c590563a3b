"""The attempts on disk: whole when the run was whole, readable up to the last whole batch when it was not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness import history as histories
from harness import kept
from harness.attempts import read_attempts
from tests.attempts import BUSY, HUNG, OK, REFUSED, attempt, attempts, operations, write_attempts
from tests.builders import history, run_folder, steady

ROWS = [
    *operations(100, (BUSY, HUNG, OK)),
    attempt(5.0, REFUSED, link="etl-feed", method="GET", path="/invoices/{}", trace="00-a-b-01"),
    attempt(6.0, BUSY, retry_after_s=2.0, injected="feed busy"),
]


def test_what_a_tap_wrote_is_read(tmp_path):
    """Every column comes back as it was, by the time of its start."""
    built = history(steady(50, 0, 30), attempts=attempts(ROWS))
    read = histories.read(run_folder(tmp_path / "run", built)).attempts
    assert read is not None
    assert set(read.columns) == set(built.attempts.columns)
    for name in read.columns:
        expected = built.attempts[name]
        if name in ("started_s", "ended_s", "retry_after_s"):
            assert np.allclose(read[name], expected, equal_nan=True), name
        else:
            assert read[name].astype(str).tolist() == expected.astype(str).tolist(), name
        assert str(read[name].dtype) == str(expected.dtype), name


def test_no_tap_is_none_and_a_tap_that_saw_nothing_is_empty(tmp_path):
    """That a link was watched and nothing came is another thing than that nobody watched."""
    assert histories.read(run_folder(tmp_path / "run", history(steady(50, 0, 30)))).attempts is None
    write_attempts(tmp_path / "taps.arrow", attempts(ROWS[:1]).iloc[:0])
    read = read_attempts(tmp_path / "taps.arrow")
    assert read is not None
    assert len(read) == 0
    assert isinstance(read["link"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize("share", [0.999, 0.7, 0.3, 0.0])
def test_a_file_that_was_cut_short_is_read_up_to_its_last_whole_batch(tmp_path, share):
    """A killed run keeps what its taps saw."""
    path = tmp_path / "taps.arrow"
    write_attempts(path, attempts(ROWS), batches=10)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    read = read_attempts(path)
    assert read is not None
    assert len(read) < len(ROWS) or share > 0.99
    assert len(read) > 0 or share < 0.5
    assert read["started_s"].is_monotonic_increasing


def test_the_warm_up_is_in_no_statistic(tmp_path):
    """As with samples."""
    write_attempts(tmp_path / "taps.arrow", attempts([attempt(-1.0), attempt(1.0)]))
    assert read_attempts(tmp_path / "taps.arrow")["started_s"].tolist() == [1.0]


def test_a_damaged_file_is_read_up_to_where_it_makes_no_sense(tmp_path):
    """No tap writes an outcome but the three words."""
    frame = attempts(ROWS)
    frame["outcome"] = frame["outcome"].astype("str").where(frame.index < 200, "strange")
    write_attempts(tmp_path / "taps.arrow", frame, batches=10)
    assert 0 < len(read_attempts(tmp_path / "taps.arrow")) <= 200


def test_attempts_that_are_lost_since_the_verdicts_are_told(tmp_path):
    """The verdicts were given on them too."""
    folder = run_folder(tmp_path / "run", history(steady(50, 0, 30), attempts=attempts(ROWS)))
    before = kept.judged(folder, histories.read(folder))
    folder.taps.unlink()
    (told,) = kept.changes(folder, histories.read(folder), before)
    assert told == "taps.arrow is missing: 0 of the 302 attempts that the verdicts were given on can be read."

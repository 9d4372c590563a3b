"""`harness mutate`: a damaged copy of a file, what was touched, and what is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import MutationError
from tests.baddata.bodies import ROWS, as_csv, as_json, rows_of


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "feed.csv"
    path.write_bytes(as_csv())
    return path


def _mutate(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["mutate", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_copy_is_damaged_and_the_file_is_not(feed: Path):
    """Rows and fields are told, in words and as JSON; the same seed gives the same bytes."""
    bad = feed.with_name("bad.csv")
    words = _mutate(feed, "--with", "unit-x100", "--rows", 3, "--seed", 7, "--out", bad)
    pairs = zip(rows_of(bad.read_bytes()), ROWS, strict=True)
    touched = [now["id"] for now, was in pairs if now["cents"] == str(100 * was["cents"])]
    assert words.splitlines() == [*(f"{row}  cents" for row in touched), f"written: {bad}"]
    assert len(touched) == 3
    assert feed.read_bytes() == as_csv()
    again = feed.with_name("again.csv")
    told = json.loads(_mutate(feed, "--with", "unit-x100", "--rows", 3, "--seed", 7, "-o", again, "--json"))
    assert (told["mutator"], told["rows"], told["fields"]) == ("unit-x100", touched, ["cents"])
    assert again.read_bytes() == bad.read_bytes()


def test_an_earlier_file_comes_again(feed: Path):
    """Where the mutation needs one."""
    before = feed.with_name("before.json")
    before.write_bytes(as_json())
    bad = feed.with_name("bad.json")
    _mutate(feed, "--with", "replay", "--earlier", before, "--out", bad)
    assert bad.read_bytes() == before.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--with", "unit-x10"), "did you mean 'unit-x100'"),
        (("--with", "bom", "--rows", 2), "rows would do nothing"),
        (("--with", "null", "--field", "cent"), "no field 'cent'; they have id, who, cents"),
        (("--with", "replay"), "there was no other body before it; give --earlier FILE"),
        (("--with", "null", "--earlier", "x"), "null needs no earlier file"),
        (("--with", "replay", "--earlier", "gone.csv"), "cannot read gone.csv: No such file"),
    ],
)
def test_what_cannot_be_done_is_told(feed: Path, arguments: tuple[object, ...], says: str):
    """And nothing is written."""
    bad = feed.with_name("bad.csv")
    with pytest.raises(MutationError) as caught:
        _mutate(feed, *arguments, "--out", bad)
    assert says in str(caught.value)
    assert not bad.exists()


def test_it_never_writes_over_what_it_reads(feed: Path):
    """By whatever name; and a folder that is not there is told."""
    alias = feed.with_name("alias.csv")
    alias.symlink_to(feed)
    hard = feed.with_name("hard.csv")
    hard.hardlink_to(feed)
    for target in (feed, alias, hard):
        with pytest.raises(MutationError, match="which stays as it is"):
            _mutate(feed, "--with", "null", "--out", target)
    assert feed.read_bytes() == as_csv()
    with pytest.raises(MutationError, match="cannot write"):
        _mutate(feed, "--with", "null", "--out", feed / "x" / "bad.csv")


def test_rows_without_ids_are_told_with_the_option_that_names_them(feed: Path):
    """As it is written in the shell."""
    feed.write_text("name,cents\nann,3\n", encoding="utf-8")
    with pytest.raises(MutationError, match="say it: --id-field NAME"):
        _mutate(feed, "--with", "null", "--out", feed.with_name("bad.csv"))


def test_no_rows_at_all_are_refused(feed: Path):
    """They would be taken for one."""
    done = CliRunner().invoke(app, ["mutate", str(feed), "--with", "null", "--rows", "0", "--out", "bad.csv"])
    assert done.exit_code == 2
    assert "--rows" in done.stderr

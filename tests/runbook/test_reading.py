"""A runbook is read as it is written, or refused with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import RunbookError
from harness.runbook.reading import all_of, find, read
from tests.runbook.books import FRONT, book, decision, step, text

ROOT = Path(__file__).parents[2]


def test_a_step_is_read_with_all_that_it_says(tmp_path: Path):
    """Id, title, command, expectation, time, time-out, condition and phase."""
    said = "Some prose. When decide is other. Phase: fetch."
    do = step("get", "echo 'a, b'\nexit 3", ", until: exit 3, `/^a, b$/`", said, 90)
    found = book(tmp_path, look=decision("decide"), do=do).steps[1]
    assert (found.id, found.title, found.section, found.command) == (
        "get",
        "do get",
        "procedure",
        "echo 'a, b'\nexit 3",
    )
    assert (found.takes_s, found.timeout_s, found.when, found.phase) == (0.1, 90, ("decide", "other"), "fetch")
    assert (found.expect.until, found.expect.exit_code) == (True, 3)
    assert found.expect.pattern == re.compile("^a, b$", re.MULTILINE)


def test_the_front_matter_says_what_it_is_for(tmp_path: Path):
    """Title, alerts, services and drills; the version is of the file's bytes."""
    one = book(tmp_path)
    assert (one.name, one.title, one.alerts, one.services, one.drills) == (
        "down", "It is down", ("Down",), ("db",), ("db-down",)
    )  # fmt: skip
    assert one.version != book(tmp_path, after="One more word.").version


def test_prose_is_for_the_reader(tmp_path: Path):
    """Sentences that only look like ours, and blocks of other languages, are no part of a step."""
    prose = "Wait for it. When it is back, all is well. It takes 5 minutes.\n```text\nharness stack stop db\n```"
    one = book(tmp_path, do=step("do", more=prose)).steps[0]
    assert (one.command, one.when, one.takes_s) == ("echo done", None, 0.1)


def test_a_decision_has_options_and_no_command(tmp_path: Path):
    """What a human is asked."""
    one = book(tmp_path, look=decision("decide", "`start` | `restore`")).steps[0]
    assert (one.options, one.command) == (("start", "restore"), "")


@pytest.mark.parametrize(
    ("given", "line", "said"),
    [
        ("# no front", 1, "begins with front matter"),
        ("---\ntitle: x\n", 1, "does not end"),
        ("---\ntitle: [\n---\n", 2, "not YAML"),
        ("---\nalerts: [A]\n---\n", 2, "title is missing"),
        ("---\ntitle: x\nalert: [A]\n---\n", 3, "unknown field 'alert'.*did you mean 'alerts'"),
        ("---\ntitle: x\nalerts: A\n---\n", 3, "alerts must be a list"),
        (text().replace("## Rollback", "## Roll back"), 30, "unknown section 'Roll back'.*did you mean 'rollback'"),
        (text().replace("## Rollback\n", ""), 32, "the section ## Rollback is missing"),
        (text().replace("## Symptoms", "## Rollback", 1), 10, "comes after rollback; the order is"),
        (text(do="Nothing."), 26, "the procedure has no step"),
        (text(prove="All is well."), 26, "the verification has no step"),
        (text(do="### Start it: now\n"), 13, "headed by its id.*given 'Start it: now'"),
        (text(do=step("one") + step("one")), 20, "the id 'one' is taken by the step in line 13"),
        (text(do="### one: it\n~~~sh\ntrue\n"), 14, "does not end"),
        (text(do="### one: it\n```bash\ntrue\n```\n"), 14, "sh \\(executed\\).*given 'bash'"),
        (text(do="```sh\ntrue\n```\n"), 13, "belongs to no step"),
        (text(do="### one: it\n"), 13, "'one' lacks a command"),
        (text(do="### one: it\n```sh\ntrue\n```\n"), 13, "'one' lacks what it must show"),
        (text(do="### one: it\n```sh\ntrue\n```\nExpect: exit 0\n"), 13, "'one' lacks how long it takes"),
        (text(do=step("one", more="Takes 5 s.")), 15, "says this twice"),
        (text(do=step("one", more="Takes some time")), 0, ""),
        (text(do=step("one", expect=": exit zero")), 19, "'exit zero' is not understood"),
        (text(do=step("one", expect=": `/(/`")), 19, "no regular expression"),
        (text(do=step("one", more="Phase: fetching.")), 15, "unknown phase 'fetching'"),
        (text(do=step("one", more="When decide is one.")), 13, "unknown decision 'decide'"),
        (text(look=decision("decide"), do=step("one", more="When decide is none.")), 15, "unknown option 'none'"),
        (text(look=decision("decide", "`one`")), 12, "two options or more"),
        (text(look=decision("decide") + "```sh\ntrue\n```\n"), 11, "the decision 'decide' has a command"),
        (text(do=step("one", seconds=0.05)), 13, "takes 0.1 s and has 0.05 s"),
        (text(do=step("one", expect=" nothing")), 19, "this is not understood"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path, given: str, line: int, said: str):
    """File, line, what was given, what is allowed."""
    path = tmp_path / "broken.md"
    path.write_text(given, encoding="utf-8")
    if not said:
        read(path)
        return
    with pytest.raises(RunbookError) as refused:
        read(path)
    assert re.search(said, str(refused.value)), str(refused.value)
    assert str(refused.value).startswith(f"{path}:{line}: "), str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    """Neither a missing file nor bytes end in a traceback."""
    (tmp_path / "bytes.md").write_bytes(b"---\ntitle: \xff\n---\n")
    with pytest.raises(RunbookError, match="not UTF-8"):
        read(tmp_path / "bytes.md")
    with pytest.raises(RunbookError, match="No such file"):
        read(tmp_path / "none.md")


def test_a_runbook_is_found_by_its_name(tmp_path: Path):
    """Or by its path; a name that is nearly right is told the right one."""
    path = tmp_path / "disk-full.md"
    path.write_text(FRONT, encoding="utf-8")
    assert find("disk-full", tmp_path) == find(str(path)) == path
    with pytest.raises(RunbookError, match=r"unknown runbook 'disk-ful'.*did you mean 'disk-full'"):
        find("disk-ful", tmp_path)


@pytest.mark.parametrize("path", all_of(ROOT / "runbooks"), ids=lambda path: path.stem)
def test_no_step_of_ours_would_pass_without_doing_anything(path: Path):
    """A command that writes nothing and ends well is what a sabotaged step does: each of ours expects more."""
    for one in read(path).steps:
        if one.command:
            assert one.expect.pattern is not None, f"{path}:{one.line}"
            assert not one.expect.pattern.search(""), f"{path}:{one.line}"

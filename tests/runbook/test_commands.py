"""What a command needs of the environment is known before it is executed; by hand nothing is written to `/`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import RunbookError
from harness.runbook.commands import refuse_unset, variables_used
from harness.runbook.reading import all_of, read
from tests.runbook.books import book, decision, step
from tests.runbook.played import RUNBOOKS

WRITES = re.compile(r"(?:>>? *|\\b(?:mkdir -p|rm|mv|mv -v) )\"\\$(?:EVIDENCE|BACKUPS)")


@pytest.mark.parametrize(
    ("command", "used"),
    [
        ('ls "$BACKUPS" "${BACKUPS:?}/x" "${EVIDENCE:?say}"', ("BACKUPS", "EVIDENCE")),
        ("sh -c 'echo $PGDATA' # it's $WHOSE\necho \"it's $MINE\"", ("MINE",)),
        ('x="$(sh -c \'echo $PGDATA\' | grep "$(cat $A)")$B"', ("A", "B")),
        ('for ONE in a b; do echo "$ONE"; done; TWO=2; echo $TWO ${THREE:-3} $lower \\$FOUR', ()),
    ],
)
def test_the_variables_that_sh_takes_from_the_environment_are_found(command: str, used: tuple[str, ...]):
    """Not those of another shell, of the command itself, or with a default."""
    assert variables_used(command) == used


def test_a_variable_that_nobody_gives_is_refused(tmp_path: Path):
    """With the step that uses it, what it is, and how to give it; not where an answer passes the step over."""
    ask = decision("decide")
    one = book(tmp_path, look=ask, do=step("do", 'ls "$BACKUPS"', more="When decide is other."))
    with pytest.raises(RunbookError) as error:
        refuse_unset(one, {"BACKUPS": ""}, {}, {"BACKUPS": "the folder of backups"})
    assert "$BACKUPS, the folder of backups, is not set, and used by do (line 15); give it, as in: BACKUPS=..." in str(
        error.value
    )
    refuse_unset(one, {}, {"decide": "one"}, {})
    refuse_unset(one, {"BACKUPS": "/b"}, {}, {})


@pytest.mark.parametrize("path", all_of(RUNBOOKS), ids=lambda path: path.stem)
def test_what_is_pasted_by_hand_writes_nothing_to_the_root(path: Path):
    """Where $EVIDENCE or $BACKUPS is not set, sh says so."""
    bare = [one.id for one in read(path).steps if WRITES.search(one.command)]
    assert bare == []


def test_of_the_environment_the_runbooks_need_the_backups_alone():
    """All else they find."""
    used = {name for path in all_of(RUNBOOKS) for one in read(path).steps for name in variables_used(one.command)}
    assert used == {"BACKUPS", "EVIDENCE"}

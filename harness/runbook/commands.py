"""What the commands of steps say before they are executed: whether sh understands them, which variables of the
environment they use, which of our own verbs they call. It reads sh as runbooks write it, and executes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import RunbookError
from harness.runbook.model import Answers, Runbook, Step
from harness.stack.shell import run

SET_BY_US = ("RUNBOOK", "STEP", "EVIDENCE", "PATH", "PWD")
"""Variables that each step finds, whatever else is in the environment."""
_VARIABLE = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]*)(?::?\?[^}]*)?\}|([A-Z][A-Z0-9_]*))")
"""With a name in capitals, as what comes from outside is called; `${NAME:-other}` needs nothing."""
_ASSIGNED = re.compile(
    r"(?:^|[\s;&|({])(?:([A-Z][A-Z0-9_]*)=|for +([A-Z][A-Z0-9_]*) +in\b|read +(?:-r +)?([A-Z]\w*))", re.M
)
_VERB = re.compile(
    r"(?:^|[;&|({!]|\b(?:then|do|else|if|while|until)\b)\s*harness +([a-z][\w-]*)(?: +([a-z][\w-]*))?", re.M
)
_AT_LINE = re.compile(r"\b(?:line )?(\d+): ")


def syntax_error(step: Step) -> tuple[int, str] | None:
    """(line of the runbook, what sh says) where it does not understand the step's command; None where it does."""
    environment = {**os.environ, "COMMAND": step.command}
    done = run(step.id, 'printf %s "$COMMAND" | sh -n', environment, Path.cwd(), 10.0, lambda: False)
    if done.exit_code in (0, None):
        return None
    said = (done.output.strip().splitlines() or ["sh does not understand it"])[0]
    match = _AT_LINE.search(said)
    return step.command_line + (int(match[1]) - 1 if match else 0), said[match.end() :] if match else said


def verbs_called(command: str) -> Iterator[tuple[str, str]]:
    """(group or verb, the word after it or "") of each `harness ...` that the command executes here."""
    for match in _VERB.finditer(command):
        yield match[1], match[2] or ""


def variables_used(command: str) -> tuple[str, ...]:
    """Variables in capitals that sh takes from the environment here; those in single quotes are somebody else's."""
    text = _without_single_quotes(command)
    ours = {name for groups in _ASSIGNED.findall(text) for name in groups if name}
    return tuple(dict.fromkeys(a or b for a, b in _VARIABLE.findall(text) if (a or b) not in ours))


@dataclass
class _Quotes:
    """Where a reader of sh is: in double quotes or not, and that of each `$(` around."""

    double: bool = False
    around: list[bool] = field(default_factory=list)


def _without_single_quotes(command: str) -> str:
    kept, at, quotes = [], 0, _Quotes()
    while at < len(command):
        one = command[at]
        if one == "\\":
            at += 2
            continue
        if command.startswith("$(", at):
            quotes.around.append(quotes.double)
            quotes.double = False
        elif one == ")" and not quotes.double and quotes.around:
            quotes.double = quotes.around.pop()
        elif one == '"':
            quotes.double = not quotes.double
        elif not quotes.double and (one == "'" or (one == "#" and command[at - 1 : at] in ("", " ", "\n"))):
            end = command.find("'" if one == "'" else "\n", at + 1)
            at = len(command) if end < 0 else end + (one == "'")
            kept.append(" ")
            continue
        kept.append(command[at : at + 2] if command.startswith("$(", at) else one)
        at += 2 if command.startswith("$(", at) else 1
    return "".join(kept)


def refuse_unset(book: Runbook, environment: Mapping[str, str], answers: Answers, say: Mapping[str, str]) -> None:
    """Raise RunbookError where a step that may be executed uses a variable that is not set.

    Steps that the answers pass over are not looked at. `say` tells of variables, by their names, what they are.
    """
    missing: dict[str, list[str]] = {}
    for step in book.steps:
        if step.when is not None and answers.get(step.when[0], step.when[1]) != step.when[1]:
            continue
        for name in variables_used(step.command):
            if not environment.get(name) and name not in SET_BY_US:
                missing.setdefault(name, []).append(f"{step.id} (line {step.line})")
    if missing:
        raise RunbookError("; ".join(_sentence(book, name, used, say.get(name, "")) for name, used in missing.items()))


def _sentence(book: Runbook, name: str, used: Sequence[str], what: str) -> str:
    tells = f", {what}," if what else ""
    return (
        f"{book.path}: ${name}{tells} is not set, and used by {', '.join(used)}; "
        f"give it, as in: {name}=... harness runbook run {book.name}"
    )


def unknown_verb(group: str, verb: str, verbs: Mapping[str, Collection[str]]) -> tuple[str, Collection[str]] | None:
    """(what was given, what is allowed) for a call of a verb that is not there; None where it is.

    `verbs` are those of each group, empty for what is no group.
    """
    if group not in verbs:
        return group, verbs
    if verb and verbs[group] and verb not in verbs[group]:
        return f"{group} {verb}".strip(), [f"{group} {one}" for one in verbs[group]]
    return None

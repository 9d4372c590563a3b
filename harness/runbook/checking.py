"""Looks for what has died in runbooks: links, drills, services and alerts that are not there, steps that nothing ever
ran. Pure but for the files that it is given, and `sh -n`: what is known of the stack and of the drills comes from
the caller.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import RunbookError, one_of
from harness.runbook.commands import syntax_error, unknown_verb, verbs_called
from harness.runbook.model import Runbook, Step

SLOW_TIMES, SLOW_BY_S = 2.0, 3.0
"""A step is slow that took more than so many times what it says, and so many seconds more."""
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
_CODE = re.compile(r"`[^`]*`")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)
_OF_SERVICE = re.compile(r"\bharness stack (?:start|stop|restart|exec|logs|get|deploy) +([\w.-]+)")
_OF_ALERTS = re.compile(r"\bharness stack alerts((?: +[A-Za-z]\w*)+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert of a file of rules: its name, and the runbook that it sends people to, "" where it names none."""

    name: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Known:
    """What there is. `services` and `rules` are None where nothing is known of them, and nothing is said then.

    `drills` are those of drills/, each with the runbook that it executes. `own_alerts` are those that the harness posts
    itself, whatever the rules say. `verbs` are those of each group of the harness, empty for what is no group.
    """

    services: Collection[str] | None = None
    rules: Sequence[Rule] | None = None
    drills: Mapping[str, str] = field(default_factory=dict)
    own_alerts: Collection[str] = ()
    verbs: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ran:
    """What records say of a runbook: the seconds that each step took when it was executed last, by its id; when the
    runbook was (RFC 3339), and in which version; the SHA-256 of the command that each step had, where it is kept."""

    took_s: dict[str, float] = field(default_factory=dict)
    last_at: str = ""
    version: str = ""
    commands: dict[str, str] = field(default_factory=dict)


def troubles(book: Runbook, known: Known) -> Iterator[str]:
    """A sentence for each thing that is dead, with file and line."""
    lines = book.path.read_text(encoding="utf-8").splitlines()

    def at(word: str) -> str:
        found = next((number for number, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(word)}\b", line)), 1)
        return f"{book.path}:{found}"

    for name in book.drills:
        if name not in known.drills:
            yield f"{at(name)}: {one_of('drill', name, known.drills, where='drills/')}"
        elif known.drills[name] != book.name:
            yield f"{at(name)}: the drill {name} executes the runbook {known.drills[name]}, not this one"
    if not book.drills:
        yield f"{book.path}:1: no drill proves it; write one (docs/run-a-quarterly-drill.md), and name it in `drills`"
    names = {one.name for one in known.rules or ()} | {*known.own_alerts}
    for name in book.alerts if known.rules is not None else ():
        if name not in names:
            yield f"{at(name)}: {one_of('alert', name, names, where='the files of rules')}"
    for name in book.services:
        if known.services is not None and name not in known.services:
            yield f"{at(name)}: {one_of('service', name, known.services, where='the stack')}"
    for step in book.steps:
        yield from _of_command(book, step, known, names)
    yield from _dead_links(book, lines)


def _of_command(book: Runbook, step: Step, known: Known, alerts: Collection[str]) -> Iterator[str]:
    here = f"{book.path}:{step.line}: {step.id}"
    if (error := syntax_error(step)) is not None:
        yield f"{book.path}:{error[0]}: {step.id}: sh does not understand the command: {error[1]}"
    for call in dict.fromkeys(verbs_called(step.command)) if known.verbs else ():
        if (wrong := unknown_verb(*call, known.verbs)) is not None:
            yield f"{here}: {one_of('verb', wrong[0], wrong[1], where='harness')}"
    for name in dict.fromkeys(_OF_SERVICE.findall(step.command)):
        if known.services is not None and name not in known.services:
            yield f"{here}: {one_of('service', name, known.services, where='the stack')}"
    for listed in _OF_ALERTS.findall(step.command) if known.rules is not None else ():
        for name in listed.split():
            if name not in alerts:
                yield f"{here}: {one_of('alert', name, alerts, where='the files of rules')}"


def _dead_links(book: Runbook, lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        for target in _LINK.findall(_CODE.sub("", line)):
            if not _ELSEWHERE.match(target) and not (book.path.parent / target.partition("#")[0]).exists():
                yield f"{book.path}:{number}: the link to {target} is dead"


def unled(books: Sequence[Runbook], rules: Sequence[Rule]) -> Iterator[str]:
    """Alerts that lead to no runbook, or to one that does not know of them."""
    by_name = {one.name: one for one in books}
    for rule in dict.fromkeys(rules):
        if not rule.runbook:
            yield f"the alert {rule.name} names no runbook; give its rule the annotation runbook_url"
        elif rule.runbook not in by_name:
            yield f"the alert {rule.name} leads to {rule.runbook}.md, which is not there"
        elif rule.name not in by_name[rule.runbook].alerts:
            yield f"the alert {rule.name} leads to {rule.runbook}.md, which does not list it in its alerts"


def never_ran(book: Runbook, ran: Ran) -> Iterator[str]:
    """A sentence where no record executed some of its steps, or not as they are now: nobody knows whether they work."""
    never = [step for step in book.steps if step.id not in ran.took_s]
    other = [step for step in book.steps if step.id in ran.took_s and not as_it_is(step, ran)]
    for steps, what in ((never, "no drill ever executed"), (other, "no drill executed, since their commands changed,")):
        if steps:
            listed = ", ".join(f"{step.id} (line {step.line})" for step in steps)
            yield f"{book.path}:{steps[0].line}: {what} {listed}"


def as_it_is(step: Step, ran: Ran) -> bool:
    """Whether it was executed with the command that it has now; records that do not keep the command are believed."""
    return step.id in ran.took_s and ran.commands.get(step.id, "") in ("", step.command_sha256)


def other_version(book: Runbook, ran: Ran) -> str:
    """A sentence where its last execution was of another version, whose commands no record keeps; else ""."""
    unknown = any(step.command and step.id in ran.took_s and not ran.commands.get(step.id) for step in book.steps)
    if not unknown or ran.version in ("", book.version):
        return ""
    return (
        f"last executed in another version of this runbook ({ran.version[:12]}, it is {book.version[:12]} now), "
        "whose record does not keep the commands; run its drill again"
    )


def slow(book: Runbook, ran: Ran) -> Iterator[str]:
    """A sentence for each step that took much longer than it says."""
    for step in book.steps:
        took_s = ran.took_s.get(step.id, 0.0)
        if step.command and took_s > SLOW_TIMES * step.takes_s and took_s > step.takes_s + SLOW_BY_S:
            yield f"{book.path}:{step.line}: {step.id}: says that it takes {step.takes_s:g} s, and took {took_s:.1f} s"


def ran_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Ran]:
    """What the bodies of drills' records, oldest first, say of each runbook."""
    found: dict[str, Ran] = {}
    for body in records:
        executed = body.get("runbook")
        if not isinstance(executed, Mapping) or not isinstance(executed.get("runbook"), str):
            continue
        before = found.get(executed["runbook"], Ran())
        done = [one for one in executed.get("steps", ()) if one.get("executed") and one["id"] != body.get("sabotage")]
        steps = {str(one["id"]): one for one in done}
        found[executed["runbook"]] = Ran(
            before.took_s | {name: float(one.get("took_s", 0.0)) for name, one in steps.items()},
            str(body.get("started_at", before.last_at)),
            str(executed.get("version", "")),
            before.commands | {name: str(one.get("command_sha256", "")) for name, one in steps.items()},
        )
    return found


def rules_in(paths: Sequence[Path]) -> list[Rule]:
    """The alerts of Prometheus's files of rules; files without `groups` have none. Raises RunbookError."""
    found = []
    for path in paths:
        try:
            body = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise RunbookError(f"cannot read the rules in {path}: {error}") from error
        except yaml.YAMLError as error:
            raise RunbookError(f"{path} is not YAML, so its alerts are not known: {error}") from error
        groups = body.get("groups") if isinstance(body, dict) else None
        for group in groups if isinstance(groups, list) else ():
            for rule in group.get("rules") or ():
                if "alert" in rule:
                    leads_to = str((rule.get("annotations") or {}).get("runbook_url", ""))
                    found.append(Rule(str(rule["alert"]), leads_to.rpartition("/")[2].removesuffix(".md")))
    return found

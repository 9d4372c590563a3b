"""Reads a runbook: Markdown with YAML front matter, in the form that docs/write-a-runbook.md tells.

What does not fit is an error with the file and its line: a step that is read wrongly would be executed at night.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import RunbookError, one_of
from harness.runbook.front_matter import front_matter
from harness.runbook.model import PHASES, SECTIONS, Expect, Runbook, Step

FOLDER = Path("runbooks")
_ID = re.compile(r"[a-z][a-z0-9-]*")
_SECTION = re.compile(r"## +(.+?)\s*$")
_STEP = re.compile(r"### +(.+?)\s*$")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)\s*(\S*)\s*$")
_NUMBER = r"(\d+(?:\.\d+)?) (s|min)"
_TAKES = re.compile(rf"Takes {_NUMBER}(?:, time-?out {_NUMBER})?\.(?:\s+|$)", re.IGNORECASE)
_WHEN = re.compile(r"`?When `?([\w-]+)`? is `?([\w-]+)`?\.`?(?:\s+|$)")
_PHASE = re.compile(r"`?Phase: `?([\w-]+)`?\.`?(?:\s+|$)")
_DECISION = re.compile(r"Decision: ((?:`[^`]*`|[^`.|]+)(?: ?\| ?(?:`[^`]*`|[^`.|]+))*)\.(?:\s+|$)")
_EXPECT = re.compile(r"Expect(, until)?: (.+)$")
_SENTENCE_ENDS = re.compile(r"[.:!?)]`? +")
_BEGINS = re.compile(r"Takes \d|Takes about|`?Phase:|Decision:|Expect\b")


def read(path: Path) -> Runbook:
    """The runbook in that file. Raises RunbookError, with its line, for what does not fit."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise RunbookError(f"cannot read the runbook {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RunbookError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    lines = text.splitlines()
    front, begins = front_matter(path, lines)
    steps = _Reader(path, lines, begins).steps()
    return Runbook(
        name=path.stem,
        path=path,
        title=front["title"],
        version=hashlib.sha256(raw).hexdigest(),
        steps=steps,
        alerts=front["alerts"],
        services=front["services"],
        drills=front["drills"],
    )


def find(name: str, folder: Path = FOLDER) -> Path:
    """The file of a runbook, by its name or its path. Raises RunbookError where there is none."""
    given = Path(name)
    if given.suffix == ".md" or len(given.parts) > 1:
        if given.is_file():
            return given
        raise RunbookError(f"there is no runbook {given}; see which there are: harness runbook list")
    known = {path.stem: path for path in all_of(folder)}
    if name not in known:
        raise RunbookError(one_of("runbook", name, known, where=f"{folder}/"))
    return known[name]


def all_of(folder: Path = FOLDER) -> list[Path]:
    """The files of a folder that are runbooks, by name."""
    return sorted(path for path in folder.glob("*.md") if path.stem.lower() != "readme")


@dataclass
class _Draft:
    """A step while it is read."""

    id: str
    title: str
    section: str
    line: int
    said: dict[str, Any] = field(default_factory=dict)
    prose: list[str] = field(default_factory=list)


class _Reader:
    """One reading of the text below the front matter."""

    def __init__(self, path: Path, lines: list[str], begins: int) -> None:
        self._path, self._lines, self._begins = path, lines, begins
        self._sections: list[str] = []
        self._drafts: list[_Draft] = []

    def steps(self) -> tuple[Step, ...]:
        for number, line, code in self._pieces():
            if code is not None:
                self._code(number, line, code)
            elif match := _SECTION.match(line):
                self._section(number, match[1])
            elif match := _STEP.match(line):
                self._step(number, match[1])
            elif self._drafts and self._drafts[-1].section == self._sections[-1]:
                self._sentence(number, line.strip(), self._drafts[-1])
            elif _BEGINS.match(line.strip()):
                raise self._error(number, f"{line.strip()!r} belongs to no step; begin one: ### its-id: what it does")
        missing = [name for name in SECTIONS if name not in self._sections]
        if missing:
            raise self._error(
                len(self._lines),
                f"the section ## {missing[0].capitalize()} is missing; "
                f"a runbook has, in this order: {', '.join(SECTIONS)}",
            )
        steps = tuple(self._finished(one) for one in self._drafts)
        self._check_conditions(steps)
        if not any(one.section == "procedure" for one in steps):
            raise self._error(len(self._lines), "the procedure has no step; give it one: ### its-id: what it does")
        if not any(one.section == "verification" for one in steps):
            raise self._error(
                len(self._lines), "the verification has no step; give it one that fails while all is not well"
            )
        return steps

    def _pieces(self) -> Iterator[tuple[int, str, str | None]]:
        """(line number, the line, None) of text; of a fenced block (where it begins, its language, what is in it)."""
        index = self._begins
        while index < len(self._lines):
            line = self._lines[index]
            fence = _FENCE.match(line)
            if fence is None:
                yield index + 1, line, None
                index += 1
                continue
            closes = re.compile(rf"\s{{0,3}}{re.escape(fence[1][0])}{{{len(fence[1])},}}\s*$")
            end = next((at for at in range(index + 1, len(self._lines)) if closes.match(self._lines[at])), None)
            if end is None:
                raise self._error(index + 1, f"this block of code does not end; close it with {fence[1]}")
            yield index + 1, fence[2], "\n".join(self._lines[index + 1 : end])
            index = end + 1

    def _section(self, number: int, given: str) -> None:
        name = given.lower()
        if name not in SECTIONS:
            raise self._error(number, one_of("section", given, SECTIONS))
        if name in self._sections:
            raise self._error(number, f"the section {given} is there twice; make it one")
        if self._sections and SECTIONS.index(name) < SECTIONS.index(self._sections[-1]):
            raise self._error(number, f"{given} comes after {self._sections[-1]}; the order is: {', '.join(SECTIONS)}")
        self._sections.append(name)

    def _step(self, number: int, given: str) -> None:
        if not self._sections or self._sections[-1] == "symptoms":
            raise self._error(number, "symptoms are prose; a step belongs to a later section")
        name, _, title = given.partition(": ")
        if not title.strip() or not _ID.fullmatch(name):
            raise self._error(
                number,
                f"a step is headed by its id and what it does, as in ### look: Is it down? The id "
                f"is small letters, digits and hyphens; given {given!r}",
            )
        if earlier := next((one for one in self._drafts if one.id == name), None):
            raise self._error(number, f"the id {name!r} is taken by the step in line {earlier.line}; give it another")
        self._drafts.append(_Draft(name, title.strip(), self._sections[-1], number))

    def _code(self, number: int, language: str, code: str) -> None:
        if language in ("text", "console", "sql", "yaml", "json"):
            return  # to be read, not to be executed
        if language != "sh":
            raise self._error(number, f"a block of code is sh (executed) or text, sql, yaml, json; given {language!r}")
        if not self._drafts or self._drafts[-1].section != self._sections[-1]:
            raise self._error(number, "this command belongs to no step; begin one: ### its-id: what it does")
        if not code.strip():
            raise self._error(number, "this command is empty; write what is to be run, or make the step a decision")
        self._say(number, self._drafts[-1], "command", code)
        self._drafts[-1].said["command_line"] = number + 1

    def _sentence(self, number: int, line: str, draft: _Draft) -> None:
        """Takes out of a line what is said to the harness, sentence by sentence; the rest is for the reader."""
        begins = [0, *(match.end() for match in _SENTENCE_ENDS.finditer(line))]
        at, rest = 0, ""
        for begin in begins:
            if begin >= at and (end := self._one(number, line, begin, draft)):
                rest, at = rest + line[at:begin], end
        draft.prose.append((rest + line[at:]).rstrip())

    def _one(self, number: int, line: str, begin: int, draft: _Draft) -> int:
        """Where what is said to the harness ends that begins there; 0 where nothing does."""
        if match := _TAKES.match(line, begin):
            self._say(number, draft, "takes_s", _seconds(match[1], match[2]))
            if match[3]:
                self._say(number, draft, "timeout_s", _seconds(match[3], match[4]))
        elif match := _WHEN.match(line, begin):
            if begin and all(match[1] != one.id for one in self._drafts):
                return 0  # a sentence like another
            self._say(number, draft, "when", (match[1], match[2]))
        elif match := _PHASE.match(line, begin):
            if match[1] not in PHASES:
                raise self._error(number, one_of("phase", match[1], PHASES))
            self._say(number, draft, "phase", match[1])
        elif match := _DECISION.match(line, begin):
            self._say(number, draft, "options", self._options(number, match[1]))
        elif not begin and (match := _EXPECT.match(line)):
            self._say(number, draft, "expect", self._expect(number, match[2], until=bool(match[1])))
        elif _BEGINS.match(line, begin):
            raise self._error(
                number,
                f"this is not understood: {line[begin:]!r}; it may be: Takes 5 s, time-out 30 s. | "
                "When decision is option. | Phase: fetch. | Decision: `one` | `other`. | "
                "Expect: exit 0, `/pattern/` | Expect, until: `/pattern/` (a line of its own)",
            )
        else:
            return 0
        return match.end()

    def _say(self, number: int, draft: _Draft, name: str, value: object) -> None:
        if name in draft.said:
            raise self._error(number, f"the step {draft.id!r} says this twice ({name}); make it two steps")
        draft.said[name] = value

    def _options(self, number: int, given: str) -> tuple[str, ...]:
        options = tuple(part.strip().strip("`") for part in given.split("|"))
        if len(options) < 2 or len({*options}) < len(options) or not all(_ID.fullmatch(one) for one in options):
            raise self._error(
                number,
                "a decision has two options or more, each of small letters, digits and hyphens, "
                f"as in Decision: `start` | `restore`. Given {given!r}",
            )
        return options

    def _expect(self, number: int, given: str, *, until: bool) -> Expect:
        rest, pattern, code = given.strip(), None, 0
        if match := re.search(r"`/(.*)/`", rest):
            try:
                pattern = re.compile(match[1], re.MULTILINE)
            except re.error as error:
                raise self._error(number, f"`/{match[1]}/` is no regular expression: {error}") from error
            rest = rest[: match.start()] + rest[match.end() :]
        for part in filter(None, (one.strip() for one in rest.rstrip(". ").split(","))):
            if not (match := re.fullmatch(r"exit (\d{1,3})", part)):
                raise self._error(number, f"{part!r} is not understood; expected: exit 0, `/pattern/`")
            code = int(match[1])
        return Expect(code, pattern, until)

    def _finished(self, draft: _Draft) -> Step:
        said = dict(draft.said)
        if "options" in said:
            if stray := [name for name in ("command", "expect") if name in said]:
                raise self._error(draft.line, f"the decision {draft.id!r} has a {stray[0]}; look in a step before it")
        elif lacks := [what for name, what in _NEEDED.items() if name not in said]:
            raise self._error(draft.line, f"the step {draft.id!r} lacks {lacks[0]}")
        prose = "\n".join(draft.prose).strip()
        step = Step(draft.id, draft.title, draft.section, draft.line, prose=prose, **said)
        if step.takes_s > step.timeout_s and step.command:
            raise self._error(
                draft.line,
                f"the step {draft.id!r} takes {step.takes_s:g} s and has {step.timeout_s:g} s; "
                "give it more time, as in: Takes 90 s, time-out 180 s.",
            )
        return step

    def _check_conditions(self, steps: tuple[Step, ...]) -> None:
        decided: dict[str, tuple[str, ...]] = {}
        for step in steps:
            if step.when is not None:
                decision, option = step.when
                if decision not in decided:
                    raise self._error(
                        step.line, one_of("decision", decision, decided, where="the runbook, before here,")
                    )
                if option not in decided[decision]:
                    raise self._error(step.line, one_of("option", option, decided[decision], where=decision))
            if step.options:
                decided[step.id] = step.options

    def _error(self, number: int, sentence: str) -> RunbookError:
        return RunbookError(f"{self._path}:{number}: {sentence}")


_NEEDED = {
    "command": "a command: a block ```sh, or options: Decision: `one` | `other`.",
    "expect": "what it must show, as in: Expect: exit 0, `/ready/`",
    "takes_s": "how long it takes, as in: Takes 5 s, time-out 30 s.",
    "timeout_s": "its time-out, as in: Takes 5 s, time-out 30 s.",
}


def _seconds(number: str, unit: str) -> float:
    return float(number) * (60 if unit == "min" else 1)

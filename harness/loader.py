"""Finds, imports and validates scenario files. Every error names the file, the line, what was given, what is allowed.

A scenario is pure data: it imports `harness` and nothing else, and defines `scenario`.
"""

from __future__ import annotations

import ast
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType

import harness
from harness.errors import LocustfileError, ScenarioError, one_of
from harness.model import HttpFault, LinkFault, Load, ReadingCheck, Scenario, ServiceFault
from harness.plan import kind_of, plan
from harness.stack import compose_yaml
from harness.stack.compose_taps import why_no_rule
from harness.stack.compose_variables import all_names_in
from harness.stack.powers import why_not
from harness.stack.spec import LinkSpec, StackSpec


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario, where it came from, and the first line of what it says of itself."""

    name: str
    path: Path
    scenario: Scenario
    question: str


def find(paths: Iterable[Path], keyword: str = "", what: str = "scenario") -> list[Path]:
    """The scenario files among `paths` (files, or folders of them), those whose name holds `keyword`. `what` they are
    is a scenario or a drill."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.glob("*.py") if not one.name.startswith("_"))
            if not inside:
                raise ScenarioError(f"no {what} in {path}: it holds no .py file")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            near = [one.stem for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
            hint = one_of(what, path.stem, near, where=str(path.parent)) if near else "give a file or a folder"
            raise ScenarioError(f"{path} does not exist; {hint}")
    chosen = [path for path in found if keyword in path.stem]
    if not chosen:
        names = ", ".join(path.stem for path in found)
        raise ScenarioError(f"no {what} has {keyword!r} in its name; there are: {names}; give another -k")
    return chosen


def load(path: Path) -> Loaded:
    """The scenario in a file. Raises ScenarioError."""
    names, tree = execute(path, "scenario")
    scenario = names.get("scenario")
    if not isinstance(scenario, Scenario):
        what = "defines no scenario" if scenario is None else f"has a scenario that is {scenario!r}"
        raise ScenarioError(f"{path} {what}; write: scenario = Scenario(hypothesis=..., load=..., checks=(...))")
    for window in scenario.faults:
        if why := getattr(window.fault, "only_in_drills", ""):
            raise ScenarioError(
                f"{_at(path, window.line)}: {kind_of(window.fault)} {why}; make it the disaster of a drill (drills/)"
            )
    try:
        plan(path.stem, scenario)
    except ValueError as error:
        raise ScenarioError(f"{path}: {error}") from error
    return Loaded(path.stem, path, scenario, question_of(tree, scenario.hypothesis))


def execute(path: Path, what: str) -> tuple[dict[str, object], ast.Module]:
    """(the names that a file defines, its tree); `what` it holds is a scenario or a drill. Raises ScenarioError."""
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source, str(path))
        code: CodeType = compile(source, str(path), "exec")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} cannot be read: {error}") from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        said = f"{error.msg}: {(error.text or '').strip()}" if isinstance(error, SyntaxError) else str(error)
        raise ScenarioError(f"{_at(path, line)}: not Python: {said}") from error
    _imports_harness_only(path, tree, what)
    names: dict[str, object] = {"__file__": str(path), "__name__": path.stem}
    try:
        exec(code, names)
    except BaseException as error:  # SystemExit too: a file that ends the program would end it well, and run nothing
        raise ScenarioError(f"{_at(path, _line_of(error, path))}: {_in_words(error)}") from error
    return names, tree


def question_of(tree: ast.Module, otherwise: str) -> str:
    """The first line of what a file says of itself."""
    return (ast.get_docstring(tree) or otherwise).strip().splitlines()[0]


def check_links(loaded: Loaded, links: Mapping[str, LinkSpec], where: str) -> None:
    """Raise ScenarioError for the first fault on a link, or check of one, that the stack does not have, and for the
    first fault on HTTP where the link has no tap."""
    for window in loaded.scenario.faults:
        if not isinstance(window.fault, LinkFault):
            continue
        if window.fault.link not in links:
            unknown = one_of("link", window.fault.link, links, where=where)
            raise ScenarioError(f"{_at(loaded.path, window.line)}: {unknown}")
        if isinstance(window.fault, HttpFault) and (reason := why_no_rule(links[window.fault.link])):
            raise ScenarioError(f"{_at(loaded.path, window.line)}: {kind_of(window.fault)}: {reason}")
    for check in loaded.scenario.checks:
        link = getattr(check, "link", None)
        if isinstance(link, str) and link not in links:
            raise ScenarioError(f"{loaded.path}: {kind_of(check)}: {one_of('link', link, links, where=where)}")


def check_services(loaded: Loaded, spec: StackSpec, kind: str) -> None:
    """Raise ScenarioError for the first fault on a service that is not there, or that this kind of stack cannot do, for
    a check that asks one that is not there, and for a variable that nothing refers to."""
    for window in loaded.scenario.faults:
        if isinstance(window.fault, ServiceFault) and (reason := why_not(window.fault, spec, kind)):
            raise ScenarioError(f"{_at(loaded.path, window.line)}: {reason}")
    for check in loaded.scenario.checks:
        for read in check.reads if isinstance(check, ReadingCheck) else ():
            if read.service not in spec.services:
                unknown = one_of("service", read.service, spec.services, where=spec.path.name)
                raise ScenarioError(f"{loaded.path}: {kind_of(check)}: {unknown}")
    check_variables(f"{loaded.path}: variables", loaded.scenario.variables, spec)


def check_variables(where: str, names: Iterable[str], spec: StackSpec) -> None:
    """Raise ScenarioError for the first variable that the Compose files do not refer to: it would change nothing."""
    allowed = all_names_in(compose_yaml.read(path) for path in spec.files)
    for name in names:
        if allowed is not None and name not in allowed and not name.startswith("COMPOSE_"):
            unknown = one_of("variable", name, allowed, where=spec.path.name)
            raise ScenarioError(f"{where}: {unknown}; or refer to it there: ${{{name}:-}}")


def locustfiles_in(folder: Path) -> list[Path]:
    """Those of a project: `locustfile.py`, and all of `locustfiles/`."""
    there = [folder / "locustfile.py", *sorted((folder / "locustfiles").glob("*.py"))]
    return [path for path in there if path.is_file() and not path.name.startswith("_")]


def find_locustfile(load: Load, scenario: Path | None = None) -> Path:
    """The locustfile that a load names: as given, or in the project or its `locustfiles/`. Raises LocustfileError."""
    given = Path(load.locustfile)
    folders = [Path.cwd() / "locustfiles", Path.cwd()]
    if scenario is not None:
        project = scenario.resolve().parent.parent
        folders = [project / "locustfiles", project, *folders]
    for folder in folders:
        if (folder / given).is_file():
            return (folder / given).resolve()
    there = sorted({one.name for folder in folders if folder.name == "locustfiles" for one in folder.glob("*.py")})
    unknown = one_of("locustfile", load.locustfile, there, where="locustfiles/")
    raise LocustfileError(f"{scenario}: {unknown}" if scenario is not None else unknown)


def _at(path: Path, line: int | None) -> str:
    return f"{path}:{line}" if line else str(path)


def _imports_harness_only(path: Path, tree: ast.Module, what: str) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in modules:
            if module not in ("harness", "__future__"):
                raise ScenarioError(
                    f"{_at(path, node.lineno)}: a {what} imports harness only, so that it stays pure data; "
                    f"given {module!r}; write values out, and put behaviour into a fault or a check"
                )


def _line_of(error: BaseException, path: Path) -> int | None:
    """The innermost line of the scenario file that led to the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _in_words(error: BaseException) -> str:
    """What is wrong, with the nearest right name where a name is."""
    text = str(error)
    if isinstance(error, ImportError) and (match := re.search(r"cannot import name '(\w+)'", text)):
        return one_of("name", match[1], harness.__all__, where="harness")
    if isinstance(error, NameError) and error.name:
        return f"{one_of('name', error.name, harness.__all__, where='harness')}; import it from harness"
    if isinstance(error, TypeError):
        if match := re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", text):
            kind = getattr(harness, match[1], None)
            if is_dataclass(kind):
                return one_of("argument", match[2], [one.name for one in fields(kind)], where=match[1])
        return re.sub(r"(\w+)\.__init__\(\) ", r"\1 ", text)
    if isinstance(error, ValueError):
        return text
    if not isinstance(error, Exception):
        return f"the file ends the program ({type(error).__name__}); it is pure data, so take that line out"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

"""Verbs by which a stack is worked on by hand, and by runbooks: stack start, stop, restart, exec, deploy, deploys."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import out, spec_of, stack_app
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.stack.hands import Hands

Service = Annotated[str, typer.Argument(metavar="SERVICE", help="One of the stack's services.")]
AS_GIVEN = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def stack_path() -> Path:
    """The stack.json of $HARNESS_STACK, else of the stack that is kept here. Raises HarnessError without one."""
    from harness.openers import kept, kept_path

    if given := os.environ.get("HARNESS_STACK"):
        if not Path(given).is_file():
            raise HarnessError(f"$HARNESS_STACK is {given!r}, where no stack.json is; unset it, or give one that runs")
        return Path(given)
    spec = spec_of(None)[0]
    if kept(spec) is None:
        raise HarnessError("no stack is up here; start one with: harness stack up, or say which: $HARNESS_STACK")
    return kept_path(spec)


def _hands() -> Hands:
    from harness.stack.hands import hands

    return hands(stack_path())


@stack_app.command("start")
def stack_start(service: Service) -> None:
    """Start a service again, and wait until it is ready. Example: harness stack start postgres"""
    began = _hands().start(service)
    out.print(f"{service} is started and ready" if began else f"{service} ran already, and is ready")


@stack_app.command("stop")
def stack_stop(service: Service) -> None:
    """Ask a service to end, and wait until it has. Example: harness stack stop api"""
    ended = _hands().stop(service)
    out.print(f"{service} is stopped" if ended else f"{service} did not run")


@stack_app.command("restart")
def stack_restart(service: Service) -> None:
    """Stop a service, start it, wait until it is ready. Example: harness stack restart api"""
    ours = _hands()
    ours.stop(service)
    ours.start(service)
    out.print(f"{service} is restarted and ready")


@stack_app.command("exec", context_settings=AS_GIVEN)
def stack_exec(
    service: Service, command: Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="What to run.")]
) -> None:
    """Run a command as the service would. Example: harness stack exec postgres -- psql -c 'select 1'"""
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise HarnessError("there is no command; give one, as in: harness stack exec postgres -- psql -c 'select 1'")
    _hands().execute(service, words)


@stack_app.command("logs")
def stack_logs(
    service: Service, lines: Annotated[int, typer.Option("-n", min=1, help="How many, the last ones.")] = 200
) -> None:
    """Print what a service wrote last. Example: harness stack logs postgres"""
    print(_hands().log(service, lines))


@stack_app.command("deploy")
def stack_deploy(
    service: Service,
    variables: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="What changes.")] = None,
    back: Annotated[
        bool, typer.Option("--back", help="Take the last deploy back instead; DEPLOY after it: only if it is that one.")
    ] = False,
) -> None:
    """Start a service anew with other variables, or with those from before. Example: harness stack deploy api
    WEAKNESS=etl-loads-null"""
    given = variables or []
    if back and len(given) > 1:
        raise HarnessError(f"--back takes one deploy, as `harness stack deploys {service}` shows it; given {given}")
    if not given and not back:
        raise HarnessError("give NAME=VALUE, what changes, or --back, to take the last deploy back")
    if back:
        _hands().back(service, *given)
        out.print(f"{service} is as it was before its last deploy, and ready")
        return
    changes: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise HarnessError(f"a variable is given as NAME=VALUE; given {one!r}")
        changes[name] = value
    _hands().deploy(service, changes)
    out.print(f"{service} is deployed with {', '.join(changes)}, and ready")


@stack_app.command("deploys")
def stack_deploys(service: Service) -> None:
    """Say what was deployed to a service and not taken back, the last one first: when, and which variables. Exit 4
    where nothing was. Example: harness stack deploys api"""
    found = _hands().deploys(service)
    for one in reversed(found):
        print(one.line())
    if not found:
        print(f"nothing is deployed to {service} since its stack was started, or all of it was taken back")
        raise typer.Exit(4)


@stack_app.command("get")
def stack_get(
    service: Service, path: Annotated[str, typer.Argument(metavar="PATH", help="What to GET, as in /healthz.")]
) -> None:
    """Ask a service by GET; its status, then its answer. Exit 1 where none comes. Example: harness stack get api
    /healthz"""
    from harness.stack import state as states
    from harness.stack.asking import get

    answer = get(states.read(stack_path()), service, path)
    print(answer.status or "-", answer.text, sep="\n")
    raise typer.Exit(0 if answer.status else 1)


@stack_app.command("alerts")
def stack_alerts(
    names: Annotated[list[str] | None, typer.Argument(metavar="[ALERT]...", help="These.", show_default="all")] = None,
) -> None:
    """Say which alerts the stack has sent, and which are firing: exit 1 while one is, 4 where none of those was ever
    heard of. Example: harness stack alerts DatabaseUnreachable"""
    from harness.stack import state as states
    from harness.stack.asking import alerts

    found = [one for one in alerts(states.read(stack_path())) if not names or one.name in names]
    for one in found:
        print(one.line())
    if not found:
        print(f"no {' or '.join(names or ['alert'])} was heard of since the stack was started")
    raise typer.Exit(1 if any(one.is_firing for one in found) else 4 if names and not found else 0)

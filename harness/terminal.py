"""What a run looks like in a terminal: a live line while it goes on, plain lines where nobody watches (CI)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.order import Beat
from harness.record import Verdict, Word

if TYPE_CHECKING:
    from harness.analysis.figures import Figures

STYLES = {Word.PASS: "green", Word.FAIL: "bold red", Word.UNKNOWN: "yellow"}
MARKS = {Word.PASS: "✓", Word.FAIL: "✗", Word.UNKNOWN: "?"}
PLAIN_EVERY_S = 10.0


class PlainView:
    """A line for each thing that happens, and one every ten seconds of the clock."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_s = float("-inf")
        self._phase = "warm-up"  # a first beat may come before the clock is first told

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def clock(self, at_s: float, phase: str, faults_in: Sequence[str]) -> None:
        self._phase = phase

    def beat(self, beat: Beat) -> None:
        at_s = beat.at_ns / 1e9
        if at_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = at_s
            self.say(f"{at_s:7.1f} s  {self._phase}: {_figures(beat)}")


class LiveView:
    """One live table: phase, clock, requests a second, p99, what was not ok, the faults that are in now."""

    def __init__(self, console: Console, name: str, end_s: float) -> None:
        self._console, self._name, self._end_s = console, name, end_s
        self._lock = threading.Lock()
        self._at_s, self._phase, self._faults_in = 0.0, "starting", ""
        self._beat: Beat | None = None
        self._not_ok = 0
        self._live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._draw)

    def __enter__(self) -> LiveView:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.__exit__(kind, error, at)

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)

    def clock(self, at_s: float, phase: str, faults_in: Sequence[str]) -> None:
        with self._lock:
            self._at_s, self._phase, self._faults_in = at_s, phase, ", ".join(faults_in)

    def beat(self, beat: Beat) -> None:
        with self._lock:
            self._beat = beat
            self._not_ok += beat.fail + beat.unknown

    def _draw(self) -> Table:
        with self._lock:
            beat, not_ok = self._beat, self._not_ok
            at_s, phase, faults_in = self._at_s, self._phase, self._faults_in
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("scenario", "phase", "clock", "requests/s", "p99", "not ok", "faults in"):
            table.add_column(heading)
        rate = f"{beat.ok + beat.fail + beat.unknown}" if beat else "-"
        table.add_row(
            self._name,
            phase,
            f"{at_s:.0f} of {self._end_s:.0f} s",
            rate,
            f"{beat.p99_ms:,.0f} ms" if beat else "-",
            Text(str(not_ok), style="red" if not_ok else ""),
            Text(faults_in or "none", style="bold yellow" if faults_in else "dim"),
        )
        return table


def view_for(console: Console, name: str, end_s: float) -> PlainView | LiveView:
    """A live view where there is a terminal to draw on, else plain lines."""
    return LiveView(console, name, end_s) if console.is_terminal else PlainView(console)


def print_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """A verdict a line."""
    for verdict in verdicts:
        word = Word(verdict.word)
        line = Text(f"{MARKS[word]} {word:<7} ", style=STYLES[word])
        line.append(verdict.sentence, style="")
        console.print(line, soft_wrap=True)


def print_not_ok(console: Console, figures: Figures | None) -> None:
    """One line on what requests met, where more than a few were not ok."""
    if figures is not None and (line := figures.not_ok_in_words()):
        console.print(line, markup=False, soft_wrap=True)


def print_stack(console: Console, body: Mapping[str, Any]) -> None:
    """Where everything of a stack is; `body` is its state as JSON."""
    for name, service in body["services"].items():
        dead = "" if service.get("alive", True) else "  DEAD"
        line = f"{name:<14} {service['address']:<22} pid {service['pid']}{dead}  log {service['log']}"
        console.print(line, markup=False, soft_wrap=True)
    for name, link in body["links"].items():
        broken = "" if link.get("enabled", True) else "  CLOSED"
        broken += f"  TOXICS {', '.join(link['toxics'])}" if link.get("toxics") else ""
        console.print(f"{name:<14} {link['listen']} -> {link['upstream']}{broken}", markup=False, soft_wrap=True)
    console.print(f"{'Toxiproxy API':<14} {body['toxiproxy_url']}")
    console.print(f"{'entry':<14} {body['entry']}")


def nearest(path: Path) -> str:
    """A path as seen from here, where it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _figures(beat: Beat) -> str:
    answered = beat.ok + beat.fail + beat.unknown
    return f"{answered} requests/s, p99 {beat.p99_ms:,.0f} ms, {beat.fail + beat.unknown} not ok"

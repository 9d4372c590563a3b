"""The one look: colours, axes, shaded windows, and how a figure becomes a file.

Colours are Okabe and Ito's, which colour-blind people can tell apart. In a page's SVG each becomes a CSS variable, so
that one drawing serves light and dark; the PNG is the light one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.errors import RunFolderError
from harness.record import PlannedWindow

WIDTH_IN = 9.2
OK, FAIL, UNKNOWN, GENERATOR = "#0072b2", "#d55e00", "#f0e442", "#7f7f7f"
INK, FAINT, GRID, SHADE = "#1f2428", "#5b6570", "#d9dee3", "#e69f00"
P50, P95, P99 = "#56b4e9", "#009e73", "#cc79a7"
SUBJECTS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_VARIABLES = {
    OK: "--ok",
    FAIL: "--fail",
    UNKNOWN: "--unknown",
    GENERATOR: "--generator",
    INK: "--ink",
    FAINT: "--faint",
    GRID: "--grid",
    SHADE: "--shade",
    P50: "--p50",
    P95: "--p95",
    P99: "--p99",
}
CHARACTER, NAME_LENGTH_MAX = 0.0115, 80
"""How wide a character of a window's name is, by the width of a chart, and how long a name it has room for."""
TICKS_MS = (0.1, 1, 10, 100, 1_000, 10_000, 100_000)

mpl.rcParams.update(
    {
        "svg.hashsalt": "resilience-harness",
        "svg.fonttype": "none",
        "text.parse_math": False,  # a dollar sign in somebody's name is a dollar sign
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
    }
)


def colour_of(subject: str, subjects: Sequence[str]) -> str:
    """The colour of a service through the whole report; the generator is grey."""
    if subject == "generator":
        return GENERATOR
    return SUBJECTS[sorted(set(subjects)).index(subject) % len(SUBJECTS)]


def figure(height_in: float, rows: int, heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """A figure of `rows` panels on one x axis."""
    made = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes: Any = made.subplots(rows, 1, sharex=True, height_ratios=list(heights), squeeze=False)
    return made, list(axes[:, 0])


def over_time(axes: Sequence[Axes], windows: Sequence[PlannedWindow], end_s: float, *, share: float = 1.0) -> None:
    """Seconds on the run's clock below; every window shaded, with its name at the top of the first panel.

    `share` is how much of the picture's width the panels take, for as many characters there is room.
    """
    seen = [(one.name, one.start_s, min(one.end_s, end_s)) for one in windows if one.start_s < end_s]
    for axis in axes:
        axis.set_xlim(0, end_s)
        for _, start_s, until_s in seen:
            axis.axvspan(start_s, until_s, color=SHADE, alpha=0.16, linewidth=0)
    lanes: list[float] = []
    for name, start_s, until_s in sorted(seen, key=lambda one: one[1]):
        text = short(name, int(NAME_LENGTH_MAX * share))
        wide_s = end_s * CHARACTER / share * len(text)
        late = start_s + wide_s > end_s  # then its name ends where the window does, so that it stays on the chart
        at_s = max(until_s, wide_s) if late else start_s
        from_s, reach_s = (at_s - wide_s, at_s) if late else (at_s, max(until_s, at_s + wide_s))
        lane = next((i for i, taken_s in enumerate(lanes) if taken_s <= from_s), len(lanes))
        lanes[lane : lane + 1] = [reach_s]
        axes[0].annotate(
            text,
            (min(at_s, end_s), 1.0),
            xytext=(0, 3 + 11 * lane),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if late else "left",
            va="bottom",
            fontsize=8,
            color=FAINT,
        )
    drawn: Any = axes[0].figure
    drawn.set_figheight(drawn.get_figheight() + max(0, len(lanes) - 2) * 11 / 72)  # room for names above names
    axes[-1].set_xlabel("seconds on the run's clock")


def short(name: str, length_max: int) -> str:
    """A name that fits: what is too long ends in an ellipsis."""
    return name if len(name) <= length_max else f"{name[: length_max - 1]}…"


def titled(drawn: Figure, title: str) -> None:
    """The sentence over a picture."""
    drawn.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", wrap=True)


def beside(axis: Axes, value: float, text: str, size: float = 8, colour: str = FAINT) -> None:
    """Words at the right of a chart, at a value of its y axis."""
    axis.annotate(
        text,
        (1.0, value),
        xytext=(5, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=size,
        color=colour,
        annotation_clip=False,
    )


def in_milliseconds(axis: Any, low_ms: float, high_ms: float) -> None:
    """A log axis with ticks that people read: 1 ms, 10 ms, 100 ms, 1 s, 10 s."""
    axis.axes.set_yscale("log") if axis.axis_name == "y" else axis.axes.set_xscale("log")
    axis.set_major_locator(FixedLocator(TICKS_MS))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: time_in_words(value)))
    (axis.axes.set_ylim if axis.axis_name == "y" else axis.axes.set_xlim)(low_ms, high_ms)


def time_in_words(value_ms: float) -> str:
    """`0.4 ms`, `12 ms`, `1,008 ms` as `1.01 s`."""
    if value_ms >= 1000:
        return f"{value_ms / 1000:.2f}".rstrip("0").rstrip(".") + " s"
    return f"{value_ms:.0f} ms" if value_ms >= 10 else f"{value_ms:.2g} ms"


def bounds_ms(values: Sequence[float]) -> tuple[float, float]:
    """A decade or more that holds all values."""
    finite = [value for value in values if np.isfinite(value) and value > 0]
    low, high = (min(finite), max(finite)) if finite else (1.0, 100.0)
    return max(0.05, low / 1.6), max(high * 1.8, low * 12)


def save(drawn: Figure, path: Path) -> str:
    """Write the PNG at double density, and give the SVG for the page. The same figure gives the same bytes.

    Raises RunFolderError when the disk will not take it.
    """
    try:
        drawn.savefig(path, dpi=144, facecolor="white", metadata={"Software": None})
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}; free space and report again") from error
    drawn.set_layout_engine("none")  # it lies where it lies; to lay it out again would take as long as to draw it
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return themed(buffer.getvalue(), path.stem)


def make_ready() -> None:
    """Draw something small: fonts and renderers load at the first drawing, which takes half a second."""
    drawn, (axis,) = figure(1.0, 1, (1,))
    axis.set_title("0123456789")
    drawn.savefig(io.BytesIO(), format="png")
    drawn.savefig(io.StringIO(), format="svg")


def alone(svg: str) -> str:
    """The SVG of a page as a file of its own: what the page gives it, ground and colours, it brings itself."""
    css = files("harness.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"(--[a-z0-9]+): (#[0-9a-f]{6})", part)) for part in css.split("@media", 2)[:2])
    used = [one for one in light if one == "--ground" or f"var({one})" in svg]
    roots = [" ".join(f"{one}: {colours[one]};" for one in used) for colours in (light, dark)]
    style = f"<style>:root {{ {roots[0]} }} @media (prefers-color-scheme: dark) {{ :root {{ {roots[1]} }} }}</style>"
    ground = '<rect width="100%" height="100%" style="fill: var(--ground)"/>'
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return re.sub(r"<svg (viewBox=\"[^\"]*\")[^>]*>", rf"<svg {names} \1>\n{style}\n{ground}", svg, count=1) + "\n"


def themed(svg: str, name: str) -> str:
    """The SVG as part of a page: its ids its own, its colours the page's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'<svg[^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1, flags=re.DOTALL
    )
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"font: ([^;]*?)'DejaVu Sans'[^;]*", r"font: \1system-ui, sans-serif", svg)
    return re.sub(r"\n\s*", "\n", svg)

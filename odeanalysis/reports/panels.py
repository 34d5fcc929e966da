"""Figures of claims as SVG within a page: their colours are the page's own, so that they follow light, dark and print."""

import re
from html import escape
from io import StringIO
from typing import Any

import numpy as np

from odeanalysis.reports.axes import PALETTE
from odeanalysis.verification.figure import Figure, Line

SIZE = (6.4, 3.4)
STYLES: dict[str, dict[str, Any]] = {
    "line": {"linewidth": 1.6},
    "dashed": {"linewidth": 1.2, "linestyle": (0, (5, 3))},
    "points": {"linestyle": "none", "marker": "o", "markersize": 4.5},
}
# what matplotlib draws with, and what stands in its place: a variable of the page
INK, FAINT = "#010203", "#040506"
VARIABLES = {INK: "var(--ink)", FAINT: "var(--rule)", **{color: f"var(--line-{i})" for i, color in enumerate(PALETTE)}}
INKED = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color")
OPTIONS: Any = {"svg.fonttype": "none", **dict.fromkeys(INKED, INK)}
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
# names of groups, which repeat from figure to figure; what is referred to (clips, markers) keeps its own
NAMES = re.compile(r' id="[A-Za-z0-9.]+_\d+"')
HEAD = re.compile(r"^.*?<svg[^>]*viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)
LABELLED = 10
SHORT = 50.0


def svg(figure: Figure, name: str) -> str:
    """A figure as an SVG element.  name: distinguishes its parts from those of other figures of a page."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context({**OPTIONS, "svg.hashsalt": name}):
        canvas = Canvas(figsize=SIZE, layout="constrained")
        _draw(canvas.subplots(), figure)
        written = StringIO()
        canvas.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _embedded(written.getvalue(), figure.title)


def _draw(axis: Any, figure: Figure) -> None:
    axis.grid(True, color=FAINT, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set(xlabel=figure.xlabel, ylabel=figure.ylabel)
    axis.set_xscale("log" if figure.logx else "linear")
    axis.set_yscale("log" if figure.logy else "linear")
    for i, line in enumerate(figure.lines):
        _plot(axis, line, PALETTE[i % len(PALETTE)])
    for scale in [axis.xaxis] * figure.logx + [axis.yaxis] * figure.logy:
        _ticks(scale)
    if len(figure.lines) <= LABELLED:
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)


def _ticks(scale: Any) -> None:
    """Powers of ten alone have numbers, on a short logarithmic axis twice and five times them too."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

    low, high = scale.get_view_interval()
    if high < SHORT * low:
        scale.set_major_locator(LogLocator(subs=(1, 2, 5)))
        scale.set_major_formatter(LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(np.inf, np.inf)))
    scale.set_minor_formatter(NullFormatter())


def _plot(axis: Any, line: Line, color: str) -> None:
    axis.plot(line.x, line.y, color=color, label=line.label, **STYLES[line.kind])


def _embedded(written: str, title: str) -> str:
    """The element alone, as wide as the page allows, with variables for colours."""
    for color, variable in VARIABLES.items():
        written = written.replace(color, variable)
    opening = f'<svg role="img" viewBox="\\1"><title>{escape(title)}</title>'
    element = HEAD.sub(opening, written, count=1).replace("xlink:href", "href")
    return NAMES.sub("", METADATA.sub("", element)).strip()

"""Figures of claims as SVG within a page: their colours are the page's own, so that they follow light, dark and print.

What stands in words, the labels of axes and lines, is the page's; here are lines and numbers.
"""

import re
from html import escape
from io import StringIO
from typing import Any

from odeanalysis.reports.axes import PALETTE
from odeanalysis.verification.figure import Figure

SIZE = (5.6, 3.0)
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
SHORT = 50.0
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
    axis.set_xscale("log" if figure.logx else "linear")
    axis.set_yscale("log" if figure.logy else "linear")
    for i, line in enumerate(figure.lines):
        axis.plot(line.x, line.y, color=PALETTE[i % len(PALETTE)], **STYLES[line.kind])
    for scale in [axis.xaxis] * figure.logx + [axis.yaxis] * figure.logy:
        _ticks(scale)


def legend(figure: Figure) -> list[dict[str, Any]]:
    """What the lines of a figure are, each with its colour and its kind."""
    return [{"label": line.label, "kind": line.kind, "color": VARIABLES[PALETTE[i % len(PALETTE)]]} for i, line in enumerate(figure.lines)]


def _ticks(scale: Any) -> None:
    """Powers of ten alone have numbers, on a short logarithmic axis twice and five times them too."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = scale.get_view_interval()
    if high < SHORT * low:
        scale.set_major_locator(LogLocator(subs=(1, 2, 5)))
    scale.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    scale.set_minor_formatter(NullFormatter())


def _number(value: float) -> str:
    """1, 2, 5 or 10 as they are, and others like 10⁻³ and 2·10⁻³."""
    first, _, exponent = f"{value:.0e}".partition("e")
    if int(exponent) in (0, 1):
        return f"{value:g}"
    power = f"10{str(int(exponent)).translate(RAISED)}"
    return power if first == "1" else f"{first}·{power}"


def _embedded(written: str, title: str) -> str:
    """The element alone, as wide as the page allows, with variables for colours."""
    for color, variable in VARIABLES.items():
        written = written.replace(color, variable)
    opening = f'<svg role="img" viewBox="\\1"><title>{escape(title)}</title>'
    element = HEAD.sub(opening, written, count=1).replace("xlink:href", "href")
    return NAMES.sub("", METADATA.sub("", element)).strip()

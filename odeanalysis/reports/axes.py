"""How our figures look: panels above each other over one depth axis, one palette, one legend."""

from dataclasses import dataclass
from typing import Any

PALETTE = ("#2f6db3", "#d1622b", "#3b8f5c", "#8a4fa3", "#b3922a", "#4aa3a8", "#b83a5e", "#6b6b6b")
SMOOTH = 401
SAMPLES = 8
LABELS = 8
WIDTH, HEIGHT = 7.2, 3.6


@dataclass(frozen=True, eq=False)
class Panels:
    """A matplotlib figure and its axes, from top to bottom."""

    figure: Any
    axes: tuple[Any, ...]


def panels(count: int, depth: str, title: str) -> Panels:
    """An empty figure with so many panels over one depth axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT * max(count, 1)), layout="constrained")
    grid = figure.subplots(max(count, 1), 1, sharex=True, squeeze=False)[:, 0]
    for axis in grid:
        axis.grid(True, color="#e4e4e4", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    grid[-1].set_xlabel(depth)
    grid[0].set_title(title, loc="left", fontsize=11)
    return Panels(figure, tuple(grid))


def among(batch: int | None) -> str:
    """What a title says where not all samples are drawn."""
    return "" if batch is None or batch <= SAMPLES else f" (the first {SAMPLES} of {batch} samples)"


def color(i: int) -> str:
    return PALETTE[i % len(PALETTE)]


def fade(batch: int | None) -> float:
    """How dense the lines of a batch are."""
    return 1.0 if batch is None or batch == 1 else 0.55


def legend(axis: Any) -> None:
    """The legend beside the panel, where it covers no line."""
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)

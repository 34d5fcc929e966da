"""Figures as data: what a claim measured along an axis, for any report to draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["line", "points", "dashed"]


@dataclass(frozen=True)
class Line:
    """A labelled sequence of points (x_i, y_i)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Kind = "line"


@dataclass(frozen=True)
class Figure:
    """A titled panel of lines; an axis may be logarithmic."""

    title: str
    xlabel: str
    ylabel: str
    lines: tuple[Line, ...]
    logx: bool = False
    logy: bool = False


def line(label: str, x: Any, y: Any, kind: Kind = "line") -> Line:
    """A line of arrays [n]; points that are not finite are left out."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    kept = np.isfinite(x) & np.isfinite(y)
    return Line(label, tuple(map(float, x[kept])), tuple(map(float, y[kept])), kind)


def convergence(title: str, sizes: Any, errors: Mapping[str, Any], orders: Mapping[str, float], xlabel: str = "step size") -> Figure:
    """Errors [n] against sizes [n] in logarithmic axes, each beside the slope that theory gives it."""
    lines = []
    for label, error in errors.items():
        guide = error[0] * (np.asarray(sizes) / sizes[0]) ** orders[label]
        lines += [line(label, sizes, error, "points"), line(f"slope {orders[label]:g}", sizes, guide, "dashed")]
    return Figure(title, xlabel, "error", tuple(lines), logx=True, logy=True)

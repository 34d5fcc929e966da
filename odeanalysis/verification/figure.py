"""Figures as data: what a claim measured along an axis, for any report to draw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from odeanalysis.errors import ModelError

Kind = Literal["line", "points", "dashed"]


@dataclass(frozen=True)
class Line:
    """A labelled sequence of points (x_i, y_i). Raises ModelError for another kind, and where x and y are not as many."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Kind = "line"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ModelError(f"the line {self.label!r} is of the kind {self.kind!r}; use one of {', '.join(get_args(Kind))}")
        if len(self.x) != len(self.y):
            raise ModelError(f"the line {self.label!r} has {len(self.x)} values x and {len(self.y)} values y; give as many of both")


@dataclass(frozen=True)
class Figure:
    """A titled panel of lines; an axis may be logarithmic. Raises ModelError for a title or labels that are no texts."""

    title: str
    xlabel: str
    ylabel: str
    lines: tuple[Line, ...]
    logx: bool = False
    logy: bool = False

    def __post_init__(self) -> None:
        texts(f"the figure {self.title!r}", (self.title, self.xlabel, self.ylabel, *(line.label for line in self.lines)))


def texts(what: str, given: Iterable[Any]) -> None:
    """Raises ModelError for what is no text among what has to be shown as text."""
    wrong = [one for one in given if not isinstance(one, str)]
    if wrong:
        raise ModelError(f"{what} says {wrong[0]!r}, which is no text; write it as one")


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

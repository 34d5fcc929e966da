"""The entries a fit moves, as one scaled vector: logarithms where a range is positive, else multiples of a scale."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeanalysis.errors import ModelError, question
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Variables:
    """How the free values of a problem lie in one vector x [p], and its scaled form u [p].

    u = log x where the range is positive, else x / scale.  low, high: bounds of x, infinite where there are none.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    positive: Array
    scale: Array
    low: Array
    high: Array

    @cached_property
    def starts(self) -> tuple[int, ...]:
        return tuple(int(start) for start in np.cumsum([0, *(np.prod(shape, dtype=int) for shape in self.shapes)]))

    @property
    def count(self) -> int:
        return self.starts[-1]

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The name of every entry, as in `W[0, 1]`."""
        return tuple(_entry(name, place) for name, shape in zip(self.names, self.shapes, strict=True) for place in np.ndindex(shape))

    @property
    def bounded(self) -> Array:
        """Which entries have a range."""
        return np.isfinite(self.low) & np.isfinite(self.high)

    def owner(self, place: int) -> str:
        """The name that an entry of x belongs to."""
        return self.names[bisect_right(self.starts, place) - 1]

    def pack(self, arrays: Mapping[str, Array]) -> Array:
        return np.concatenate([np.ravel(arrays[name]) for name in self.names])

    def unpack(self, x: Array) -> dict[str, Array]:
        ends = zip(self.names, self.starts, self.starts[1:], self.shapes, strict=False)
        return {name: x[start:end].reshape(shape) for name, start, end, shape in ends}

    def scaled(self, x: Array) -> Array:
        """u of x; infinite bounds stay infinite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.positive, np.log(x), x / self.scale)

    def unscaled(self, u: Array) -> Array:
        """x of u; on a bound, or beyond it, exactly the bound."""
        x = np.where(self.positive, np.exp(np.where(self.positive, u, 0)), u * self.scale)
        x = np.where(u <= self.scaled(self.low), self.low, x)
        return np.where(u >= self.scaled(self.high), self.high, x)

    def rate(self, x: Array) -> Array:
        """dx/du."""
        return np.where(self.positive, x, self.scale)

    def held(self, x: Array, slope: Array) -> Array:
        """Which entries sit on a bound that the objective pushes against: there the gradient need not vanish."""
        return ((x <= self.low) & (slope > 0)) | ((x >= self.high) & (slope < 0))


def variables(problem: Problem, bound: Bound, free: Iterable[str] | None) -> Variables:
    """The free values (default: all parameters) with their ranges. Raises ModelError for what does not fit."""
    names = _free_names(problem, free)
    ranges = dict(problem.ranges)
    arrays = {name: np.asarray(bound.arrays[name]) for name in names}
    limits = {name: ranges.get(name, (-np.inf, np.inf)) for name in names}
    for name in names:
        _check_start(problem, name, arrays[name], limits[name])

    def spread(values: Iterable[Any]) -> Array:
        return np.concatenate([np.broadcast_to(value, arrays[name].shape).ravel() for name, value in zip(names, values, strict=True)])

    return Variables(
        names,
        tuple(arrays[name].shape for name in names),
        spread(low > 0 for low, _ in limits.values()).astype(bool),
        spread(_scale(arrays[name], *limits[name]) for name in names),
        spread(low for low, _ in limits.values()).astype(float),
        spread(high for _, high in limits.values()).astype(float),
    )


def _free_names(problem: Problem, free: Iterable[str] | None) -> tuple[str, ...]:
    parameters = tuple(leaf.name for leaf in problem.model.parameters)
    known = tuple(leaf.name for leaf in problem.model.names)
    names = parameters if free is None else tuple(dict.fromkeys(free))
    for name in names:
        if name not in known:
            advice = f"{question(name, known)}choose among {', '.join(known)}"
            raise ModelError(f"{name!r} cannot be fitted: it is no parameter or input of {problem.name!r}; {advice}")
    if not names:
        raise ModelError(f"{problem.name!r} has no parameters to fit; name the inputs to fit, or declare [parameters]")
    return names


def _check_start(problem: Problem, name: str, value: Array, limits: tuple[float, float]) -> None:
    low, high = limits
    if ((value < low) | (value > high)).any():
        worst = value[(value < low) | (value > high)].flat[0]
        raise ModelError(
            f"the fit of {problem.name!r} starts with {name!r} at {worst:g}, outside its range [{low:g}, {high:g}]; move one of them"
        )


def _scale(value: Array, low: float, high: float) -> Array:
    """Half a finite range, else the size of the starting value, else 1."""
    if np.isfinite(low) and np.isfinite(high):
        return np.full(value.shape, (high - low) / 2)
    return np.where(value == 0, 1.0, np.abs(value))


def _entry(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, place))}]" if place else name

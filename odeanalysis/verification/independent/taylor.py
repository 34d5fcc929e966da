"""Taylor tests: along a direction, remainders of order 0, 1, 2 fall with slopes 1, 2, 3 if, and only if, the derivatives are right.

R_1(e) = |ell(v + e d) - ell(v) - e g.d|,   R_2(e) = |ell(v + e d) - ell(v) - e g.d - e^2/2 d.H d|

measured on the recorded steps, which makes ell smooth in e. R_0 is the R_1 of a zero gradient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.differences import replayed, tiled
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.verification.independent.slopes import WINDOW, Slope, shake, slope_of

SIZES = 2.0 ** -np.arange(2, 27)
NOISE = 64 * np.finfo(float).eps
SHAKEN = 8
LEFT_OUT = 4


@dataclass(frozen=True, eq=False)
class Line:
    """The loss on a line through the values: direction by name, step sizes, values of the loss there, and at 0."""

    direction: Mapping[str, Array]
    sizes: Array
    values: Array
    origin: float
    scale: float

    def remainder(self, gradients: Mapping[str, Array], curvature: float = 0.0) -> Array:
        """R_1(e) for each size; R_2(e) for a curvature d.H d."""
        slope = sum(float(np.sum(gradients[name] * d)) for name, d in self.direction.items())
        return np.abs(self.values - self.origin - self.sizes * slope - self.sizes**2 / 2 * curvature)

    @cached_property
    def floor(self) -> float:
        """The noise of a remainder: rounding of the loss, and what shakes it at the smallest sizes, where it is a parabola otherwise."""
        return max(NOISE * self.scale, SHAKEN * shake(self.sizes, self.values - self.origin))


def directions(run: Run, count: int, seed: int) -> list[dict[str, Array]]:
    """Random directions, each block half to once as large as its values (or 1), none of them a gradient or the values themselves."""
    random = np.random.default_rng(seed)
    return [{name: _direction(array, random) for name, array in run.setting.bound.arrays.items()} for _ in range(count)]


def _direction(array: Array, random: np.random.Generator) -> Array:
    drawn = np.where(np.isnan(array), 0, random.standard_normal(array.shape))
    size = random.uniform(0.5, 1) * (np.sqrt(np.nansum(array**2)) or 1.0)
    return drawn * (size / max(float(np.sqrt(np.sum(drawn**2))), 1e-300))


def lines(run: Run, along: Sequence[Mapping[str, Array]], sizes: Array = SIZES) -> list[Line]:
    """The loss along directions, all of them and all sizes solved as one batch on the recorded steps.

    Sizes so large that the steps lead out of the field's domain are left out. Raises SolveError where small ones do, too.
    """
    try:
        return _lines(run, along, sizes)
    except SolveError:
        if len(sizes) <= LEFT_OUT + WINDOW:
            raise
        return lines(run, along, sizes[LEFT_OUT:])


def _lines(run: Run, along: Sequence[Mapping[str, Array]], sizes: Array) -> list[Line]:
    copies = len(along) * len(sizes)
    moved = {name: tiled(run, name, copies) for name in run.setting.bound.arrays}
    for name, array in moved.items():
        steps = [np.multiply.outer(sizes, direction[name]) for direction in along]
        array += _beside(run, name, np.concatenate(steps)).reshape(array.shape)
    weights = run.setting.weights
    values = (replayed(run, moved, copies) @ weights).reshape(len(along), -1)
    start = replayed(run, {}, 1)[0]
    origin, scale = float(start @ weights), float(np.abs(start) @ weights) or 1.0
    return [Line(direction, sizes, row, origin, scale) for direction, row in zip(along, values, strict=True)]


def _beside(run: Run, name: str, steps: Array) -> Array:
    """Steps of a value [copies, ...] for every sample: [copies, B, ...]."""
    if name in run.setting.bound.batched:
        return steps
    return np.repeat(steps[:, None], run.setting.batch, axis=1)


def slope(along: Line, gradients: Mapping[str, Array], curvature: float | None = None) -> Slope:
    """The slope of the remainder over the smallest sizes at which it stands clear of the noise.

    curvature: d.H d, for the remainder of order 2, whose slope is 3; None for that of order 1.
    """
    due = 2 if curvature is None else 3
    remainder = along.remainder(gradients, curvature or 0.0)
    noise = along.floor + NOISE * np.abs(along.values - along.origin)
    return slope_of(along.sizes, remainder, noise, due)

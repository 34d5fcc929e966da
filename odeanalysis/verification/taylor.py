"""Taylor tests: the remainder of the loss along a direction falls with slope 2 if, and only if, the gradient is right.

R(e) = |ell(v + e d) - ell(v) - e g.d|,   measured on the recorded steps, which makes ell smooth in e
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.differences import replayed, tiled
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run

SIZES = 2.0 ** -np.arange(2, 27)
NOISE = 64 * np.finfo(float).eps
ABOVE = 64
LEFT_OUT = 4
WINDOW = 5


@dataclass(frozen=True, eq=False)
class Line:
    """The loss on a line through the values: direction by name, step sizes, values of the loss there, and at 0."""

    direction: Mapping[str, Array]
    sizes: Array
    values: Array
    origin: float
    scale: float

    def remainder(self, gradients: Mapping[str, Array]) -> Array:
        """R(e) for each size."""
        slope = sum(float(np.sum(gradients[name] * d)) for name, d in self.direction.items())
        return np.abs(self.values - self.origin - self.sizes * slope)

    @property
    def floor(self) -> float:
        """The rounding noise of a remainder."""
        return NOISE * self.scale


@dataclass(frozen=True)
class Slope:
    """The fitted slope of a remainder; `exact` where it never rises above rounding; None where too few sizes lie above it."""

    slope: float | None
    exact: bool = False

    @property
    def passed(self) -> bool:
        return self.exact or (self.slope is not None and self.slope >= 1.9)


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


def slope(along: Line, gradients: Mapping[str, Array]) -> Slope:
    """The slope of the remainder over the smallest sizes at which it stands clear of the rounding noise."""
    remainder = along.remainder(gradients)
    noise = along.floor + NOISE * np.abs(along.values - along.origin)
    known = np.isfinite(remainder)
    clear = known & (remainder > ABOVE * noise)
    if not clear.any():
        return Slope(None, exact=bool(known.sum() >= WINDOW))
    last = int(np.nonzero(clear)[0][-1])
    first = max(0, last - WINDOW + 1)
    if last - first + 1 < 3 or not clear[first : last + 1].all():
        return Slope(None)
    fitted = np.polyfit(np.log(along.sizes[first : last + 1]), np.log(remainder[first : last + 1]), 1)
    return Slope(float(fitted[0]))

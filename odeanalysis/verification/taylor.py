"""Taylor tests: the remainder of the loss along a direction falls with slope 2 if, and only if, the gradient is right.

R(e) = |ell(v + e d) - ell(v) - e g.d|,   measured on the recorded steps, which makes ell smooth in e
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.gradients.differences import replayed, tiled
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run

SIZES = 2.0 ** -np.arange(2, 27)
NOISE = 64 * np.finfo(float).eps
ABOVE = 64
BEYOND = 8
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

    def strength(self, gradients: Mapping[str, Array]) -> float:
        """The size of the terms of g.d."""
        return sum(float(np.sum(np.abs(gradients[name] * d))) for name, d in self.direction.items())

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
    """Random directions, normalised block by block to the size of the values (or 1), none of them a gradient."""
    random = np.random.default_rng(seed)
    return [{name: _direction(array, random) for name, array in run.setting.bound.arrays.items()} for _ in range(count)]


def _direction(array: Array, random: np.random.Generator) -> Array:
    drawn = np.where(np.isnan(array), 0, random.standard_normal(array.shape))
    size = np.sqrt(np.nansum(array**2)) or 1.0
    return drawn * (size / max(float(np.sqrt(np.sum(drawn**2))), 1e-300))


def line(run: Run, direction: Mapping[str, Array], sizes: Array = SIZES) -> Line:
    """The loss along a direction, all sizes solved as one batch on the recorded steps."""
    copies = len(sizes)
    steps = np.repeat(sizes, run.setting.batch)
    moved = {name: tiled(run, name, copies) + _scaled(run, name, d, steps, copies) for name, d in direction.items()}
    losses = replayed(run, moved, copies)
    start = replayed(run, {}, 1)[0]
    weights = run.setting.weights
    return Line(direction, sizes, losses @ weights, float(start @ weights), float(np.abs(start) @ weights) or 1.0)


def _scaled(run: Run, name: str, direction: Array, steps: Array, copies: int) -> Array:
    wide = (
        np.concatenate([direction] * copies)
        if name in run.setting.bound.batched
        else np.broadcast_to(direction, (len(steps), *direction.shape))
    )
    return wide * steps.reshape(-1, *[1] * (wide.ndim - 1))


def slope(along: Line, gradients: Mapping[str, Array], resolution: float = 0.0) -> Slope:
    """The slope of the remainder over the smallest sizes at which it stands clear of noise.

    resolution: the relative error that the gradient may have; sizes at which it could make up the remainder decide nothing.
    """
    remainder = along.remainder(gradients)
    rounding = ABOVE * (along.floor + NOISE * np.abs(along.values - along.origin))
    if not (np.isfinite(remainder) & (remainder > rounding)).any():
        return Slope(None, exact=True)
    doubt = BEYOND * resolution * along.sizes * along.strength(gradients)
    clear = np.isfinite(remainder) & (remainder > np.maximum(rounding, doubt))
    places = np.nonzero(clear)[0]
    last = int(places[-1]) if len(places) else 0
    first = max(0, last - WINDOW + 1)
    if last - first + 1 < 3 or not clear[first : last + 1].all():
        return Slope(None)
    fitted = np.polyfit(np.log(along.sizes[first : last + 1]), np.log(remainder[first : last + 1]), 1)
    return Slope(float(fitted[0]))

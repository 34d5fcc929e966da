"""A function on a line v + e d, at steps e and -e of many sizes: what its derivative along d is, how sure that is, and how remainders fall.

With g a gradient that is claimed, and steps taken as the arguments round them,

    R_0(e) = abs(f(v + e d) - f(v)),   R_1(e) = abs(f(v + e d) - f(v) - e g.d),   R_2(e) = abs(f(v + e d) - f(v - e d) - 2 e g.d)

fall with slopes 1, 2, 3 for the right gradient, and R_1 and R_2 with slope 1 for a wrong one.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.errors import OdeAnalysisError
from odeanalysis.testing.arguments import Arguments, Array, Arrays, read, show
from odeanalysis.verification.independent.slopes import Slope, shake, slope_of

SIZES = 2.0 ** -np.arange(2, 27)
ROUNDED = 4  # roundings of a value of the function
SHAKEN = 4
POWERS = (1, 2, 3)
FAILED = (ArithmeticError, ValueError, OdeAnalysisError)  # what functions say outside their domain
LARGEST = 4  # sizes at which the typical change of the function is read off
SURE = 4  # errors that a gap exceeds before it is one


@dataclass(frozen=True)
class Estimate:
    """A number and its error."""

    value: float
    error: float

    @property
    def differs(self) -> bool:
        """Whether it is not 0 for certain."""
        return abs(self.value) > SURE * self.error


@dataclass(frozen=True, eq=False)
class Line:
    """The function along a direction.  up, down: its values at steps e and -e; above, below: what the gradient makes of those steps.

    origin: its value without a step.  rounding: of its numbers, relatively.
    """

    direction: Arrays
    sizes: Array
    up: Array
    down: Array
    above: Array
    below: Array
    origin: float
    rounding: float
    claimed: float

    @cached_property
    def noise(self) -> float:
        """The noise of a value: rounding, and what shakes it at the smallest steps, where it is a polynomial otherwise."""
        moved = np.concatenate([self.up, self.down]) - self.origin
        if not np.any(moved) and not self.claimed:
            return 0.0  # what is not read, and said not to be
        largest = max(abs(self.origin), float(np.nanmin(np.abs(moved))))
        shaken = max(shake(self.sizes, side - self.origin, POWERS) for side in (self.up, self.down))
        return max(ROUNDED * self.rounding * largest, SHAKEN * shaken, float(np.finfo(float).tiny))

    @cached_property
    def noises(self) -> Array:
        """The noise of a value at each size: also the rounding of arguments, where the function is as steep as up to there."""
        return self.noise + ROUNDED * self.rounding * np.nan_to_num(self.steep)

    @cached_property
    def gap(self) -> Estimate:
        """Claimed less measured derivative."""
        return self._limit((self.above - self.below - (self.up - self.down)) / (2 * self.sizes))

    @cached_property
    def bend(self) -> Estimate:
        """The derivative forward less that backward: 0 unless there is a kink."""
        return self._limit((self.up + self.down - 2 * self.origin - (self.above + self.below)) / self.sizes)

    @property
    def measured(self) -> float:
        """The derivative; 0 where it is not told from that."""
        found = self.claimed - self.gap.value
        return 0.0 if abs(found) <= SURE * self.gap.error else found

    @cached_property
    def steep(self) -> Array:
        """How steep the function is along the line, from 0 to each step."""
        return np.fmax(np.abs(self.up - self.origin), np.abs(self.down - self.origin)) / self.sizes

    @cached_property
    def typical(self) -> float:
        """How steep it is at large steps."""
        return float(np.max(self.steep[np.isfinite(self.steep)][:LARGEST], initial=0.0))

    @cached_property
    def best(self) -> int:
        """The place of the size at which the gap is most certain."""
        return self._place((self.above - self.below - (self.up - self.down)) / (2 * self.sizes))[0]

    def _limit(self, ratios: Array) -> Estimate:
        place, error = self._place(ratios)
        return Estimate(float(ratios[place]) if np.isfinite(error) else float("nan"), error)

    def _place(self, ratios: Array) -> tuple[int, float]:
        """Where quotients of differences settle: the place where their changes from size to size and the noise add up to least.

        Two changes in a row are looked at, so that no turning point looks like a limit; and how far the quotients at smaller sizes lie
        away, but for their noise, so that waves much shorter than a step do not.
        """
        changes, noise = np.abs(np.diff(ratios)), self.noises / self.sizes
        changes = np.maximum(changes[:-1], changes[1:])
        apart = np.abs(ratios[None, :] - ratios[1:-1, None]) - SURE * noise
        apart = np.where(np.arange(len(ratios))[None, :] > np.arange(1, len(ratios) - 1)[:, None], apart, 0)
        errors = np.maximum(changes, np.nanmax(np.maximum(apart, 0), axis=1)) + noise[1:-1]
        if not np.isfinite(errors).any():
            return 0, float("inf")
        place = int(np.nanargmin(errors))
        return place + 1, float(errors[place])

    def slopes(self) -> tuple[Slope, Slope, Slope]:
        """Those of R_0, R_1, R_2."""
        remainders = (self.up - self.origin, self.up - self.origin - self.above, self.up - self.down - (self.above - self.below))
        first, second, third = (slope_of(self.sizes, np.abs(one), 2 * self.noises, due) for due, one in enumerate(remainders, 1))
        return first, second, third


def number(found: Any) -> float:
    """The value of a function as a number. Raises TypeError where it is none."""
    array = read(found, "what the function returned")
    if array.size != 1:
        raise TypeError(f"the function returned an array of shape {show(array.shape)}; return one number, such as its sum")
    return float(array.reshape(()))


def line(value: Callable[[Any], float], at: Arguments, gradient: Arrays, along: Arrays, origin: float, sizes: Array = SIZES) -> Line:
    """A function on the line along a direction.  value: the function of moved arguments.  gradient: what is claimed."""
    up, down, above, below = np.array([[*_stepped(value, at, gradient, along, size)] for size in sizes]).T
    claimed = dot(gradient, along)
    return Line(along, sizes, up, down, above, below, origin, at.precision, claimed)


def _stepped(value: Callable[[Any], float], at: Arguments, gradient: Arrays, along: Arrays, size: float) -> tuple[float, ...]:
    moved = [at.moved({key: sign * size * step for key, step in along.items()}) for sign in (1, -1)]
    return (*(_tried(value, one) for one in moved), *(dot(gradient, at.walked(one)) for one in moved))


def _tried(value: Callable[[Any], float], moved: Any) -> float:
    """The value at a step; NaN where the step leads out of the function's domain."""
    try:
        with np.errstate(all="ignore"):
            found = value(moved)
    except FAILED:
        return float("nan")
    return found if np.isfinite(found) else float("nan")


def dot(gradient: Arrays, steps: Arrays) -> float:
    return sum(float(np.sum(gradient[key] * step)) for key, step in steps.items())


def random_direction(array: Array, random: np.random.Generator) -> Array:
    """A direction half to once as large as an array (or 1); where it is NaN, there is no step."""
    drawn = np.where(np.isfinite(array), random.standard_normal(array.shape), 0)
    size = random.uniform(0.5, 1) * (float(np.sqrt(np.nansum(array**2))) or 1.0)
    return drawn * (size / max(float(np.sqrt(np.sum(drawn**2))), 1e-300))


def random_directions(at: Arguments, count: int, seed: int) -> list[dict[Hashable, Array]]:
    """Random directions in which everything moves that can."""
    random = np.random.default_rng(seed)
    return [{key: random_direction(array, random) for key, array in at.arrays.items()} for _ in range(count)]


def given_directions(at: Arguments, given: int | Sequence[Any], seed: int) -> list[dict[Hashable, Array]]:
    """Directions in the structure of the arguments, or so many random ones."""
    if isinstance(given, int):
        return random_directions(at, given, seed)
    return [at.read_like(one, "a direction") for one in given]

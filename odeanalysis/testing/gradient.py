"""`assert_gradient`: whether the gradient of any function is right, wrong, or cannot be measured."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.testing.arguments import label
from odeanalysis.testing.claimed import Claimed, NotMeasurable, claimed
from odeanalysis.testing.faults import fault
from odeanalysis.testing.lines import SIZES, Line, line, random_direction
from odeanalysis.verification.independent.slopes import Slope

__all__ = ["GradientReport", "Measured", "NotMeasurable", "assert_gradient"]

TOLERANCES = ((1e-12, 1e-6), (1e-5, 1e-2), (1.0, 0.3))  # up to a rounding of numbers: what a gradient is compared to, by default


@dataclass(frozen=True)
class Measured:
    """The derivative along one random direction of a name: as claimed, as measured, with the error of that, all relative to `scale`."""

    name: Hashable
    claimed: float
    measured: float
    error: float
    scale: float
    slopes: tuple[Slope, Slope, Slope]

    @property
    def gap(self) -> float:
        """Relatively, how far the claimed derivative lies from the measured one."""
        return abs(self.claimed - self.measured) / self.scale if self.scale else 0.0


@dataclass(frozen=True)
class GradientReport:
    """What a right gradient was measured to be: along two directions (or as many as asked for) of each name."""

    measured: tuple[Measured, ...]
    rtol: float

    @property
    def slopes(self) -> dict[str, list[float]]:
        """By name, the slopes of the remainders f(v + e d) - f(v - e d) - 2 e g.d: 3 each; 3 is also said where they are exact."""
        names = dict.fromkeys(one.name for one in self.measured)
        return {label(name): [one.slopes[2].measured for one in self.measured if one.name == name] for name in names}

    @property
    def gap(self) -> float:
        """The largest relative gap between claimed and measured derivatives."""
        return max(one.gap for one in self.measured)

    def __str__(self) -> str:
        rows = [
            f"{label(one.name):<12} {one.claimed:>14.7g} {one.measured:>14.7g} {one.gap:>9.1e} {_slope(one.slopes[2]):>6}"
            for one in self.measured
        ]
        return "\n".join([f"{'':<12} {'claimed':>14} {'measured':>14} {'gap':>9} {'slope':>6}", *rows])


def _slope(slope: Slope) -> str:
    return "exact" if slope.exact else "-" if slope.slope is None else f"{slope.slope:.2f}"


def assert_gradient(
    function: Callable[..., Any],
    gradient: Any = None,
    *,
    at: Any,
    wrt: Any = None,
    rtol: float | None = None,
    directions: int = 2,
    seed: int = 0,
    sizes: Any = SIZES,
) -> GradientReport:
    """Asserts that the gradient of a function of NumPy arrays, numbers or torch tensors is right.

    function: arguments -> one number.  gradient: arguments -> the gradient in their structure, or that gradient itself; None where the
    function returns (value, gradient), or a tensor whose `backward` gives it.
    at: the arguments: a mapping is one argument with names, a tuple is several arguments, anything else is one.
    wrt: names (or places) whose gradient is checked; default: all numbers and arrays of floating point.
    rtol: how far a derivative may lie from the right one, relatively (default 1e-6 in doubles, 1e-2 in single precision).
    directions: random ones for each name, drawn from the seed.  sizes: of the steps, falling, relative to each argument's norm.

    Returns the derivatives measured, with the slopes of their remainders. Raises AssertionError, which names the entry, where the gradient
    is wrong, NotMeasurable where the function is too noisy for rtol, or has a kink, and TypeError for what is no function or gradient.
    """
    one = claimed(function, gradient, at, wrt)
    rtol = next(found for rounding, found in TOLERANCES if one.at.precision <= rounding) if rtol is None else rtol
    lines = [*_lines(one, directions, seed, np.asarray(sizes, float))]
    scales = [_scale(one, key, along) for key, along in lines]
    told = fault(one, lines, scales, rtol)
    if told is not None:
        raise told
    return GradientReport(
        tuple(
            Measured(key, along.claimed, along.measured, along.gap.error, scale, along.slopes())
            for (key, along), scale in zip(lines, scales, strict=True)
        ),
        rtol,
    )


def _lines(one: Claimed, count: int, seed: int, sizes: np.ndarray) -> Iterator[tuple[Hashable, Line]]:
    random = np.random.default_rng(seed)
    for key, array in one.at.arrays.items():
        for _ in range(count if array.size else 0):
            along = {key: random_direction(array, random)}
            yield key, line(one.value, one.at, one.gradient, along, one.origin, sizes)


def _scale(one: Claimed, key: Hashable, along: Line) -> float:
    """How large the derivative is, or would be along a typical direction."""
    gradient, step = one.gradient[key], along.direction[key]
    usual = float(np.linalg.norm(gradient) * np.linalg.norm(step) / np.sqrt(max(gradient.size, 1)))
    measured = abs(along.measured)
    return max(abs(along.claimed), usual, measured if np.isfinite(measured) else 0.0)

"""Slopes of remainders in doubly logarithmic scales: over the smallest sizes at which they stand clear of the noise."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

ABOVE = 64
FITTED = 8
WINDOW = 5
FEWEST = 3
SHORT = 0.1


@dataclass(frozen=True)
class Slope:
    """The fitted slope of a remainder; `exact` where it never rises above the noise; None where too few sizes lie above it.

    due: the slope of right derivatives.
    """

    slope: float | None
    exact: bool = False
    due: int = 2

    @property
    def bound(self) -> float:
        return self.due - SHORT

    @property
    def measured(self) -> float:
        """The slope; that which is due where the remainder is exact, NaN where it is undecided."""
        return float(self.due) if self.exact else float("nan") if self.slope is None else self.slope

    @property
    def passed(self) -> bool:
        return self.measured >= self.bound


def slope_of(sizes: Array, remainder: Array, noise: Array, due: int) -> Slope:
    """The slope of a remainder.  sizes: falling.  remainder, noise: at each; a remainder that is not finite is not known."""
    known = np.isfinite(remainder)
    clear = known & (remainder > ABOVE * noise)
    if not clear.any():
        return Slope(None, bool(known.sum() >= WINDOW), due)
    last = int(np.nonzero(clear)[0][-1])
    first = max(0, last - WINDOW + 1)
    if last - first + 1 >= FEWEST and clear[first : last + 1].all():
        return Slope(_fitted(sizes[first : last + 1], remainder[first : last + 1]), due=due)
    at_least = _at_least(sizes, np.where(clear, remainder, ABOVE * noise), last)
    return Slope(at_least if at_least is not None and at_least >= due - SHORT else None, due=due)


def shake(sizes: Array, moved: Array, powers: tuple[int, ...] = (1, 2)) -> float:
    """How far a function leaves a polynomial at its smallest sizes, where it is one but for noise; 0 where too few are known.

    sizes: falling.  moved: its values less that at 0.  powers: those of the polynomial.
    """
    known = np.nonzero(np.isfinite(moved))[0][-FITTED:]
    if len(known) < FITTED:
        return 0.0
    scaled = sizes[known] / np.abs(sizes[known]).max()
    columns = np.stack([scaled**power for power in powers], axis=1)
    return float(np.max(np.abs(columns @ np.linalg.lstsq(columns, moved[known])[0] - moved[known])))


def _fitted(sizes: Array, remainder: Array) -> float:
    return float(np.polyfit(np.log(sizes), np.log(remainder), 1)[0])


def _at_least(sizes: Array, remainder: Array, last: int) -> float | None:
    """The slope of a remainder that falls into the noise within few sizes: at the next size it is no more than what noise would hide."""
    return _fitted(sizes[: last + 2], remainder[: last + 2]) if 0 < last < len(sizes) - 1 and last + 1 < FEWEST else None

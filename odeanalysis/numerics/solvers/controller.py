"""How an error estimate becomes the next step size."""

from dataclasses import dataclass

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.stepper import Array

FLOOR = 1e-300


@dataclass(frozen=True, eq=False)
class Tolerance:
    """err is allowed to reach atol + rtol |y| in each component; rtol and atol are numbers or [n]."""

    rtol: Array | float = 1e-8
    atol: Array | float = 1e-10

    def __post_init__(self):
        rtol, atol = np.asarray(self.rtol, dtype=float), np.asarray(self.atol, dtype=float)
        finite = np.isfinite(rtol).all() and np.isfinite(atol).all()
        if not finite or (rtol < 0).any() or (atol < 0).any() or (rtol + atol <= 0).any():
            raise ModelError(f"rtol = {self.rtol}, atol = {self.atol}; give finite numbers, none negative, not both 0")

    def scale(self, *states: Array) -> Array:
        """atol + rtol max |y| over states [B, n]: [B, n]."""
        largest = np.abs(states[0])
        for state in states[1:]:
            largest = np.maximum(largest, np.abs(state))
        return np.maximum(np.asarray(self.atol) + np.asarray(self.rtol) * largest, FLOOR)


def rms(scaled: Array) -> Array:
    """The root mean square over components: [B, n] -> [B]."""
    return np.sqrt((np.abs(scaled) ** 2).mean(1))


@dataclass(frozen=True)
class Controller:
    """A PI controller: with k one more than the order of the error estimate,

        h_new = h * safety * norm^(-(integral + proportional)/k) * norm_before^(proportional/k),

    kept between `smallest` and `largest` times h; after a rejection h * safety * norm^(-1/k), and no growth in the step
    that follows. A remainder of less than (1 + stretch) h is taken in one step, one of less than 2 h in two equal ones.

    Source: Hairer, Norsett, Wanner, Solving ODEs I, II.4; Hairer, Wanner, II, IV.2.
    """

    safety: float = 0.9
    integral: float = 0.65
    proportional: float = 0.2
    smallest: float = 0.2
    largest: float = 8.0
    stretch: float = 0.01

    def __post_init__(self):
        if not (0 < self.safety <= 1 and 0 < self.smallest < 1 < self.largest and 0 <= self.stretch < 1):
            raise ModelError(f"{self} cannot control steps; keep 0 < safety <= 1, smallest < 1 < largest, stretch < 1")
        if self.integral <= 0 or self.proportional < 0:
            raise ModelError(f"{self} cannot control steps; keep integral above 0 and proportional not below 0")

    def grow(self, norm: Array, before: Array, k: int) -> Array:
        """The factor after an accepted step, from its error norm and the one before: [B], [B] -> [B]."""
        wish = self.safety * _power(norm, -(self.integral + self.proportional) / k)
        return np.clip(wish * before ** (self.proportional / k), self.smallest, self.largest)

    def shrink(self, norm: Array, k: int) -> Array:
        """The factor after a rejected step; the smallest one where the norm is not finite: [B] -> [B]."""
        wish = np.where(np.isfinite(norm), self.safety * _power(norm, -1 / k), 0)
        return np.clip(wish, self.smallest, 1)


def _power(norm: Array, exponent: float) -> Array:
    return np.maximum(norm, FLOOR) ** exponent

"""Whether steps are held by stability, and not by their error: the sign that a problem is too stiff for an explicit method.

Beyond h |lambda| = x, where the method's stability function leaves the unit disk on the negative real axis, errors grow from step to step
until the error estimate refuses the step; so a controller keeps a stiff problem's steps at that limit. Every so many steps the spectral
radius of the Jacobian is estimated from a few values of the field and compared with it.

Source: Hairer, Wanner, Solving ODEs II, IV.2 (automatic stiffness detection); Sommeijer, Shampine, Verwer 1997, RKC (the estimate).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from odeanalysis.numerics.solvers.controller import rms
from odeanalysis.numerics.solvers.grid import Place
from odeanalysis.numerics.solvers.stepper import Array, Field, column

METHODS_FOR_STIFF = "radau, kvaerno5 or rodas5p"
EVERY = 50  # trial steps from look to look
ITERATIONS = 4
ESTIMATE = 1 + ITERATIONS  # what an estimate of the spectral radius costs, in evaluations of the field
AT_LIMIT = 0.5  # of the limit; steps that follow their error rarely come so far, and not again and again
ENOUGH = 5  # looks in a row


def real_interval(a: Sequence[Sequence[float]], b: Sequence[float]) -> float:
    """The largest x with |R(-t)| <= 1 for all t up to x, for the stability function R of an explicit method (its a and b).

    R(z) = 1 + sum_k z^(k+1) b a^k 1.
    """
    stages = len(b)
    matrix = np.array([[*row[:stages], *[0.0] * (stages - len(row))] for row in a])
    powers = [np.ones(stages)]
    for _ in range(stages - 1):
        powers.append(matrix @ powers[-1])
    growth = np.polynomial.Polynomial([1.0, *(float(np.dot(b, power)) for power in powers)])
    edges = np.concatenate([(growth - side).roots() for side in (1.0, -1.0)])
    crossings = sorted(-root.real for root in edges if abs(root.imag) < 1e-6 and root.real < -1e-3)
    return next(x for x in crossings if abs(growth(-1.01 * x)) > 1)


def spectral_radius(field: Field, place: Place, y: Array, scale: Array) -> Array:
    """An estimate of the largest |eigenvalue| of df/dy at (s, y [B, n]), by the power method on differences of the field: [B].

    scale: [B, n], the size of a small change of each component.
    """
    at = np.asarray(field(place.depth, y, place.pieces))
    growth = np.zeros(len(y))
    direction = at
    for _ in range(ITERATIONS):
        size = rms(direction / scale)
        change = direction / column(np.where(size == 0, 1, size))
        direction = np.asarray(field(place.depth, y + change, place.pieces)) - at
        growth = rms(direction / scale)
    return growth


class Bounded(Protocol):
    """A method with an end of its stability on the negative real axis, as in `Stepper`."""

    @property
    def stability(self) -> float: ...


class Stiffness:
    """The evidence, sample by sample [B], that stability holds the steps of an explicit method."""

    def __init__(self, samples: int, method: Bounded):
        self.method = method
        self.evidence = np.zeros(samples, dtype=int)
        self.seen = np.zeros(samples, dtype=bool)  # whether there was enough evidence at any time

    @cached_property
    def limit(self) -> float:
        return self.method.stability

    def is_due(self, steps: int) -> bool:
        """Whether it is time for a look, after so many trial steps."""
        return steps % EVERY == 0 and bool(np.isfinite(self.limit))

    @property
    def found(self) -> Array:
        return self.evidence >= ENOUGH

    def note(self, step: Array, radius: Array) -> None:
        """Takes in a look: the steps about to be tried [B] and the spectral radius there [B]."""
        self.evidence = np.where(np.abs(step) * radius >= AT_LIMIT * self.limit, self.evidence + 1, 0)
        self.seen = self.seen | self.found

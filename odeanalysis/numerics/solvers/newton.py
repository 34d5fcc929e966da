"""Newton's method for the stages of implicit steps, down to rounding, for every sample of a batch.

The unknowns are q_i = h k_i, so that neither long nor vanishing steps need a division:

    q_i = h f(s + c_i h, base_i + sum_j a_ij q_j).

Convergence down to rounding makes a step a smooth function of what it starts from, so that the implicit function
theorem gives its exact derivative.
"""

from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.solvers.linear import invert_each
from odeanalysis.numerics.solvers.stepper import Array, Field, Jacobian

ITERATIONS = 20
SIMPLIFIED = 3  # iterations with the Jacobian of the step's start, before it is evaluated at every iterate
ROUNDING = 1e-17  # relative to the state; the error left behind
SMALL = 1e-9  # a last change above this is no solution, whatever it does
STALLED = 0.25  # a change that is not this much below the one before it is rounding


@dataclass(frozen=True, eq=False)
class StageEquations:
    """The equations of m coupled stages: depth [B, m], step [B], base [B, m, n], weights a [m, m]."""

    field: Field
    jacobian: Jacobian
    depth: Array
    step: Array
    base: Array
    weights: Array
    pieces: Array

    def states(self, q: Array) -> Array:
        """The stage states for q [B, m, n]."""
        return self.base + self.weights @ q

    def residual(self, q: Array) -> Array:
        """q - h f at the stages: [B, m, n]."""
        return q - self.step[:, None, None] * self._each(self.field, self.states(q))

    def change(self, inverse: Array, q: Array) -> Array:
        """Newton's correction, to be subtracted from q: [B, m, n]."""
        return (inverse @ self.residual(q).reshape(*inverse.shape[:2], 1)).reshape(q.shape)

    def inverse(self, q: Array) -> Array:
        """The inverse of the residual's Jacobian at q: [B, m n, m n]."""
        return self.inverse_from(self._each(self.jacobian, self.states(q)))

    def inverse_from(self, jacobians: Array) -> Array:
        """The same from the field's Jacobians at the stages: [B, m, n, n] -> [B, m n, m n]."""
        samples, stages, n, _ = jacobians.shape
        coupling = np.einsum("b,ij,bikl->bikjl", self.step, self.weights, jacobians)
        size = stages * n
        return invert_each(np.eye(size) - coupling.reshape(samples, size, size))

    def _each(self, function: Field, states: Array) -> Array:
        stages = range(states.shape[1])
        return np.stack([function(self.depth[:, i], states[:, i], self.pieces) for i in stages], axis=1)


def solve_stages(equations: StageEquations, guess: Array, inverse: Array) -> tuple[Array, Array]:
    """The stages q [B, m, n] from a guess and the inverse Jacobian at the step's start, and the iterations [B] it took.

    Each sample stops when its changes are rounding. Where Newton's method does not get there, the entries of q that
    moved most are NaN.
    """
    q, before = guess, np.full(len(guess), np.inf)
    todo, done = np.ones(len(guess), dtype=bool), np.zeros(len(guess), dtype=bool)
    iterations, relative = np.zeros(len(guess), dtype=int), np.zeros(guess.shape)
    for k in range(ITERATIONS):
        inverse = inverse if k < SIMPLIFIED else equations.inverse(q)
        change = equations.change(inverse, q)
        q = np.where(todo[:, None, None], q - change, q)
        iterations = iterations + todo
        changed, coarse = _compare(change, equations.base, equations.states(q))
        relative = np.where(todo[:, None, None], changed, relative)
        size = relative.max((1, 2))
        ahead = size * np.minimum(size / before, 1)  # the next change, at the rate of this one
        stalled = (k > SIMPLIFIED) & (coarse <= SMALL) & (size >= STALLED * before)
        done = done | (todo & (((k > 0) & (ahead <= ROUNDING)) | (size == 0) | stalled))
        todo, before = todo & ~done & np.isfinite(size), size
        if not todo.any():
            break
    moving = ~(relative < relative.max((1, 2), keepdims=True) / 2) & ~done[:, None, None]
    return np.where(moving, np.nan, q), iterations


def _compare(change: Array, base: Array, states: Array) -> tuple[Array, Array]:
    """Changes beside their own component [B, m, n], and the largest beside the largest component [B].

    Real and imaginary parts count apart, so that both converge in a complex step.
    """
    if not np.iscomplexobj(change):
        return _compare_real(change, base, states)
    real, imaginary = (_compare_real(part(change), part(base), part(states)) for part in (np.real, np.imag))
    return np.maximum(real[0], imaginary[0]), np.maximum(real[1], imaginary[1])


def _compare_real(change: Array, base: Array, states: Array) -> tuple[Array, Array]:
    own = np.maximum(np.abs(base), np.abs(states)) + np.finfo(float).tiny
    largest = own.max((1, 2))
    return np.abs(change) / (own + 1e-16 * largest[:, None, None]), np.abs(change).max((1, 2)) / largest

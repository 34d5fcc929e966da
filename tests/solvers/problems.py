"""Fields with known solutions, and the methods that every test runs over."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.solvers import Grid, Record, Schedule, Solution, Stepper, bind, given_steps
from odeanalysis.tableaus import tableau

EXPLICIT = ("euler", "midpoint", "heun2", "rk4", "rk4_38", "bosh3", "dopri5", "tsit5", "dopri8")
STIFF = ("rosenbrock23", "rodas5p", "kvaerno5", "radau")
METHODS = EXPLICIT + STIFF
ADAPTIVE = (*(name for name in METHODS if tableau(name).adaptive), "radau")  # whose estimate is not in the tableau


@dataclass(frozen=True)
class Problem:
    """A field with its derivatives, and its solution from y0 [B, n] at s0 [B] to s [B]."""

    field: Callable
    jacobian: Callable | None = None
    depth_derivative: Callable | None = None
    exact: Callable = lambda s0, y0, s: np.full_like(y0, np.nan)

    def stepper(self, name: str) -> Stepper:
        return bind(tableau(name), self.field, self.jacobian, self.depth_derivative)


MIX = np.array([[1.0, 0.5], [-0.3, 1.0]])  # u = MIX [p, q] couples the two parts below, so that no Jacobian is diagonal
PARTS = np.linalg.inv(MIX)


def _apply(matrix, y):
    """matrix y_b for every row y_b, each entry by itself: a matrix product would round differently in each batch."""
    return np.stack([a * y[:, 0] + b * y[:, 1] for a, b in matrix], axis=1)


def _nonlinear_field(s, y, pieces):
    """p' = cos(s) sqrt(1 + p^2), q' = sin(3 s) q."""
    p, q = _apply(PARTS, y).T
    return _apply(MIX, np.stack([np.cos(s) * np.sqrt(1 + p**2), np.sin(3 * s) * q], axis=1))


def _nonlinear_jacobian(s, y, pieces):
    p, _ = _apply(PARTS, y).T
    rates = np.stack([np.cos(s) * p / np.sqrt(1 + p**2), np.sin(3 * s) + 0 * p], axis=1)
    return MIX @ (rates[:, :, None] * PARTS)


def _nonlinear_depth_derivative(s, y, pieces):
    p, q = _apply(PARTS, y).T
    return _apply(MIX, np.stack([-np.sin(s) * np.sqrt(1 + p**2), 3 * np.cos(3 * s) * q], axis=1))


def _nonlinear_exact(s0, y0, s):
    """p = sinh(asinh(p0) + sin s - sin s0), q = q0 exp((cos 3 s0 - cos 3 s)/3)."""
    p0, q0 = _apply(PARTS, y0).T
    p = np.sinh(np.arcsinh(p0) + np.sin(s) - np.sin(s0))
    return _apply(MIX, np.stack([p, q0 * np.exp((np.cos(3 * s0) - np.cos(3 * s)) / 3)], axis=1))


def _arithmetic_field(s, y, pieces):
    """u' = v - s u, v' = s v/(1 + u^2)/2 - u: sums, products and quotients only."""
    u, v = y[:, 0], y[:, 1]
    return np.stack([v - s * u, s * v / (1 + u * u) / 2 - u], axis=1)


def _arithmetic_jacobian(s, y, pieces):
    u, v = y[:, 0], y[:, 1]
    rows = [[-s, 1 + 0 * s], [-s * u * v / (1 + u * u) / (1 + u * u) - 1, s / (1 + u * u) / 2]]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _arithmetic_depth_derivative(s, y, pieces):
    return np.stack([-y[:, 0], y[:, 1] / (1 + y[:, 0] * y[:, 0]) / 2], axis=1)


ARITHMETIC = Problem(_arithmetic_field, _arithmetic_jacobian, _arithmetic_depth_derivative)
NONLINEAR = Problem(_nonlinear_field, _nonlinear_jacobian, _nonlinear_depth_derivative, _nonlinear_exact)


def jumping(slopes=(1.0, -2.0)):
    """z' = rate z, the rate picked by the flag of the segment; no flag reads as none, so that pieces must be given."""

    def rate(pieces):
        return pieces @ np.array(slopes)

    return Problem(
        lambda s, y, pieces: rate(pieces)[:, None] * y,
        lambda s, y, pieces: rate(pieces)[:, None, None] * np.eye(y.shape[1]),
        lambda s, y, pieces: 0 * y,
    )


def one(nodes) -> Grid:
    """A grid of one sample."""
    return Grid(np.array([nodes], dtype=float))


def recorded(solution: Solution) -> Record:
    """The record that a solver of ours keeps."""
    assert solution.record is not None
    return solution.record


def counting(field):
    """The field, and a list whose length is how often it was called."""
    calls: list[int] = []

    def counted(s, y, pieces):
        calls.append(len(s))
        return field(s, y, pieces)

    return counted, calls


def uneven_steps(grid: Grid, count: int) -> Schedule:
    """`count` steps per segment, of sizes that vary by a factor of three."""
    t = np.linspace(0, 1, count + 1)
    return given_steps(grid, [t + 0.25 * np.sin(np.pi * t) * t * (1 - t) * 2 for _ in range(grid.segments)])

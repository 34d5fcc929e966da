"""An error estimate for fully implicit methods, whose stages alone leave no room for a second solution.

The field at the step's start serves as one more stage, with the weight gamma, and the filter (I - h gamma J)^-1 keeps
the estimate bounded where the problem is stiff:

    error = (I - h gamma J)^-1 (gamma h f(s, y) + sum_i (w_i - b_i) h k_i),

where sum_i w_i c_i^(j-1) = 1/j - gamma [j = 1] for j = 1..s, and gamma is the real eigenvalue of a.
Source: Hairer, Wanner, Solving ODEs II, IV.8, (8.19).
"""

from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.solvers.linear import solve_each
from odeanalysis.numerics.solvers.stepper import Array, column, combine
from odeanalysis.tableaus import Tableau


@dataclass(frozen=True)
class FilteredError:
    """gamma and the weights w - b; the estimate is of size h^(order + 1)."""

    gamma: float
    weights: tuple[float, ...]
    order: int

    def estimate(self, h: Array, first: Array, jacobian: Array, stages: Array) -> Array:
        """The error [B, n] of a step h [B], from field [B, n] and Jacobian [B, n, n] at its start and h k [s, B, n]."""
        matrices = np.eye(first.shape[1]) - (self.gamma * h)[:, None, None] * jacobian
        return solve_each(matrices, self.gamma * column(h) * first + combine(self.weights, stages))


def filtered_error(tableau: Tableau) -> FilteredError | None:
    """The estimate for a fully implicit method that has none of its own and an odd number of stages, else None."""
    if tableau.kind != "implicit" or tableau.adaptive or tableau.stages % 2 == 0:
        return None
    c, eigenvalues = np.array(tableau.floats.c), np.linalg.eigvals(np.array(tableau.floats.a))
    gamma = float(eigenvalues[np.abs(eigenvalues.imag).argmin()].real)
    powers = np.arange(tableau.stages)
    integrals = 1 / (powers + 1) - gamma * (powers == 0)
    weights = np.linalg.solve(c ** powers[:, None], integrals) - np.array(tableau.floats.b)
    return FilteredError(gamma, tuple(weights.tolist()), tableau.stages)

"""Rosenbrock steps: one matrix, and a linear solve for each stage."""

from dataclasses import dataclass

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.linear import solve_each
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Field, Jacobian, column, combine
from odeanalysis.numerics.solvers.tableau_stepper import TableauStepper
from odeanalysis.tableaus import Tableau


@dataclass(frozen=True, eq=False)
class RosenbrockStepper(TableauStepper):
    """(I - h g J) u_i = h g f(s + c_i h, y + sum_{j<i} a_ij u_j) + g sum_{j<i} C_ij u_j + h^2 g d_i f_s,

    y1 = y + sum_i b_i u_i, with g = gamma and the derivatives J and f_s of the field at (s, y).
    """

    jacobian: Jacobian
    depth_derivative: Field
    gamma: float
    coupling: tuple[tuple[float, ...], ...]
    d: tuple[float, ...]
    reuses: bool = True
    stiff: bool = True

    def attempt(self, s: Array, h: Array, y: Array, pieces: Array, first: Array | None) -> Attempt:
        slope = k1 = np.asarray(self.field(s, y, pieces)) if first is None else first
        jacobian, drift = self.jacobian(s, y, pieces), self.depth_derivative(s, y, pieces)
        numbers, step = self.numbers, column(h)
        matrix = np.eye(y.shape[1]) - (self.gamma * h)[:, None, None] * jacobian
        u = np.empty((len(numbers.c), *y.shape), dtype=np.result_type(y, k1, s, h, jacobian, drift))
        for i in range(len(u)):
            if i > 0:
                slope = self.field(s + numbers.c[i] * h, y + combine(numbers.a[i][:i], u), pieces)
            right = step * slope + combine(self.coupling[i][:i], u) + step**2 * self.d[i] * drift
            u[i] = solve_each(matrix, self.gamma * right)
        error = combine(numbers.b_error, u) if numbers.b_error else None
        last = np.asarray(slope) if self.fsal else None
        return Attempt(y + combine(numbers.b, u), error, last, len(u) - (first is not None))


def rosenbrock(tableau: Tableau, field: Field, jacobian: Jacobian, depth_derivative: Field) -> RosenbrockStepper:
    """Bind a Rosenbrock method to a field, its Jacobian -> [B, n, n] and its derivative in depth -> [B, n].

    All three take (s [B], y [B, n], pieces [B, P]). Raises ModelError for a tableau of another kind.
    """
    numbers = tableau.floats
    if numbers.gamma is None or numbers.coupling is None or numbers.d is None:
        raise ModelError(f"method '{tableau.name}' is {tableau.kind}, no Rosenbrock method; bind it with `bind`")
    return RosenbrockStepper(tableau, tableau.fsal, field, jacobian, depth_derivative, numbers.gamma, numbers.coupling, numbers.d)

"""Explicit Runge-Kutta steps from a tableau."""

from dataclasses import dataclass

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Broadcasting, Field, column, combine
from odeanalysis.numerics.solvers.tableau_stepper import TableauStepper
from odeanalysis.tableaus import Tableau


@dataclass(frozen=True, eq=False)
class ExplicitStepper(TableauStepper):
    """k_i = f(s + c_i h, y + h sum_{j<i} a_ij k_j), y1 = y + h sum_i b_i k_i."""

    reuses: bool = True
    stiff: bool = False

    @property
    def broadcasts(self) -> bool:
        return isinstance(self.function, Broadcasting)

    def attempt(self, s: Array, h: Array, y: Array, pieces: Array, first: Array | None) -> Attempt:
        k1 = np.asarray(self.field(s, y, pieces)) if first is None else first
        numbers, step, state = self.numbers, column(h), y
        stages = np.empty((len(numbers.c), *y.shape), dtype=np.result_type(y, k1, s, h))
        stages[0] = k1
        for i in range(1, len(stages)):
            state = y + step * combine(numbers.a[i][:i], stages)
            stages[i] = self.field(s + numbers.c[i] * h, state, pieces)
        y1 = state if self.fsal else y + step * combine(numbers.b, stages)
        error = step * combine(numbers.b_error, stages) if numbers.b_error else None
        return Attempt(y1, error, stages[-1] if self.fsal else None, len(stages) - (first is not None))


def explicit(tableau: Tableau, field: Field) -> ExplicitStepper:
    """Bind an explicit method to a field (s [B], y [B, n], pieces [B, P]) -> [B, n], which may be `Broadcasting`.

    Raises ModelError for a tableau of another kind.
    """
    if not tableau.explicit:
        raise ModelError(f"method '{tableau.name}' is {tableau.kind}; bind it with `bind`")
    return ExplicitStepper(tableau, tableau.fsal, field)

"""Implicit Runge-Kutta steps: stages one after another where the tableau allows it, else all at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.filtered_error import FilteredError, filtered_error
from odeanalysis.numerics.solvers.newton import StageEquations, solve_stages
from odeanalysis.numerics.solvers.stepper import Array, Attempt, Field, Jacobian, column, combine
from odeanalysis.numerics.solvers.tableau_stepper import TableauStepper
from odeanalysis.tableaus import Tableau


@dataclass(frozen=True, eq=False)
class ImplicitStepper(TableauStepper):
    """k_i = f(s + c_i h, y + h sum_j a_ij k_j), y1 = y + h sum_i b_i k_i, solved for q_i = h k_i down to rounding."""

    jacobian: Jacobian
    filtered: FilteredError | None
    stiff: bool = True

    @cached_property
    def matrix(self) -> Array:
        """a as an array [s, s]."""
        return np.array(self.numbers.a)

    @property
    def adaptive(self) -> bool:
        return self.filtered is not None or self.tableau.adaptive

    @property
    def error_order(self) -> int:
        return self.filtered.order if self.filtered is not None else self.tableau.error_order

    @property
    def explicit_first(self) -> bool:
        """Whether the first stage is the field at the step's start."""
        return not any(self.numbers.a[0])

    @property
    def reuses(self) -> bool:
        return self.filtered is not None or self.explicit_first

    @property
    def ends(self) -> bool:
        """Whether the last stage is the field at the step's end."""
        return self.numbers.c[-1] == 1 and self.numbers.a[-1] == self.numbers.b

    def attempt(self, s: Array, h: Array, y: Array, pieces: Array, first: Array | None) -> Attempt:
        evaluations: Array | int = 0
        if self.reuses and first is None:
            first, evaluations = np.asarray(self.field(s, y, pieces)), 1
        jacobian = np.asarray(self.jacobian(s, y, pieces))
        found, iterations = self._solved(s, h, y, pieces, first, jacobian)
        last = found[-1] / column(np.where(h == 0, 1, h)) if self.ends else None
        return Attempt(y + combine(self.numbers.b, found), self._error(h, first, jacobian, found), last, evaluations + iterations)

    def stages(self, s: Array, h: Array, y: Array, pieces: Array) -> Array:
        """The increments q_i = h k_i of all stages of a step: [m, B, n]."""
        with np.errstate(all="ignore"):
            first = np.asarray(self.field(s, y, pieces)) if self.explicit_first else None
            return self._solved(s, h, y, pieces, first, np.asarray(self.jacobian(s, y, pieces)))[0]

    def _solved(self, s: Array, h: Array, y: Array, pieces: Array, first: Array | None, jacobian: Array) -> tuple[Array, Array | int]:
        """The stages q [m, B, n], and how often the field was evaluated for them."""
        evaluations: Array | int = 0
        found = (column(h) * first)[None] if self.explicit_first and first is not None else np.zeros((0, *y.shape))
        inverses: dict[bytes, Array] = {}
        for block in self._blocks(len(found)):
            equations, guess = self._equations(block, found, s, h, y, pieces)
            weights = equations.weights.tobytes()
            if weights not in inverses:
                inverses[weights] = equations.inverse_from(np.stack([jacobian] * len(block), axis=1))
            q, iterations = solve_stages(equations, guess, inverses[weights])
            evaluations = evaluations + iterations * len(block)
            found = np.concatenate([found, np.moveaxis(q, 1, 0)])
        return found, evaluations

    def _blocks(self, done: int) -> list[list[int]]:
        """The stages still to be found, in groups that have to be solved together."""
        blocks = ([i for i in group if i >= done] for group in self.tableau.groups)
        return [block for block in blocks if block]

    def _equations(self, block: list[int], found: Array, s: Array, h: Array, y: Array, pieces: Array) -> tuple[StageEquations, Array]:
        """The equations of a block of stages, and a guess: the implicit stage before them, else zero."""
        matrix, c = self.matrix[block], np.asarray(self.numbers.c)[block]
        base = np.stack([y + combine(row[: len(found)], found) for row in matrix.tolist()], axis=1)
        depth = s[:, None] + h[:, None] * c
        known = len(found) > (1 if self.explicit_first else 0)
        guess = np.repeat(found[-1][:, None], len(block), axis=1) if known else np.zeros_like(base)
        return StageEquations(self.field, self.jacobian, depth, h, base, matrix[:, block], pieces), guess

    def _error(self, h: Array, first: Array | None, jacobian: Array, found: Array) -> Array | None:
        if self.filtered is not None and first is not None:
            return self.filtered.estimate(h, first, jacobian, found)
        return combine(self.numbers.b_error, found) if self.numbers.b_error else None


def implicit(tableau: Tableau, field: Field, jacobian: Jacobian) -> ImplicitStepper:
    """Bind an implicit Runge-Kutta method to a field and its Jacobian (s [B], y [B, n], pieces [B, P]) -> [B, n, n].

    Raises ModelError for a tableau of another kind.
    """
    if tableau.kind not in ("diagonally implicit", "implicit"):
        raise ModelError(f"method '{tableau.name}' is {tableau.kind}; bind it with `bind`")
    return ImplicitStepper(tableau, tableau.fsal, field, jacobian, filtered_error(tableau))

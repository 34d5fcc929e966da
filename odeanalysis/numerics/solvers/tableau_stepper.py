"""What all steppers have from their tableaus."""

from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.solvers.stepper import Array, Field
from odeanalysis.numerics.solvers.stiffness import real_interval
from odeanalysis.tableaus import Floats, Tableau


@dataclass(frozen=True, eq=False)
class TableauStepper:
    """A tableau bound to a field; `fsal`, which the tableau finds in exact numbers at every call, is kept."""

    tableau: Tableau
    fsal: bool
    function: Field

    def field(self, s: Array, y: Array, pieces: Array) -> Array:
        return self.function(s, y, pieces)

    @property
    def name(self) -> str:
        return self.tableau.name

    @property
    def order(self) -> int:
        return self.tableau.order

    @property
    def error_order(self) -> int:
        return self.tableau.error_order

    @property
    def adaptive(self) -> bool:
        return self.tableau.adaptive

    @property
    def broadcasts(self) -> bool:
        return False

    @property
    def stability(self) -> float:
        return real_interval(self.numbers.a, self.numbers.b) if self.tableau.explicit else np.inf

    @property
    def numbers(self) -> Floats:
        return self.tableau.floats

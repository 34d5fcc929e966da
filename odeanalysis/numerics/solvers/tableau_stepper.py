"""What all steppers have from their tableaus."""

from dataclasses import dataclass

from odeanalysis.numerics.solvers.stepper import Array, Field
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
    def numbers(self) -> Floats:
        return self.tableau.floats

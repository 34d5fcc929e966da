"""What a stepper knows from its tableau."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from odeanalysis.numerics.solvers.filtered_error import FilteredError, filtered_error
from odeanalysis.numerics.solvers.stiffness import real_interval
from odeanalysis.tableaus import Tableau


@dataclass(frozen=True, eq=False)
class OfTableau:
    """A method's tableau and the facts that solvers ask for."""

    tableau: Tableau

    @property
    def name(self) -> str:
        return self.tableau.name

    @property
    def order(self) -> int:
        return self.tableau.order

    @property
    def error_order(self) -> int:
        return self.tableau.error_order if self._filtered is None else self._filtered.order

    @property
    def adaptive(self) -> bool:
        return self.tableau.adaptive or self._filtered is not None

    @property
    def stages(self) -> int:
        return self.tableau.stages

    @property
    def reuses(self) -> bool:
        return self._facts[0]

    @property
    def stability(self) -> float:
        return self._facts[1]

    @cached_property
    def _filtered(self) -> FilteredError | None:
        """What estimates the error of a method whose tableau does not."""
        return filtered_error(self.tableau)

    @cached_property
    def _facts(self) -> tuple[bool, float]:
        """What is asked for at every step, looked up once."""
        return self.tableau.explicit and self.tableau.fsal, _stability(self.tableau)


@lru_cache
def _stability(tableau: Tableau) -> float:
    numbers = tableau.floats
    return real_interval(numbers.a, numbers.b) if tableau.explicit else np.inf

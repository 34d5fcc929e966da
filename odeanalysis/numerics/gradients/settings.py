"""How a problem is solved: method, tolerances or number of steps, as one value."""

from dataclasses import dataclass

from odeanalysis.errors import ModelError, question
from odeanalysis.numerics.solvers.filtered_error import filtered_error
from odeanalysis.numerics.solvers.scipy_ import USES_JACOBIAN
from odeanalysis.tableaus import METHODS, tableau


@dataclass(frozen=True)
class Settings:
    """method: a name of `METHODS`, or of SciPy's solvers.  steps: None controls the error; N takes N equal steps over the domain.

    max_steps: the most steps that a sample may try.

    Raises ModelError for an unknown method, a tolerance that is not positive, or no steps.
    """

    method: str = "tsit5"
    rtol: float = 1e-8
    atol: float = 1e-10
    steps: int | None = None
    max_steps: int = 100_000

    def __post_init__(self) -> None:
        if self.method not in METHODS and not self.is_scipy:
            asked = question(self.method, (*METHODS, *USES_JACOBIAN))
            ours, scipys = ", ".join(METHODS), ", ".join(USES_JACOBIAN)
            raise ModelError(f"there is no method {self.method!r}; {asked}take one of {ours}, or of SciPy's: {scipys}")
        for name, value in (("rtol", self.rtol), ("atol", self.atol)):
            if not 0 <= value < float("inf"):
                raise ModelError(f"{name} = {value}; give a finite number of 0 or more")
        if self.rtol == 0 and self.atol == 0:
            raise ModelError("rtol and atol are both 0; give one of them a positive value")
        if self.steps is not None and self.steps < 1:
            raise ModelError(f"steps = {self.steps}; give a number of steps of 1 or more")
        if self.max_steps < 1:
            raise ModelError(f"max_steps = {self.max_steps}; give a number of steps of 1 or more")
        if self.steps is None and self.method in METHODS and not _adaptive(self.method):
            raise ModelError(f"method {self.method!r} has no error estimate: give a number of steps, or an adaptive method such as tsit5")

    @property
    def is_scipy(self) -> bool:
        return self.method in USES_JACOBIAN

    @property
    def stiff(self) -> bool:
        """Whether the method uses the Jacobian."""
        return USES_JACOBIAN[self.method] if self.is_scipy else not tableau(self.method).explicit


def _adaptive(method: str) -> bool:
    """Whether the method estimates its error, in its tableau or by a filter."""
    return tableau(method).adaptive or filtered_error(tableau(method)) is not None

"""From a method's data to a stepper, whatever its kind."""

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.linear_implicit import rosenbrock
from odeanalysis.numerics.solvers.runge_kutta import explicit
from odeanalysis.numerics.solvers.stage_equations import implicit
from odeanalysis.numerics.solvers.stepper import Field, Jacobian, Stepper
from odeanalysis.tableaus import Tableau


def bind(tableau: Tableau, field: Field, jacobian: Jacobian | None = None, depth_derivative: Field | None = None) -> Stepper:
    """Bind a method to a field and, where the method needs them, its derivatives in the state and in depth.

    field: (s [B], y [B, n], pieces [B, P]) -> [B, n];  jacobian: -> [B, n, n];  depth_derivative: -> [B, n].
    Raises ModelError where the method needs a derivative that is not given.
    """
    if tableau.explicit:
        return explicit(tableau, field)
    if jacobian is None or (tableau.kind == "rosenbrock" and depth_derivative is None):
        raise ModelError(
            f"method '{tableau.name}' needs the field's Jacobian"
            f"{' and its derivative in depth' if tableau.kind == 'rosenbrock' else ''}; give them, or take tsit5"
        )
    if depth_derivative is not None and tableau.kind == "rosenbrock":
        return rosenbrock(tableau, field, jacobian, depth_derivative)
    return implicit(tableau, field, jacobian)

"""The field of a setting as the solvers want it, bound to a method by its name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.solvers.linear_implicit import rosenbrock
from odeanalysis.numerics.solvers.runge_kutta import explicit
from odeanalysis.numerics.solvers.scipy_ import scipy_method
from odeanalysis.numerics.solvers.stage_equations import implicit
from odeanalysis.numerics.solvers.stepper import Broadcasting
from odeanalysis.tableaus import tableau

Slope = Callable[[Array, Array, Array], Array]


def field_of(setting: Setting) -> Slope:
    """f(s [..., B], y [..., B, n], pieces [..., B, P]) -> [..., B, n], the running cost last."""

    def field(s: Array, y: Array, pieces: Array) -> Array:
        return setting.layout.pack(setting.program.field(setting.environment(s, y, pieces)), s.shape)

    return Broadcasting(field)


def bound_method(setting: Setting, settings: Settings) -> Any:
    """A stepper, or one of SciPy's solvers, for the field of a setting."""
    return method_for(settings.method, field_of(setting), lambda: _derivatives(setting))


def method_for(name: str, field: Slope, derivatives: Callable[[], tuple[Slope, Slope]]) -> Any:
    """A method by its name; `derivatives` gives df/dy and df/ds for those that need them."""
    if Settings(name, steps=1).is_scipy:
        return scipy_method(name, field, derivatives()[0] if Settings(name).stiff else None)
    table = tableau(name)
    if table.explicit:
        return explicit(table, field)
    jacobian, slope = derivatives()
    return rosenbrock(table, field, jacobian, slope) if table.kind == "rosenbrock" else implicit(table, field, jacobian)


def _derivatives(setting: Setting) -> tuple[Slope, Slope]:
    """The derived Jacobian df/dy [B, n, n] and df/ds [B, n]."""

    def jacobian(s: Array, y: Array, pieces: Array) -> Array:
        found = setting.program.jacobian(setting.environment(s, y, pieces))["jacobian"]
        return np.broadcast_to(found, (*s.shape, *found.shape[-2:]))

    def slope(s: Array, y: Array, pieces: Array) -> Array:
        return setting.layout.pack(setting.program.depth_derivative(setting.environment(s, y, pieces)), s.shape)

    return jacobian, slope

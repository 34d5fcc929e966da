"""Second derivatives of a solved objective with respect to the entries of a fit, as strategies."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.methods import bound_method
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import hessian
from odeanalysis.numerics.gradients.setting import settle
from odeanalysis.numerics.solvers.fixed import replay
from odeanalysis.numerics.variables import Array, Variables

DIFFERENCE = float(np.finfo(float).eps) ** (1 / 3)


class Curvature(Protocol):
    """A way to the Hessian of the value in the entries of a fit.

    error: its relative error; curvature below it is none.
    """

    @property
    def name(self) -> str: ...

    @property
    def error(self) -> float: ...

    def hessian(self, run: Run, moved: Variables) -> Array:
        """The Hessian [p, p] of the run's value at the run's values."""
        ...


@dataclass(frozen=True)
class DerivedHessian:
    """The derived second derivatives, forward over reverse: exact for the steps taken. One sweep for each entry."""

    name = "derived: forward sweep over the discrete adjoint"
    error = 1e-11

    def hessian(self, run: Run, moved: Variables) -> Array:
        """The Hessian [p, p]. Raises SolveError where the objective has no finite second derivatives."""
        return _symmetric(hessian(run, moved.names))


@dataclass(frozen=True)
class GradientDifferences:
    """Central differences of the discrete adjoint over the recorded steps: (g(x + e) - g(x - e)) / 2 e, made symmetric.

    The steps are those of the run, so that g is smooth and the error is e^2: about ten digits.
    """

    step: float = DIFFERENCE
    name = "central differences of the derived gradient over the recorded steps"
    error = 1e-8

    def hessian(self, run: Run, moved: Variables) -> Array:
        """The Hessian [p, p]. Raises SolveError where the objective has no finite derivatives around the values."""
        x = moved.pack(run.setting.bound.arrays)
        size = self.step * np.maximum(np.abs(x), np.abs(moved.rate(x)))
        columns = [self._column(run, moved, x, size[i] * unit) for i, unit in enumerate(np.eye(len(x)))]
        return _symmetric(np.stack(columns, axis=1))

    def _column(self, run: Run, moved: Variables, x: Array, step: Array) -> Array:
        high, low = x + step, x - step
        change = gradient_on_record(run, moved, high) - gradient_on_record(run, moved, low)
        return change / (high - low).sum()


def _symmetric(found: Array) -> Array:
    if not np.isfinite(found).all():
        raise SolveError("the objective has no finite second derivatives at the estimate; move the starting values or the ranges")
    return (found + found.T) / 2


def gradient_on_record(run: Run, moved: Variables, x: Array) -> Array:
    """The gradient [p] at x, for the steps of the run."""
    assert run.solution.record is not None
    bound = run.setting.bound
    arrays = {**bound.arrays, **moved.unpack(x)}
    setting = settle(run.setting.program, replace(bound, arrays=arrays), run.setting.path)
    with np.errstate(all="ignore"):
        solution = replay(bound_method(setting, run.settings), setting.path.grid, run.solution.record, setting.y0)
        again = Run(setting, run.settings, solution, costs.losses(setting, solution))
        return moved.pack(DiscreteAdjoint().gradients(again))

"""Solving one segment at a time, forward or backward along the path: for equations whose state jumps at the nodes."""

from collections.abc import Callable

import numpy as np

from odeanalysis.numerics.gradients.methods import method_for
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.solving import solve

Field = Callable[[Array, Array, Array], Array]
COMPLEX_STEP = 1e-40


def between(run: Run, j: int, field: Field, y: Array, backward: bool) -> Array:
    """Carries y [B, n] over segment j of the path with the run's method and tolerances; [B, n] at its other end.

    The right side of an adjoint or variational equation has no derived Jacobian here: an implicit method is replaced by SciPy's Radau.
    """
    grid = run.setting.path.grid
    nodes = grid.nodes[:, j : j + 2]
    part = Grid(nodes[:, ::-1] if backward else nodes, grid.pieces[:, j : j + 1])
    settings = run.settings
    method = method_for("Radau", field, lambda: (_numeric(field), field)) if settings.stiff else method_for(settings.method, field, _none)
    steps = None if settings.steps is None or settings.is_scipy or settings.stiff else _steps(run, j)
    with np.errstate(all="ignore"):
        return solve(method, part, y, rtol=settings.rtol, atol=settings.atol, steps=steps, max_steps=settings.max_steps).final


def _none() -> tuple[Field, Field]:
    raise AssertionError("an explicit method asks for no Jacobian")


def _numeric(field: Field) -> Field:
    """df/dy by a complex step along each component: exact to rounding, also where the state is solved along."""

    def jacobian(s: Array, y: Array, pieces: Array) -> Array:
        steps = 1j * COMPLEX_STEP * np.eye(y.shape[1])
        return np.stack([np.imag(field(s, y + step, pieces)) / COMPLEX_STEP for step in steps], axis=-1)

    return jacobian


def _steps(run: Run, j: int) -> Array:
    """As many steps for each sample as its run took in the segment: [B, 1]."""
    record = run.solution.record
    assert record is not None
    return ((record.segment == j) & record.accepted).sum(axis=0)[:, None]

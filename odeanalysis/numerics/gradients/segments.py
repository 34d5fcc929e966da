"""Solving one segment at a time, forward or backward along the path: for equations whose state jumps at the nodes."""

from collections.abc import Callable

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.methods import method_for
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.solving import solve

Field = Callable[[Array, Array, Array], Array]
Label = Callable[[int], str]
COMPLEX_STEP = 1e-40


def between(run: Run, j: int, field: Field, y: Array, backward: bool, label: Label) -> Array:
    """Carries y [B, n] over segment j of the path; [B, n] at its other end. As `over`."""
    return over(run, j, field, y, backward, label).final


def over(run: Run, j: int, field: Field, y: Array, backward: bool, label: Label) -> Solution:
    """Solves for y [B, n] over segment j of the path with the run's method and tolerances.

    The right side of an adjoint or variational equation has no derived Jacobian here: an implicit method is replaced by SciPy's Radau.
    label: component -> what it is, for messages. Raises SolveError.
    """
    grid, settings = run.setting.path.grid, run.settings
    nodes = grid.nodes[:, j : j + 2]
    part = Grid(nodes[:, ::-1] if backward else nodes, grid.pieces[:, j : j + 1])
    _check_finite(run, y, part.nodes[:, 0], label)
    name = "Radau" if settings.stiff else settings.method
    method = method_for(name, field, (lambda: (_numeric(field), field)) if settings.stiff else _none)
    steps = None if settings.steps is None or settings.is_scipy or settings.stiff else _steps(run, j)
    options = {"rtol": settings.rtol, "atol": settings.atol, "steps": steps, "max_steps": settings.max_steps}
    try:
        with np.errstate(all="ignore"):
            return solve(method, part, y, **options)
    except SolveError as error:
        raise _labelled(run, error, label) from error


def _check_finite(run: Run, y: Array, depth: Array, label: Label) -> None:
    broken = np.argwhere(~np.isfinite(y))
    if len(broken):
        sample, component = map(int, broken[0])
        raise SolveError(
            f"{run.setting.problem.name!r}: {label(component)} of sample {sample} is not finite at depth {depth[sample]:.10g}; "
            "an expression has no derivative there (a root or a logarithm at 0?)",
            depth=float(depth[sample]),
            sample=sample,
        )


def _labelled(run: Run, error: SolveError, label: Label) -> SolveError:
    text = str(error)
    if error.component is not None:
        text = text.replace(f"component {error.component}", label(error.component))
    return SolveError(f"{run.setting.problem.name!r}: {text}", depth=error.depth, sample=error.sample)


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

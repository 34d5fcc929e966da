"""The one call behind which all solvers stand."""

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.adaptive import adapt
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from odeanalysis.numerics.solvers.fixed import equal_steps, follow, step_counts
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.scipy_ import ScipyMethod, solve_with_scipy
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.stepper import Array, Stepper

MAX_STEPS = 100_000


def solve(
    method: Stepper | ScipyMethod,
    grid: Grid,
    y0: Array,
    *,
    rtol: Array | float = 1e-8,
    atol: Array | float = 1e-10,
    steps: int | Array | None = None,
    controller: Controller | None = None,
    max_steps: int = MAX_STEPS,
) -> Solution:
    """Solve dy/ds = f(s, y) along every sample's path.

    method: a stepper (`explicit`, `rosenbrock`, `implicit`), or one of SciPy's solvers (`scipy_method`).
    grid: nodes [B, K+1] and pieces of every sample; each solver ends at the nodes and starts afresh there.
    y0: [B, n].
    rtol, atol: numbers or [n]; the error of a step is scaled by atol + rtol |y|.
    steps: None controls the error; N takes ceil(N |segment| / |domain|) equal steps in each segment; integers [B, K]
        say how many each segment takes.
    controller: how step sizes follow errors (default: `Controller()`).
    max_steps: the most steps a sample may try.

    Returns a Solution. Raises SolveError, with depth, sample and component, where the solve fails, and ModelError
    where the arguments do not fit each other.
    """
    if isinstance(method, ScipyMethod):
        _refuse_steps(method, steps)
        return solve_with_scipy(method, grid, y0, Tolerance(rtol, atol), max_steps)
    if steps is None:
        return adapt(method, grid, y0, Tolerance(rtol, atol), controller or Controller(), max_steps)
    counts = step_counts(grid, int(steps)) if np.ndim(steps) == 0 else np.asarray(steps)
    return follow(method, grid, equal_steps(grid, counts), y0)


def _refuse_steps(method: ScipyMethod, steps: int | Array | None) -> None:
    if steps is not None:
        raise ModelError(f"SciPy's {method.name} chooses its own steps; leave steps out, or take another method")

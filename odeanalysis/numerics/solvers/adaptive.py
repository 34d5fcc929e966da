"""Steps that control their error: all samples in lockstep, each with a step size of its own."""

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.listening import listener
from odeanalysis.numerics.solvers.pilot import Pilot
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.stepper import Array, Stepper
from odeanalysis.numerics.solvers.walk import Walk


def adapt(stepper: Stepper, grid: Grid, y0: Array, tolerance: Tolerance, controller: Controller, max_steps: int) -> Solution:
    """Solve from y0 [B, n] with steps whose scaled error has a root mean square of at most 1.

    The error is scaled by atol + rtol max(|y|, |y1|). Steps end at the nodes and start afresh there.
    Raises SolveError where a field or a step size fails or a sample tries more than max_steps steps, ModelError for a
    method without an error estimate.
    """
    if not stepper.adaptive:
        raise ModelError(f"method '{stepper.name}' has no error estimate; give a number of steps, or take tsit5")
    with np.errstate(all="ignore"):
        walk, tell = Walk(stepper, grid, y0, tolerance), listener()
        pilot = Pilot(walk, controller)
        while pilot.live.any():
            pilot.iterate(max_steps)
            if tell is not None:
                tell(pilot.reached())
        return walk.solution()

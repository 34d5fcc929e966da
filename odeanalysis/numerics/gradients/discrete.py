"""The discrete adjoint: the exact gradient of the discretised loss, one vector-Jacobian product for each step taken.

Steps are stored as fractions of their segment, so that their depths and lengths are differentiated through the nodes. Source: Sanz-Serna
2016, "Symplectic Runge-Kutta schemes for adjoint equations, automatic differentiation, optimal control, and more".
"""

import warnings
from dataclasses import dataclass

import numpy as np

from odeanalysis.derivations.implicit import stage_name
from odeanalysis.derivations.parts import COST
from odeanalysis.errors import ModelError
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.boundary import finish
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.listening import Reached, listener
from odeanalysis.numerics.solvers.stage_equations import ImplicitStepper
from odeanalysis.numerics.solvers.stiffness import METHODS_FOR_STIFF


@dataclass(frozen=True)
class DiscreteAdjoint:
    """The reverse sweep over the accepted steps (default). Exact for the steps taken, with step sizes held as fractions."""

    name = "discrete"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        record = run.solution.record
        if record is None:
            raise ModelError(
                f"method {run.settings.method!r} keeps no steps to differentiate; "
                "take the sensitivity 'adjoint' (ContinuousAdjoint()), or a method of ours, such as tsit5"
            )
        _warn_of_stiffness(run)
        run.warn_of_kinks()
        back = costs.cotangents(run.setting, run.solution)
        step = run.setting.program.step_vjp(run.settings.method)
        cotangent, tell = back.states[:, -1].copy(), listener()
        for k in range(len(record) - 1, -1, -1):
            bars = {f"_bar_{name}": bar for name, bar in run.setting.layout.unpack(cotangent).items()}
            bars.setdefault(f"_bar_{COST.name}", np.zeros(run.setting.batch))
            cotangent = step_cotangents(run, k, step({**step_values(run, k), **bars}), cotangent, back)
            if tell is not None:
                tell(_reached(run, k))
        return finish(run.setting, cotangent, back)


def _warn_of_stiffness(run: Run) -> None:
    """Where stability holds the steps, they damp no error of a stiff part; nor do their derivatives, which nothing controls."""
    if run.solution.statistics.stiff.any():
        warnings.warn(
            f"{run.setting.problem.name!r} looks stiff to {run.settings.method!r}: stability holds its steps, and their derivative can be "
            f"far off although the value is right; take {METHODS_FOR_STIFF}",
            stacklevel=3,
        )


def _reached(run: Run, k: int) -> Reached:
    """How far the sweep has come with recorded step k, in the first sample."""
    record, grid = run.solution.record, run.setting.path.grid
    assert record is not None
    depth = grid.depth(record.segment[k], record.start[k])[0]
    return Reached(float(depth), float(grid.nodes[0, 0]), len(record) - k, backward=True)


def step_values(run: Run, k: int) -> dict[str, Array]:
    """Names -> arrays for the formulas of recorded step k; the stages of an implicit step are solved for again."""
    record = run.solution.record
    assert record is not None
    place = run.setting.path.grid.place(record.segment[k], record.start[k], record.fraction[k])
    values = {**run.setting.environment(place.depth, record.states[k], place.pieces), "_h": place.step}
    if isinstance(run.method, ImplicitStepper):
        stages = run.method.stages(place.depth, place.step, record.states[k], place.pieces)
        values |= {stage_name(i): stage for i, stage in enumerate(stages)}
    return values


def step_cotangents(run: Run, k: int, found: dict[str, Array], after: Array, back: costs.Cotangents) -> Array:
    """Takes in what a step's discrete adjoint found; gives the cotangent [B, n] of the state before the step, with the costs there."""
    setting, record = run.setting, run.solution.record
    assert record is not None
    segment, t, dt = record.segment[k], record.start[k], record.fraction[k]
    if setting.program.parts.moves:
        _to_nodes(back.nodes, segment, t, dt, found[setting.program.parts.depth.name], found["_h"])
    for leaf in setting.program.parts.names:
        back.names[leaf.name] += found[leaf.name]
    carried = setting.layout.unpack(after).get(COST.name, np.zeros(()))
    before = setting.layout.pack({**found, COST.name: carried}, (setting.batch,)).copy()
    rows = np.nonzero((t == 0) & record.accepted[k])[0]
    before[rows] += back.states[rows, segment[rows]]
    return before


def _to_nodes(nodes: Array, segment: Array, t: Array, dt: Array, depth: Array, step: Array) -> None:
    """s = a + t (b - a) and h = dt (b - a): their cotangents reach the segment's ends a and b."""
    rows = np.arange(len(segment))
    nodes[rows, segment] += depth * (1 - t) - step * dt
    nodes[rows, segment + 1] += depth * t + step * dt

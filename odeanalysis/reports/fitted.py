"""Figures of a fit: the data, and the curves of what they are compared with."""

from typing import Any

import numpy as np

from odeanalysis.modeling.pieces import Sides, open_kinks
from odeanalysis.numerics.fitting import Fit
from odeanalysis.numerics.gradients.program import Array, compiled
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.solution import locate
from odeanalysis.reports import axes, trajectory
from odeanalysis.reports.comparisons import Comparison, comparisons
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute

LONG = 24


def figure(found: Fit) -> Any:
    """Data and fitted curves over depth, a panel for each name of data; without comparisons, the trajectory."""
    run = found.run
    compared = comparisons(run.setting.problem)
    if not compared:
        return trajectory.figure(run, f"{run.setting.problem.name}: fitted trajectory")
    names = list(dict.fromkeys(one.data for one in compared))
    title = f"{run.setting.problem.name}: data and fit{axes.among(run.setting.bound.batch)}"
    drawn = axes.panels(len(names), run.setting.problem.model.depth.name, title)
    curves = predicted(run, compared)
    for axis, name in zip(drawn.axes, names, strict=True):
        _draw(axis, run, name, [(one, curve) for one, curve in zip(compared, curves, strict=True) if one.data == name])
    return drawn.figure


def predicted(run: Run, compared: tuple[Comparison, ...]) -> list[Array]:
    """The predictions on a fine grid of each sample's path: [B, M] each."""
    parts = run.setting.program.parts
    model = parts.problem.model
    sides = Sides(model.depth, frozenset(model.states))
    opened = [parts.pieces.apply(open_kinks(substitute(one.prediction, dict(model.functions)), sides)) for one in compared]
    program = compiled(formula("predictions", parts.field.inputs, {f"_p{i}": value for i, value in enumerate(opened)}))
    depth = trajectory.spaced(run.setting, axes.SMOOTH)
    return [np.broadcast_to(curve, depth.T.shape).T for curve in program(_environment(run, depth)).values()]


def _environment(run: Run, depth: Array) -> dict[str, Array]:
    """Names -> arrays with leading axes [M, B]."""
    grid = run.setting.path.grid
    segment, fraction = locate(grid, depth)
    states = run.solution.inside(segment, fraction)
    pieces = grid.pieces[np.arange(len(segment))[:, None], segment]
    return run.setting.environment(depth.T, states.swapaxes(0, 1), pieces.swapaxes(0, 1))


def _draw(axis: Any, run: Run, name: Leaf, entries: list[tuple[Comparison, Array]]) -> None:
    depth, batch = trajectory.spaced(run.setting, axes.SMOOTH), run.setting.bound.batch
    for i, (one, curve) in enumerate(entries):
        place = f"{name.name}[{', '.join(map(str, one.entry))}]" if one.entry else name.name
        for b in range(min(run.setting.batch, axes.SAMPLES)):
            shown = b == 0 and i < axes.LABELS
            axis.plot(
                depth[b],
                curve[b],
                color=axes.color(i),
                alpha=axes.fade(batch),
                label=f"{one.prediction}, fitted" if shown else None,
            )
            axis.plot(
                *_points(run, one, b),
                "o",
                color=axes.color(i),
                markersize=4.5,
                alpha=axes.fade(batch),
                label=place if shown else None,
            )
    wanted = ", ".join(dict.fromkeys(str(one.prediction) for one, _ in entries))
    axis.set_ylabel(wanted if len(wanted) <= LONG else name.name)
    axes.legend(axis)


def _points(run: Run, one: Comparison, b: int) -> tuple[Array, Array]:
    """The observed depths [m] and data [m] of one sample; missing data are NaN, which is drawn as nothing."""
    bound, path = run.setting.bound, run.setting.path
    marks = run.setting.program.parts.observed[one.observation]
    depths = path.grid.nodes[b, path.node[b, list(marks)]]
    data = bound.arrays[one.data.name]
    return depths, (data[b] if one.data.name in bound.batched else data)[(slice(None), *one.entry)]

"""The costate of a solved problem as a function along every sample's path, solved backward once.

a' = -dH/dz,   a(S) = dL/dz,   a(s_i-) = a(s_i+) + dL_i/dz
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.continuous import Forms, on_dense
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.segments import over
from odeanalysis.numerics.solvers.scipy_ import ScipyInterpolant
from odeanalysis.numerics.solvers.solution import Solution


@dataclass(frozen=True, eq=False)
class Costate:
    """The costates of a run, weighted as its samples are, with the weight of the running cost as the last entry where there is one.

    segments: the solve of each segment of the path, from its end back to its start.  start: a(s0), [B, n].
    """

    run: Run
    forms: Forms
    segments: tuple[Solution, ...]
    start: Array

    def inside(self, segment: int, fraction: Array) -> Array:
        """The costates at fractions [B, M] of a segment: [B, M, n]."""
        return self.segments[segment].inside(np.zeros(fraction.shape, dtype=int), 1 - fraction)

    def steps(self, segment: int) -> Array:
        """The fractions of a segment at which the steps taken end, those of the state and of the costate: [B, m]."""
        return np.concatenate([starts(self.run.solution, segment), 1 - starts(self.segments[segment], 0)], axis=1)


def costate(run: Run) -> Costate:
    """Solves the costate equation of a run on its dense solution. Raises SolveError."""
    setting, grid = run.setting, run.setting.path.grid
    back = costs.cotangents(setting, run.solution)
    forms = Forms(setting, ())
    found, value = [], back.states[:, -1]
    for j in range(grid.segments - 1, -1, -1):
        field, label = forms.field(on_dense(run, j)), partial(forms.label, stored=True)
        found.append(over(run, j, field, value, backward=True, label=label))
        value = found[-1].final + back.states[:, j]
    return Costate(run, forms, tuple(reversed(found)), value)


def starts(solution: Solution, segment: int) -> Array:
    """The fractions of a segment at which the steps of each sample start, 0 where there are none: [B, N]."""
    record = solution.record
    if record is not None:
        return np.where((record.segment == segment) & record.accepted, record.start, 0.0).T
    assert isinstance(solution.interpolant, ScipyInterpolant)  # the only ones that keep no record
    a, b = solution.grid.nodes[:, segment], solution.grid.nodes[:, segment + 1]
    depths = [np.asarray(getattr(paths[segment], "ts", ())) for paths in solution.interpolant.paths]
    found = np.zeros((len(depths), max(map(len, depths))))
    for sample, one in enumerate(depths):
        found[sample, : len(one)] = (one - a[sample]) / (b[sample] - a[sample]) if len(one) else 0
    return np.clip(found, 0, 1)

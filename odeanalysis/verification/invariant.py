"""The invariant along the path: what the costate says about a perturbation does not change from step to step.

a(s)^T dz(s) + int_s^S dH/dname dname ds + costs behind s   is the same number at every s: the derivative of ell along the direction
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.discrete import step_cotangents, step_values
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import Tangent


@dataclass(frozen=True)
class Drift:
    """worst: the largest relative change of the invariant over one step.  depth: where (the step's start, first sample)."""

    worst: float
    depth: float


def drift(run: Run, direction: Mapping[str, Array]) -> Drift:
    """How far the invariant changes along the recorded steps: rounding only, unless a step's adjoint is wrong."""
    with np.errstate(all="ignore"):
        sums, scale = _invariants(run, direction)
    changes = np.abs(np.diff(sums))
    if not len(changes) or not scale:
        return Drift(0.0, float(run.setting.path.grid.nodes[0, 0].real))
    worst = int(np.argmax(changes))
    step = len(changes) - 1 - worst
    return Drift(float(changes[worst] / scale), float(step_values(run, step)[run.setting.program.parts.depth.name][0]))


def _invariants(run: Run, direction: Mapping[str, Array]) -> tuple[Array, float]:
    """The invariant before each step, from the last one back, and the size of its terms."""
    tangent = Tangent(run, dict(direction))
    back = costs.cotangents(run.setting, run.solution)
    method = run.setting.program.step_vjp(run.settings.method)
    layout, record = run.setting.layout, tangent.record
    bar = back.states[:, -1].copy()
    pending = float(np.sum(back.states[:, :-1] * tangent.at_nodes[:, :-1]))
    sums, sizes = [], []
    for k in range(len(record), -1, -1):
        moved = tangent.states[k] if k < len(record) else tangent.at_nodes[:, -1]
        terms = [np.sum(bar * moved), pending, np.sum(back.nodes * tangent.nodes)]
        terms += [np.sum(back.names[name] * d) for name, d in direction.items()]
        sums.append(float(np.sum(terms)))
        sizes.append(float(np.max(np.abs(terms))))
        if k:
            bars = {f"_bar_{name}": part for name, part in layout.unpack(bar).items()}
            bars.setdefault(f"_bar_{COST.name}", np.zeros(run.setting.batch))
            rows = np.nonzero((record.start[k - 1] == 0) & record.accepted[k - 1])[0]
            segment = record.segment[k - 1, rows]
            pending -= float(np.sum(back.states[rows, segment] * tangent.at_nodes[rows, segment]))
            bar = step_cotangents(run, k - 1, method({**step_values(run, k - 1), **bars}), bar, back)
    return np.array(sums), max(sizes)

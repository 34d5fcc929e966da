"""Where a name stands in the initial value or in a cost at a depth: its derivative there is a point mass, which is no function.

D ell[v] = int <dell/dtheta, v> ds + sum_i <w_i, v(s_i)>
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from odeanalysis.numerics.functional.costate import Costate
from odeanalysis.numerics.functional.seen import Seen
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.program import Array


@dataclass(frozen=True, eq=False)
class PointMasses:
    """depth: [B, m], the depths of the masses of every sample.  weight: [B, m, *shape].  side: [B, m], a depth in the direction in which
    the name is looked up: at s0 inside the domain, elsewhere on the side of s0."""

    depth: Array
    weight: Array
    side: Array

    @property
    def lookup(self) -> Array:
        """The depths at which a function that jumps there is to be evaluated: one rounding away, [B, m]."""
        return np.nextafter(self.depth, self.side)

    def __len__(self) -> int:
        return self.depth.shape[1]


def point_masses(costate: Costate, seen: Seen) -> PointMasses:
    """The point masses of the derivative of a run's value; those that vanish for all samples are left out."""
    found = [_start(costate, seen), _end(costate, seen), *_observed(costate, seen)]
    depth, weight, side = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    kept = weight.any(axis=(0, *range(2, weight.ndim)))
    return PointMasses(depth[:, kept], weight[:, kept], side[:, kept])


Parts = tuple[Array, Array, Array]


def _start(costate: Costate, seen: Seen) -> Parts:
    setting = costate.run.setting
    grid = setting.path.grid
    bars = {f"_bar_{name}": bar for name, bar in setting.layout.unpack(costate.start).items()}
    known = seen.environment(setting.environment(grid.nodes[:, 0], setting.y0, grid.pieces[:, 0]))
    weight = seen.of(seen.pointwise.vjp.initial({**known, **bars}), (setting.batch,))
    return grid.nodes[:, :1], weight[:, None], grid.nodes[:, -1:]


def _end(costate: Costate, seen: Seen) -> Parts:
    setting = costate.run.setting
    known = seen.environment(costs.at_end(setting, costate.run.solution))
    weight = seen.of(seen.pointwise.vjp.terminal({**known, "_bar_terminal": setting.weights}), (setting.batch,))
    return setting.path.grid.nodes[:, -1:], weight[:, None], setting.path.grid.nodes[:, :1]


def _observed(costate: Costate, seen: Seen) -> Iterator[Parts]:
    setting = costate.run.setting
    for i, pairs in enumerate(costs.observed_pairs(setting, costate.run.solution)):
        nodes = setting.path.node[:, list(setting.program.parts.observed[i])]
        depth = np.take_along_axis(setting.path.grid.nodes, nodes, axis=1)
        weight = np.zeros((*depth.shape, *seen.shape))
        if len(pairs.sample):
            known = {**seen.environment(pairs.environment), "_bar_cost": setting.weights[pairs.sample]}
            found = seen.of(seen.pointwise.vjp.observations[i](known), pairs.sample.shape)
            np.add.at(weight, (pairs.sample, pairs.column), found)
        yield depth, weight, np.broadcast_to(setting.path.grid.nodes[:, :1], depth.shape)

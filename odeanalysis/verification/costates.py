"""The costate of a solved problem on both sides of a depth: as it is solved for, and as the derivative of the loss from there on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.numerics.functional.costate import Costate, costate
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.solution import Side, locate
from odeanalysis.verification.claim import Check, Gap, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.independent import costates as independent

NEAR = 1e-3
EQUATION, LOSS = "costate equation", "SciPy, loss from there on"
CLOSE = 1e-9
# a(0) = 4 a(h) - 6 a(2 h) + 4 a(3 h) - a(4 h), but for the fourth power of h
LIMIT = {1: 4.0, 2: -6.0, 3: 4.0, 4: -1.0}
BETWEEN = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Sides:
    """a^T d before and after a depth, in the order of the path."""

    before: float
    after: float

    @property
    def jump(self) -> float:
        return self.before - self.after


@dataclass(frozen=True, eq=False)
class Seen:
    """A run whose costate is measured along one direction d of its states, the same at every depth."""

    title: str
    run: Run

    @cached_property
    def direction(self) -> dict[str, Array]:
        shape = (self.run.setting.batch, self.run.setting.y0.shape[1])
        return self._named(np.random.default_rng(0).standard_normal(shape))

    def states(self, depth: float) -> dict[str, Array]:
        return self._named(self.run.solution.dense(np.array([depth]))[:, 0])

    def _named(self, y: Array) -> dict[str, Array]:
        """The states in [B, n] by name, without the axis of the samples where there is no batch."""
        found, batched = self.run.setting.layout.unpack(y), self.run.setting.bound.batch is not None
        return {z.name: found[z.name] if batched else found[z.name][0] for z in self.run.setting.problem.model.states}

    @cached_property
    def solved(self) -> Costate:
        return costate(self.run)

    def at(self, depth: float) -> dict[str, Sides]:
        """By the costate equation, and by SciPy."""
        return {
            EQUATION: Sides(self._along(depth, "before"), self._along(depth, "after")),
            LOSS: Sides(self._limit(depth, -1), self._limit(depth, 1)),
        }

    def across(self, depth: float, jump: float = 0.0) -> tuple[list[Gap], Check]:
        """How far the costate's jump at a depth is from that wanted, in each way; and how far the ways are from each other there."""
        found, title = self.at(depth), f"costate at {depth:g}, {self.title}"
        size = max(1.0, *(abs(one.before) for one in found.values()))
        apart = max(abs(found[EQUATION].before - found[LOSS].before), abs(found[EQUATION].after - found[LOSS].after))
        gaps = [Gap(title, way, abs(one.jump - jump) / size, CLOSE) for way, one in found.items()]
        return gaps, within(f"both ways find one costate: {title}", apart / size, CLOSE)

    def observed(self, depth: float) -> float:
        """(dL_i/dz)^T d of what is observed at a depth."""
        return independent.observed(self.run.setting.problem, self._values, depth, self.states(depth), self.direction)

    @property
    def _values(self) -> dict[str, Array]:
        return dict(self.run.setting.bound.arrays)

    def _along(self, depth: float, side: Side) -> float:
        wanted = np.full((self.run.setting.batch, 1), depth)
        segment, fraction = locate(self.run.setting.path.grid, wanted, side)
        found = self._named(self.solved.inside(int(segment[0, 0]), fraction)[:, 0])
        return float(sum(np.sum(found[name] * one) for name, one in self.direction.items()))

    def _limit(self, depth: float, side: int) -> float:
        """From depths beside it, on the side of s0 (-1) or of S (1)."""
        nodes = self.run.setting.path.grid.nodes[0]
        step = side * float(np.sign(nodes[-1] - nodes[0])) * NEAR
        return sum(weight * self._slope(depth + k * step) for k, weight in LIMIT.items())

    def _slope(self, depth: float) -> float:
        return independent.slope(self.run.setting.problem, self._values, depth, self.states(depth), self.direction)

    @property
    def figure(self) -> Figure:
        """The costates of the first sample over depth; where they jump, the line is vertical."""
        grid, layout = self.run.setting.path.grid, self.run.setting.layout
        depths = np.concatenate([grid.nodes[0, j] + BETWEEN * np.diff(grid.nodes[0])[j] for j in range(grid.segments)])
        inside = np.broadcast_to(BETWEEN, (self.run.setting.batch, len(BETWEEN)))
        found = layout.unpack(np.concatenate([self.solved.inside(j, inside)[0] for j in range(grid.segments)]))
        lines = (line(f"costate of {z.name}", depths, found[z.name]) for z in self.run.setting.problem.model.states)
        return Figure(f"Costates: {self.title}", "s", "a", tuple(lines))

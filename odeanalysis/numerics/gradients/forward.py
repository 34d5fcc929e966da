"""Forward sensitivities: the variational equation along every direction of every value, segment by segment.

w' = df/dz w + df/dname,   w(s0) = dh/dname - f(s0) ds0/dname,   at a moving node w jumps by (f- - f+) ds/dname
"""

from dataclasses import dataclass

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.segments import between
from odeanalysis.symbolic.nodes import Leaf


@dataclass(frozen=True)
class Forward:
    """The state's derivative in every value, carried along with the state: fit for few values, and an independent route."""

    name = "forward"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        with np.errstate(all="ignore"):
            directions = Directions(run)
            moved = Tangents(run, directions)
            return directions.gradients(moved.weighted_losses())


class Directions:
    """Unit directions, one for each entry of each name: a tangent of name v is an array [p, B or 1, *shape]."""

    def __init__(self, run: Run):
        self.run, setting = run, run.setting
        self.leaves: tuple[Leaf, ...] = setting.program.parts.names
        self.shapes = [setting.values[leaf.name].shape[leaf.name in setting.bound.batched :] for leaf in self.leaves]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.count = sum(self.sizes)

    def tangents(self) -> dict[str, Array]:
        """`_dot_<name>` -> [p, 1, *shape]."""
        found, start = {}, 0
        for leaf, shape, size in zip(self.leaves, self.shapes, self.sizes, strict=True):
            unit = np.zeros((self.count, size))
            unit[start : start + size] = np.eye(size)
            found[f"_dot_{leaf.name}"] = unit.reshape(self.count, 1, *shape)
            start += size
        return found

    def gradients(self, slopes: Array) -> dict[str, Array]:
        """Weighted derivatives [p, B] of the losses -> gradients in the values' shapes, with the costs' data beside them."""
        setting = self.run.setting
        found, start = {}, 0
        for leaf, shape, size in zip(self.leaves, self.shapes, self.sizes, strict=True):
            part = slopes[start : start + size].T.reshape(-1, *shape)
            found[leaf.name] = part if leaf.name in setting.bound.batched else part.sum(axis=0)
            start += size
        data = costs.cotangents(setting, self.run.solution).names
        return {name: found.get(name, data[name]) for name in setting.bound.arrays}


class Tangents:
    """The tangents of state and loss of a run along all directions."""

    def __init__(self, run: Run, directions: Directions):
        self.run, self.setting = run, run.setting
        self.program, self.stated = run.setting.program, run.setting.program.parts
        self.names = directions.tangents()
        self.count = directions.count
        self.nodes = self._node_tangents()

    def _node_tangents(self) -> Array:
        """How the nodes move: [p, B, K+1]."""
        found = self.program.jvp.marks({**self.setting.values, **self.setting.met, **self.names})
        marks = np.stack([np.broadcast_to(d, (self.count, self.setting.batch)) for d in found.values()], axis=2)
        return np.take_along_axis(marks, np.broadcast_to(self.setting.path.source, (self.count, *self.setting.path.source.shape)), axis=2)

    def slope(self, j: int, node: int) -> Array:
        """The field at a node, with the pieces of segment j: [B, n]."""
        grid = self.setting.path.grid
        state = self.run.solution.node_states[:, node]
        values = self.setting.environment(grid.nodes[:, node], state, grid.pieces[:, j])
        return self.setting.layout.pack(self.program.field(values), (self.setting.batch,))

    def start(self) -> Array:
        """The tangent of the initial state for a start that moves: [p, B, n]."""
        grid = self.setting.path.grid
        values = self.setting.environment(grid.nodes[:, 0], self.setting.y0, grid.pieces[:, 0])
        found = self.program.jvp.initial({**values, **self.names, f"_dot_{self.stated.depth.name}": self.nodes[:, :, 0]})
        return self.setting.layout.pack({**found, COST.name: np.zeros(())}, (self.count, self.setting.batch))

    def weighted_losses(self) -> Array:
        """The weighted derivative of each sample's loss along each direction: [p, B]."""
        total = self.start()
        at_nodes = [total]
        for j in range(self.setting.path.grid.segments):
            carried = total - self.slope(j, j) * self.nodes[:, :, j, None]
            carried = self._carry(j, carried)
            total = carried + self.slope(j, j + 1) * self.nodes[:, :, j + 1, None]
            at_nodes.append(total)
        return self._loss_tangents(np.stack(at_nodes, axis=2)) * self.setting.weights

    def _carry(self, j: int, tangent: Array) -> Array:
        """A tangent [p, B, n] over segment j, at fixed depths."""
        n = self.setting.y0.shape[1]
        joined = np.concatenate(
            [self.run.solution.node_states[:, j], tangent.transpose(1, 0, 2).reshape(tangent.shape[1], self.count * n)], axis=1
        )
        carried = between(self.run, j, self._field, joined, backward=False, label=self._label)
        return carried[:, n:].reshape(len(carried), self.count, n).transpose(1, 0, 2)

    def _label(self, component: int) -> str:
        """What a component of the state and its tangents is, for messages."""
        n = self.setting.y0.shape[1]
        entry = self.setting.layout.entry(component % n)
        return f"component {entry}" if component < n else f"a derivative of {entry}"

    def _field(self, s: Array, y: Array, pieces: Array) -> Array:
        n = self.setting.y0.shape[1]
        state, tangent = y[:, :n], y[:, n:].reshape(len(y), self.count, n).transpose(1, 0, 2)
        values = self.setting.environment(s, state, pieces)
        dots = {f"_dot_{name}": part for name, part in self.setting.layout.unpack(tangent).items()}
        slope = self.setting.layout.pack(self.program.field(values), s.shape)
        moved = self.setting.layout.pack(self.program.variational({**values, **self.names, **dots}), tangent.shape[:2])
        return np.concatenate([slope, moved.transpose(1, 0, 2).reshape(len(y), -1)], axis=1)

    def _loss_tangents(self, tangents: Array) -> Array:
        """Tangents of the states that sit on the nodes [p, B, K+1, n] -> tangents of the losses [p, B]."""
        setting, depth = self.setting, f"_dot_{self.stated.depth.name}"
        layout = setting.layout
        last = {f"_dot_{name}": part for name, part in layout.unpack(tangents[:, :, -1]).items()}
        found = self.program.jvp.terminal({**costs.at_end(setting, self.run.solution), **self.names, **last, depth: self.nodes[:, :, -1]})
        total = np.broadcast_to(found["terminal"], (self.count, setting.batch)) + last.get(f"_dot_{COST.name}", 0)
        for i, pairs in enumerate(costs.observed_pairs(setting, self.run.solution)):
            if len(pairs.sample):
                total = total + self._observed(i, pairs, tangents)
        return total

    def _observed(self, i: int, pairs: costs.Pairs, tangents: Array) -> Array:
        setting, depth = self.setting, f"_dot_{self.stated.depth.name}"
        at = {f"_dot_{name}": part for name, part in setting.layout.unpack(tangents[:, pairs.sample, pairs.node]).items()}
        still = {f"_dot_{leaf.name}": np.zeros_like(pairs.environment[leaf.name]) for leaf in self._data(i)}
        values = {**pairs.environment, **self.names, **at, **still, depth: self.nodes[:, pairs.sample, pairs.node]}
        each = np.broadcast_to(self.program.jvp.observations[i](values)["cost"], (self.count, len(pairs.sample)))
        total = np.zeros((self.count, setting.batch))
        np.add.at(total.T, pairs.sample, each.T)
        return total

    def _data(self, i: int) -> tuple[Leaf, ...]:
        return self.stated.problem.objective.observations[i].data

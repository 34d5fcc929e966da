"""Hessian-vector products: the tangent of the discrete adjoint, by a forward sweep over each of its formulas.

H v = d/de grad ell(theta + e v),   exact for the steps taken: the tangent of the step, then the tangent of its vector-Jacobian product
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.errors import ModelError
from odeanalysis.numerics.gradients import costs, kinks
from odeanalysis.numerics.gradients.boundary import spread
from odeanalysis.numerics.gradients.discrete import step_cotangents, step_values
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.solvers.record import Record


def hessian_vector(run: Run, direction: Mapping[str, Any]) -> dict[str, Array]:
    """The Hessian of the value times a direction, in the values' shapes; names that are not given do not move.

    Raises ModelError for a method that keeps no steps, an unknown name, or a direction of another shape than its value.
    """
    if run.solution.record is None:
        raise ModelError(f"method {run.settings.method!r} keeps no steps to differentiate; take a method of ours")
    run.warn_of_kinks(kinks.SECOND)
    with np.errstate(all="ignore"):
        return Tangent(run, _checked(run, direction)).product()


def hessian(run: Run, names: tuple[str, ...]) -> Array:
    """The Hessian of the value in all entries of some names, flattened in order: [p, p]."""
    rows = []
    for name in names:
        array = run.setting.bound.arrays[name]
        for place in range(array.size):
            unit = np.zeros(array.size)
            unit[place] = 1
            product = hessian_vector(run, {name: unit.reshape(array.shape)})
            rows.append(np.concatenate([product[other].ravel() for other in names]))
    return np.array(rows)


def _checked(run: Run, direction: Mapping[str, Any]) -> dict[str, Array]:
    arrays = run.setting.bound.arrays
    moved = {name: np.zeros(array.shape) for name, array in arrays.items()}
    for name, value in direction.items():
        if name not in arrays or np.shape(value) != arrays[name].shape:
            shape = f"has shape {np.shape(value)}, its value {arrays[name].shape}" if name in arrays else "names no value"
            raise ModelError(f"direction {name!r} {shape}; give one array of the value's shape for each name that moves")
        moved[name] = np.asarray(value, dtype=float)
    return moved


class Tangent:
    """The tangents of path, states and costates of a run, along one direction of its values."""

    def __init__(self, run: Run, direction: dict[str, Array]):
        self.run, self.setting = run, run.setting
        self.stated = self.setting.program.parts
        self.direction = direction
        self.names = {f"_dot_{leaf.name}": direction[leaf.name] for leaf in self.stated.names}
        self.depth = self.stated.depth.name
        self.batch = self.setting.batch
        assert run.solution.record is not None
        self.record: Record = run.solution.record
        self.nodes = self._nodes()
        self.values = [step_values(run, k) for k in range(len(self.record))]
        self.states, self.stages, self.at_nodes = self._forward()

    def _nodes(self) -> Array:
        found = self.setting.program.jvp.marks({**self.setting.values, **self.setting.met, **self.names})
        marks = np.stack([np.broadcast_to(dot, (self.batch,)) for dot in found.values()], axis=1)
        return np.take_along_axis(marks, self.setting.path.source, axis=1)

    def _step_dots(self, k: int) -> dict[str, Array]:
        rows = np.arange(self.batch)
        segment = self.record.segment[k]
        a, b = self.nodes[rows, segment], self.nodes[rows, segment + 1]
        return {f"_dot_{self.depth}": a + self.record.start[k] * (b - a), "_dot__h": self.record.fraction[k] * (b - a)}

    def _dots(self, vector: Array, prefix: str = "_dot_") -> dict[str, Array]:
        found = {f"{prefix}{name}": part for name, part in self.setting.layout.unpack(vector).items()}
        found.setdefault(f"{prefix}{COST.name}", np.zeros(vector.shape[:-1]))
        return found

    def _forward(self) -> tuple[list[Array], list[dict[str, Array]], Array]:
        """The tangents of the states at the steps' starts, of the stages of implicit steps, and of the states at the nodes [B, K+1, n]."""
        setting, record = self.setting, self.record
        step = setting.program.second.step(self.run.settings.method)
        grid = setting.path.grid
        values = setting.environment(grid.nodes[:, 0], setting.y0, grid.pieces[:, 0])
        begun = setting.program.jvp.initial({**values, **self.names, f"_dot_{self.depth}": self.nodes[:, 0]})
        moved = setting.layout.pack({**begun, COST.name: np.zeros(())}, (self.batch,)).copy()
        at_nodes = np.zeros((self.batch, grid.segments + 1, moved.shape[1]))
        states, stages = [], []
        for k in range(len(record)):
            rows = np.nonzero((record.start[k] == 0) & record.accepted[k])[0]
            at_nodes[rows, record.segment[k, rows]] = moved[rows]
            states.append(moved)
            found = step({**self.values[k], **self.names, **self._step_dots(k), **self._dots(moved)})
            stages.append({f"_dot_{name}": found[name] for name in (found.keys() & self.values[k].keys()) - {*setting.layout.names}})
            found[COST.name] = found[COST.name] + self._dots(moved)[f"_dot_{COST.name}"]
            moved = setting.layout.pack(found, (self.batch,))
        at_nodes[:, -1] = moved
        return states, stages, at_nodes

    def product(self) -> dict[str, Array]:
        """The tangent of the reverse sweep."""
        first = costs.cotangents(self.setting, self.run.solution)
        second = self._cost_tangents()
        method = self.run.settings.method
        reverse, tangent = self.setting.program.step_vjp(method), self.setting.program.second.step_vjp(method)
        bar, bar_dot = first.states[:, -1].copy(), second.states[:, -1].copy()
        for k in range(len(self.record) - 1, -1, -1):
            values = {**self.values[k], **self._dots(bar, "_bar_")}
            dots = {
                **self.names,
                **self._step_dots(k),
                **self._dots(self.states[k]),
                **self.stages[k],
                **self._dots(bar_dot, "_dot__bar_"),
            }
            bar, bar_dot = (
                step_cotangents(self.run, k, reverse(values), bar, first),
                step_cotangents(self.run, k, tangent({**values, **dots}), bar_dot, second),
            )
        return self._finish(first, second, bar, bar_dot)

    def _cost_tangents(self) -> costs.Cotangents:
        setting, solution = self.setting, self.run.solution
        found = costs.Cotangents(np.zeros(solution.node_states.shape), np.zeros(self.nodes.shape), costs.zeros_like_values(setting))
        dots = {**self.names, **self._dots(self.at_nodes[:, -1]), f"_dot_{self.depth}": self.nodes[:, -1]}
        values = {
            **costs.at_end(setting, solution),
            "_bar_terminal": setting.weights,
            "_dot__bar_terminal": np.zeros(self.batch),
        }
        costs.add_terminal(setting, setting.program.second.terminal({**values, **dots}), np.zeros(self.batch), found)
        for i, pairs in enumerate(costs.observed_pairs(setting, solution)):
            if len(pairs.sample):
                costs.add_observation(setting, i, pairs, self._observed(i, pairs), found)
        return found

    def _observed(self, i: int, pairs: costs.Pairs) -> dict[str, Array]:
        setting = self.setting
        dots = {
            **self._dots(self.at_nodes[pairs.sample, pairs.node]),
            f"_dot_{self.depth}": self.nodes[pairs.sample, pairs.node],
        }
        for leaf in self.stated.names:
            dot = self.direction[leaf.name]
            dots[f"_dot_{leaf.name}"] = dot[pairs.sample] if leaf.name in setting.bound.batched else dot
        for leaf in self.stated.problem.objective.observations[i].data:
            where = (pairs.sample, pairs.column) if leaf.name in setting.bound.batched else pairs.column
            dots[f"_dot_{leaf.name}"] = self.direction[leaf.name][where]
        weights = setting.weights[pairs.sample]
        bars = {"_bar_cost": weights, "_dot__bar_cost": np.zeros(weights.shape)}
        return setting.program.second.observations[i]({**pairs.environment, **bars, **dots})

    def _finish(self, first: costs.Cotangents, second: costs.Cotangents, bar: Array, bar_dot: Array) -> dict[str, Array]:
        setting, grid = self.setting, self.setting.path.grid
        values = {**setting.environment(grid.nodes[:, 0], setting.y0, grid.pieces[:, 0]), **self._dots(bar, "_bar_")}
        dots = {**self.names, **self._dots(bar_dot, "_dot__bar_"), f"_dot_{self.depth}": self.nodes[:, 0]}
        begun = setting.program.vjp.initial(values)
        first.nodes[:, 0] += begun.get(self.depth, 0)
        moved = setting.program.second.initial({**values, **dots})
        second.nodes[:, 0] += moved.get(self.depth, 0)
        marks = {f"_bar_{name}": bar for name, bar in spread(setting, first.nodes).items()}
        marks |= {f"_dot__bar_{name}": bar for name, bar in spread(setting, second.nodes).items()}
        through_marks = setting.program.second.marks({**setting.values, **setting.met, **self.names, **marks})
        for leaf in self.stated.names:
            second.names[leaf.name] += moved[leaf.name] + through_marks[leaf.name]
        return second.names

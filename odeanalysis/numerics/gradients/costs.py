"""Terminal and observation costs of a solved setting, and their cotangents."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.solvers.solution import Solution


def losses(setting: Setting, solution: Solution) -> Array:
    """The loss of each sample: terminal cost, integral of the running cost, observation costs: [B]."""
    found = np.broadcast_to(setting.program.terminal(at_end(setting, solution))["terminal"], (setting.batch,))
    found = found + setting.layout.unpack(solution.final).get(COST.name, 0)
    for pairs, cost in zip(observed_pairs(setting, solution), setting.program.observations, strict=True):
        if len(pairs.sample):
            each = np.broadcast_to(cost(pairs.environment)["cost"], pairs.sample.shape)
            found = found + _per_sample(pairs, each, setting.batch)
    return found


def _per_sample(pairs: "Pairs", each: Array, batch: int) -> Array:
    """The sum of the pairs of each sample: [B]."""
    total = np.zeros(batch, dtype=each.dtype)
    np.add.at(total, pairs.sample, each)
    return total


def at_end(setting: Setting, solution: Solution) -> dict[str, Array]:
    """Names -> arrays at S, with the flags of the last segment."""
    grid = setting.path.grid
    return setting.environment(grid.nodes[:, -1], solution.final, grid.pieces[:, -1])


@dataclass(frozen=True, eq=False)
class Pairs:
    """The observed (sample, depth) pairs of one observation, without missing data.

    sample, column, node: [P], the sample, the position in `at`, and the node of each pair.  environment: names -> arrays with a
    leading axis P; shared values have none.
    """

    sample: Array
    column: Array
    node: Array
    environment: dict[str, Array]


def observed_pairs(setting: Setting, solution: Solution) -> list[Pairs]:
    return [_pairs(setting, solution, i) for i in range(len(setting.program.parts.observations))]


def _pairs(setting: Setting, solution: Solution, i: int) -> Pairs:
    stated = setting.program.parts
    node = setting.path.node[:, list(stated.observed[i])]
    data = {leaf.name: setting.bound.arrays[leaf.name] for leaf in stated.problem.objective.observations[i].data}
    sample, column = np.nonzero(_seen(setting, data, node.shape))
    here = node[sample, column]
    grid = setting.path.grid
    flags = setting.path.flags_at(node)[sample, column]
    environment = setting.environment_of(sample, grid.nodes[sample, here], solution.node_states[sample, here], flags)
    for name, array in data.items():
        environment[name] = array[sample, column] if name in setting.bound.batched else array[column]
    return Pairs(sample, column, here, environment)


def _seen(setting: Setting, data: dict[str, Array], shape: tuple[int, ...]) -> Array:
    """Which pairs have all their data: [B, m]."""
    seen = np.ones(shape, dtype=bool)
    for name, array in data.items():
        lead = 2 if name in setting.bound.batched else 1
        missing = np.isnan(array).any(axis=tuple(range(lead, array.ndim)))
        seen &= ~missing
    return seen


@dataclass(frozen=True, eq=False)
class Cotangents:
    """What the costs send back: to the state at each node [B, K+1, n], to the depth of each node [B, K+1], to the names."""

    states: Array
    nodes: Array
    names: dict[str, Array]


def cotangents(setting: Setting, solution: Solution) -> Cotangents:
    """The derivatives of the weighted value with respect to node states, node depths and names, through the costs alone."""
    grid = setting.path.grid
    found = Cotangents(np.zeros(solution.node_states.shape), np.zeros(grid.nodes.shape), zeros_like_values(setting))
    _terminal(setting, solution, found)
    for i, pairs in enumerate(observed_pairs(setting, solution)):
        if len(pairs.sample):
            _observation(setting, i, pairs, found)
    return found


def zeros_like_values(setting: Setting) -> dict[str, Array]:
    return {name: np.zeros(array.shape) for name, array in setting.bound.arrays.items()}


def _terminal(setting: Setting, solution: Solution, found: Cotangents) -> None:
    back = setting.program.vjp.terminal({**at_end(setting, solution), "_bar_terminal": setting.weights})
    add_terminal(setting, back, setting.weights, found)


def add_terminal(setting: Setting, back: dict[str, Array], running: Array, found: Cotangents) -> None:
    """Adds derivatives of the terminal cost; `running` [B] is the cotangent of the integral of the running cost."""
    stated = setting.program.parts
    found.states[:, -1] += setting.layout.pack({**back, COST.name: running}, (setting.batch,))
    found.nodes[:, -1] += back.get(stated.depth.name, 0)
    for leaf in stated.names:
        found.names[leaf.name] += back[leaf.name]


def _observation(setting: Setting, i: int, pairs: Pairs, found: Cotangents) -> None:
    bars = {"_bar_cost": setting.weights[pairs.sample]}
    add_observation(setting, i, pairs, setting.program.vjp.observations[i]({**pairs.environment, **bars}), found)


def add_observation(setting: Setting, i: int, pairs: Pairs, back: dict[str, Array], found: Cotangents) -> None:
    """Adds derivatives of the costs of pairs, sample by sample."""
    stated, count = setting.program.parts, pairs.sample.shape
    at = (pairs.sample, pairs.node)
    np.add.at(found.states, at, setting.layout.pack({**back, COST.name: np.zeros(())}, count))
    np.add.at(found.nodes, at, np.broadcast_to(back.get(stated.depth.name, 0), count))
    for leaf in stated.names:
        _collect(found.names, leaf.name, back[leaf.name], pairs.sample if leaf.name in setting.bound.batched else None)
    for leaf in stated.problem.objective.observations[i].data:
        where = (pairs.sample, pairs.column) if leaf.name in setting.bound.batched else pairs.column
        _collect(found.names, leaf.name, back[leaf.name], where)


def _collect(gradients: dict[str, Array], name: str, value: Array, where: Any) -> None:
    if where is None:
        gradients[name] += value
    else:
        np.add.at(gradients[name], where, value)

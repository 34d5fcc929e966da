"""A route that uses none of our calculus: SciPy solves the stated expressions, and differences of its losses are extrapolated.

The loss of each sample is computed from the statement alone: ends, break points (found by bisecting the stated conditions), costs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from sympy.core.relational import Relational

from odeanalysis.errors import SolveError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute, walk
from odeanalysis.verification.interpreter import evaluate

RTOL, ATOL = 1e-12, 1e-13
SCAN = 400
EDGE = 1e-12
STEP = 1e-3
KINKED = (sp.Abs, sp.sign, scalars.relu, scalars.elu, scalars.maximum, scalars.minimum)


@dataclass(frozen=True)
class Statement:
    """A problem with its depth-varying names written out, for one sample at a time.  sizes: the lengths of symbolic sizes."""

    problem: Problem
    method: str = "DOP853"
    sizes: Mapping[sp.Symbol, int] = field(default_factory=dict)

    def loss(self, values: Mapping[str, Any]) -> float:
        """The loss of one sample."""
        model, objective = self.problem.model, self.problem.objective
        start, end = (float(evaluate(depth, values)) for depth in model.domain)
        observed = [(float(evaluate(at, values)), i, j) for i, one in enumerate(objective.observations) for j, at in enumerate(one.at)]
        nodes = self._nodes(values, start, end, [depth for depth, _, _ in observed])
        path = dict(self._solve(values, nodes))
        total = path[len(nodes) - 1][1][-1] + self._cost(objective.terminal, values, nodes, len(nodes) - 1, path)
        for depth, i, j in observed:
            one = objective.observations[i]
            data = {name.name: values[name.name][j] for name in one.data}
            if not any(np.isnan(datum).any() for datum in data.values()):
                total += self._cost(one.cost, {**values, **data}, nodes, int(np.argmin(np.abs(np.array(nodes) - depth))), path)
        return float(total)

    def _nodes(self, values: Mapping[str, Any], start: float, end: float, observed: list[float]) -> list[float]:
        low, high = min(start, end), max(start, end)
        inner = {depth for depth in (*observed, *self._switches(values, start, end)) if low < depth < high}
        ordered = sorted(inner, reverse=end < start)
        return [start, *ordered, end]

    def _switches(self, values: Mapping[str, Any], start: float, end: float) -> Iterator[float]:
        """Where the stated conditions on depth change sides, its kinks, and the break points given by hand."""
        model = self.problem.model
        yield from (float(evaluate(depth, values)) for depth in model.breakpoints)
        grid = np.linspace(start, end, SCAN)
        for gap in self._gaps():
            yield from _roots(lambda s, gap=gap: float(evaluate(gap, {**values, model.depth.name: s})), grid)

    def _gaps(self) -> Iterator[Any]:
        model, objective = self.problem.model, self.problem.objective
        stated = [self._written(value) for value in (*(f for _, f in model.field), objective.running)]
        found = {node for node in walk(stated) if isinstance(node, (Relational, *KINKED))}
        for node in sorted(found, key=str):
            if model.depth in leaves(node) and not leaves(node) & set(model.states):
                sides = cast(Any, node.args)
                yield sides[0] - sides[1] if len(sides) > 1 else sides[0]

    def _written(self, expression: Any) -> Any:
        written = substitute(expression, dict(self.problem.model.functions))
        return written.xreplace({symbol: sp.Integer(size) for symbol, size in self.sizes.items()})

    def _solve(self, values: Mapping[str, Any], nodes: list[float]) -> Iterator[tuple[int, tuple[float, Array]]]:
        """For each node the depth just inside the segment before it, and the state with the running cost."""
        model = self.problem.model
        first = self._inside(nodes, 1, 0)
        initial = {**values, model.depth.name: nodes[0] if not model.functions and not self._split(nodes) else first}
        state = np.concatenate([*(np.ravel(evaluate(self._written(h), initial)) for _, h in model.initial), [0.0]])
        yield 0, (first, state)
        for j in range(1, len(nodes)):
            state = self._segment(values, nodes, j, state)
            yield j, (self._inside(nodes, j, 1), state)

    def _split(self, nodes: list[float]) -> bool:
        return len(nodes) > 2

    def _inside(self, nodes: list[float], j: int, side: int) -> float:
        """A depth of segment j, as near to its end `side` as its conditions are sure of."""
        a, b = nodes[j - 1], nodes[j]
        return a + (b - a) * (1 - EDGE if side else EDGE)

    def _segment(self, values: Mapping[str, Any], nodes: list[float], j: int, state: Array) -> Array:
        a, b = nodes[j - 1], nodes[j]
        if a == b:
            return state
        low, high = sorted((self._inside(nodes, j, 0), self._inside(nodes, j, 1)))
        found = solve_ivp(self._slopes(values, low, high), (a, b), state, method=self.method, rtol=RTOL, atol=ATOL)
        if not found.success:
            raise SolveError(f"SciPy's {self.method} fails in {self.problem.name!r}: {found.message}", depth=float(found.t[-1]))
        return found.y[:, -1]

    def _slopes(self, values: Mapping[str, Any], low: float, high: float) -> Callable[[float, Array], Array]:
        model = self.problem.model
        stated = [self._written(f) for _, f in model.field]
        running = self._written(self.problem.objective.running)

        def slopes(s: float, y: Array) -> Array:
            here = {**values, **self._states(y), model.depth.name: min(max(s, low), high)}
            return np.concatenate([*(np.ravel(evaluate(f, here)) for f in stated), [evaluate(running, here)]])

        return slopes

    def _states(self, y: Array) -> dict[str, Array]:
        found, start = {}, 0
        for state in self.problem.model.states:
            shape = tuple(int(n) for n in shape_of(self._written(state)))
            size = int(np.prod(shape))
            found[state.name] = y[start : start + size].reshape(shape) if shape else y[start]
            start += size
        return found

    def _cost(self, cost: Any, values: Mapping[str, Any], nodes: list[float], node: int, path: dict[int, tuple[float, Array]]) -> float:
        model = self.problem.model
        depth, state = path[node]
        exact = nodes[node] if not self._split(nodes) else depth
        return float(evaluate(self._written(cost), {**values, **self._states(state), model.depth.name: exact}))


def _roots(function: Callable[[float], float], grid: Array) -> Iterator[float]:
    """Where a function changes its sign between neighbours of a grid, or vanishes on it."""
    heights = [function(float(s)) for s in grid]
    for k in range(len(grid) - 1):
        if heights[k] * heights[k + 1] < 0:
            yield float(cast(Any, brentq(function, grid[k], grid[k + 1], xtol=1e-15)))
        elif heights[k] == 0:
            yield float(grid[k])


def samples(bound: Bound) -> list[dict[str, Array]]:
    """The values of each sample by itself."""
    count = 1 if bound.batch is None else bound.batch
    return [{name: array[b] if name in bound.batched else array for name, array in bound.arrays.items()} for b in range(count)]


def value(problem: Problem, bound: Bound, method: str = "DOP853") -> float:
    """The reduced loss."""
    statement = Statement(problem, method, bound.sizes)
    losses = [statement.loss(one) for one in samples(bound)]
    return float(np.mean(losses) if problem.reduction == "mean" else np.sum(losses))


def directional(problem: Problem, bound: Bound, direction: Mapping[str, Array], method: str = "DOP853") -> float:
    """The derivative of the reduced loss along a direction, by extrapolated central differences."""

    def central(size: float) -> float:
        ends = [value(problem, _moved(bound, direction, sign * size), method) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * size)

    coarse, fine = central(STEP), central(STEP / 2)
    return (4 * fine - coarse) / 3


def _moved(bound: Bound, direction: Mapping[str, Array], size: float) -> Bound:
    arrays = {name: array + size * direction.get(name, np.zeros(array.shape)) for name, array in bound.arrays.items()}
    return Bound(**{**vars(bound), "arrays": arrays})

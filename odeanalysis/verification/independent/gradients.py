"""A route that uses none of our calculus: the stated expressions are solved as they stand, and differences of the losses extrapolated.

The loss of each sample is computed from the statement alone: ends, break points (found by bisecting the stated conditions), costs. A
condition on depth is decided in the middle of each segment.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, cast

import numpy as np
import sympy as sp
from scipy.optimize import brentq
from sympy.core.relational import Relational

from odeanalysis.errors import SolveError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute, walk
from odeanalysis.verification.independent.interpreter import evaluate, evaluator
from odeanalysis.verification.independent.marching import SCIPY, EqualSteps, March, SameSteps, Slopes, counts

SCAN = 400
APART = 1e-12
STEP, STRIDE, BEND = 1e-3, 5e-3, 1e-2
FORWARD = (-49 / 20, 6, -15 / 2, 20 / 3, -15 / 4, 6 / 5, -1 / 6)

# kinks as two branches: (arguments) -> what holds where the gap is positive, and where it is negative
KINKS: dict[type, Callable[..., tuple[Any, Any]]] = {
    sp.Abs: lambda x: (x, -x),
    sp.sign: lambda x: (sp.Integer(1), sp.Integer(-1)),
    scalars.relu: lambda x: (x, sp.Integer(0)),
    scalars.maximum: lambda u, v: (u, v),
    scalars.minimum: lambda u, v: (v, u),
}

Pieces = Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class Statement:
    """A problem with its depth-varying names written out, for one sample at a time.  sizes: the lengths of symbolic sizes."""

    problem: Problem
    march: March = SCIPY
    sizes: Mapping[sp.Symbol, int] = field(default_factory=dict)

    def losses(self, values: Mapping[str, Any], sample: int = 0) -> list[float]:
        """The terms of the loss of one sample: the integral of the running cost, the terminal cost, what each observation costs."""
        nodes = self.nodes(values)
        pieces = [self.pieces(values, (a + b) / 2) for a, b in pairwise(nodes)]
        states = list(self._states(values, nodes, pieces, sample))

        def cost(stated: Any, node: int, more: Mapping[str, Any] | None = None) -> float:
            here = {**values, **self._named(states[node]), **(more or {}), self.depth: nodes[node]}
            return float(evaluate(substitute(stated, pieces[max(node - 1, 0)]), here))

        found = [float(states[-1][-1]), cost(self._terminal, len(nodes) - 1)]
        for depth, i, j in self._observed(values):
            data = {name.name: values[name.name][j] for name in self.problem.objective.observations[i].data}
            if not any(np.isnan(datum).any() for datum in data.values()):
                found.append(cost(self._costs[i], int(np.argmin(np.abs(np.array(nodes) - depth))), data))
        return found

    def nodes(self, values: Mapping[str, Any]) -> list[float]:
        """s0, the observed depths and switches inside the domain, and S; those that rounding alone keeps apart once."""
        start, end = (float(evaluate(depth, values)) for depth in self.problem.model.domain)
        low, high = min(start, end), max(start, end)
        close, found = APART * (high - low), [start]
        inside = [*(depth for depth, _, _ in self._observed(values)), *self._switches(values, start, end)]
        for depth in sorted(inside, reverse=end < start):
            if low + close < depth < high - close and abs(depth - found[-1]) > close:
                found.append(depth)
        return [*found, end]

    # ------------------------------------------------------------ the statement, written out

    @property
    def depth(self) -> str:
        return self.problem.model.depth.name

    def _written(self, expression: Any) -> Any:
        written = substitute(expression, dict(self.problem.model.functions))
        return written.xreplace({symbol: sp.Integer(size) for symbol, size in self.sizes.items()})

    @cached_property
    def _slopes(self) -> tuple[Any, ...]:
        """The fields, and the running cost behind them."""
        return tuple(map(self._written, (*(f for _, f in self.problem.model.field), self.problem.objective.running)))

    @cached_property
    def _initial(self) -> tuple[Any, ...]:
        return tuple(self._written(h) for _, h in self.problem.model.initial)

    @cached_property
    def _terminal(self) -> Any:
        return self._written(self.problem.objective.terminal)

    @cached_property
    def _costs(self) -> tuple[Any, ...]:
        return tuple(self._written(one.cost) for one in self.problem.objective.observations)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {state.name: tuple(int(n) for n in shape_of(self._written(state))) for state in self.problem.model.states}

    @property
    def kinks(self) -> bool:
        """Whether the slopes have kinks along a path that no end of a segment need meet: all but conditions on depth alone."""
        moving = {self.problem.model.depth, *self.problem.model.states}
        found = {node for node in walk(self._slopes) if isinstance(node, (Relational, *KINKS)) and leaves(node) & moving}
        return any(not isinstance(node, Relational) or node not in self._gaps for node in found)

    @cached_property
    def _gaps(self) -> dict[Any, Any]:
        """The stated conditions and kinks that depend on the depth alone, with what vanishes where they switch."""
        model = self.problem.model
        stated = walk((*self._slopes, *self._initial, self._terminal, *self._costs))
        found = {node: cast(Any, node.args) for node in stated if isinstance(node, (Relational, *KINKS))}
        alone = {node for node in found if model.depth in leaves(node) and leaves(node) <= {model.depth, *model.names}}
        return {node: sides[0] - sides[1] if len(sides) > 1 else sides[0] for node, sides in found.items() if node in alone}

    # ------------------------------------------------------------ nodes and pieces

    def _observed(self, values: Mapping[str, Any]) -> list[tuple[float, int, int]]:
        """(depth, number of the observation, place among its depths)."""
        stated = self.problem.objective.observations
        return [(float(evaluate(at, values)), i, j) for i, one in enumerate(stated) for j, at in enumerate(one.at)]

    def _switches(self, values: Mapping[str, Any], start: float, end: float) -> Iterator[float]:
        """Where the stated conditions on depth change sides, kinks whose depth can be read off, and the break points given by hand."""
        yield from (float(evaluate(depth, values)) for depth in self.problem.model.breakpoints)
        grid = np.linspace(start, end, SCAN)
        for node in self._gaps:
            if self._splits(node, values):
                yield from _roots(self._height(node, values), grid)

    def _height(self, node: Any, values: Mapping[str, Any]) -> Callable[[float], float]:
        gap, depth = evaluator(self._gaps[node]), self.depth
        return lambda s: float(gap({**values, depth: s}))

    def _splits(self, node: Any, values: Mapping[str, Any]) -> bool:
        """Whether the domain is split where a node switches: at conditions, and at kinks of a straight line in depth."""
        height = self._height(node, values)
        first, middle, last = (height(s) for s in (0.0, 0.5, 1.0))
        straight = abs(first - 2 * middle + last) <= APART * max(abs(first), abs(middle), abs(last))
        return isinstance(node, Relational) or straight

    def pieces(self, values: Mapping[str, Any], middle: float) -> Pieces:
        """What the conditions and kinks on depth are in a segment, decided in its middle."""
        return {node: self._piece(node, values, middle) for node in self._gaps if self._splits(node, values)}

    def _piece(self, node: Any, values: Mapping[str, Any], middle: float) -> Any:
        if isinstance(node, Relational):
            return sp.true if evaluate(node, {**values, self.depth: middle}) else sp.false
        above, below = KINKS[type(node)](*node.args)
        return above if self._height(node, values)(middle) > 0 else below

    # ------------------------------------------------------------ the path

    def _states(self, values: Mapping[str, Any], nodes: list[float], pieces: list[Pieces], sample: int) -> Iterator[Array]:
        """The state at each node, with the integral of the running cost behind it."""
        start = {**values, self.depth: nodes[0]}
        state = np.concatenate([*(np.ravel(evaluate(substitute(h, pieces[0]), start)) for h in self._initial), [0.0]])
        yield state
        for j, (a, b) in enumerate(pairwise(nodes)):
            state = self._carried(j, self.right_side(values, pieces[j]), a, b, state, sample)
            yield state

    def _carried(self, j: int, slopes: Slopes, a: float, b: float, state: Array, sample: int) -> Array:
        try:
            return state if a == b else self.march(sample, j, slopes, a, b, state)
        except SolveError as error:
            raise SolveError(f"{self.problem.name!r}: {error}", depth=error.depth, sample=sample) from error

    def right_side(self, values: Mapping[str, Any], pieces: Pieces) -> Slopes:
        """The field of one sample in a segment, the running cost behind it."""
        stated, depth = [evaluator(substitute(f, pieces)) for f in self._slopes], self.depth

        def slopes(s: float, y: Array) -> Array:
            here = {**values, **self._named(y), depth: s}
            return np.concatenate([np.ravel(slope(here)) for slope in stated])

        return slopes

    def _named(self, y: Array) -> dict[str, Array]:
        return {name: y[place].reshape(shape) if shape else y[place] for name, place, shape in self._places}

    @cached_property
    def _places(self) -> list[tuple[str, int | slice, tuple[int, ...]]]:
        """Where each state lies in the vector, and its shape."""
        found, start = [], 0
        for name, shape in self._shapes.items():
            size = int(np.prod(shape))
            found.append((name, slice(start, start + size) if shape else start, shape))
            start += size
        return found


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


def equal_steps(problem: Problem, bound: Bound, method: str, steps: int) -> EqualSteps:
    """The steps that `steps` equal ones over the domain of each sample amount to, segment by segment."""
    statement = Statement(problem, sizes=bound.sizes)
    return EqualSteps(method, tuple(counts(statement.nodes(one), steps) for one in samples(bound)))


def same_steps(problem: Problem) -> March:
    """Steps for losses that are subtracted: the same for all, or SciPy's own where a path may meet kinks."""
    return SCIPY if Statement(problem).kinks else SameSteps()


def value(problem: Problem, bound: Bound, march: March = SCIPY) -> float:
    """The reduced loss."""
    return float(np.sum(terms(problem, bound, march)))


def terms(problem: Problem, bound: Bound, march: March = SCIPY) -> Array:
    """The terms of the reduced loss, sample by sample: those that do not move leave no rounding in differences."""
    statement, each = Statement(problem, march, bound.sizes), samples(bound)
    found = np.array([term for sample, one in enumerate(each) for term in statement.losses(one, sample)])
    return found / len(each) if problem.reduction == "mean" else found


def directional(problem: Problem, bound: Bound, direction: Mapping[str, Array], march: March | None = None) -> float:
    """The derivative of the reduced loss along a direction, by extrapolated central differences."""
    march = march or same_steps(problem)

    def central(size: float) -> float:
        ends = [terms(problem, _moved(bound, direction, sign * size), march) for sign in (1, -1)]
        return float(np.sum(ends[0] - ends[1])) / (2 * size)

    coarse, fine = central(STEP), central(STEP / 2)
    return (4 * fine - coarse) / 3


def one_sided(problem: Problem, bound: Bound, direction: Mapping[str, Array], march: March | None = None) -> float:
    """The derivative of the reduced loss along a direction where it has another one the other way, by forward differences of order 6."""
    march = march or same_steps(problem)
    found = [terms(problem, _moved(bound, direction, k * STRIDE), march) for k in range(len(FORWARD))]
    return float(np.sum(np.array(FORWARD) @ (found - found[0]))) / STRIDE


def curvature(problem: Problem, bound: Bound, along: Mapping[str, Array], beside: Mapping[str, Array], march: March | None = None) -> float:
    """The second derivative of the reduced loss along two directions, by mixed differences at three sizes that are extrapolated twice."""
    march = march or same_steps(problem)

    def moved(first: float, second: float) -> Array:
        return terms(problem, _moved(_moved(bound, along, first), beside, second), march)

    def mixed(size: float) -> float:
        corners = [sign * other * moved(sign * size, other * size) for sign in (1, -1) for other in (1, -1)]
        return float(np.sum(np.sum(corners, axis=0))) / (4 * size**2)

    rough = [mixed(BEND / 2**i) for i in range(3)]
    finer = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(rough)]
    return (16 * finer[1] - finer[0]) / 15


def _moved(bound: Bound, direction: Mapping[str, Array], size: float) -> Bound:
    arrays = {name: array + size * direction.get(name, np.zeros(array.shape)) for name, array in bound.arrays.items()}
    return Bound(**{**vars(bound), "arrays": arrays})

"""What the costs and the steps send back to states, depths and values."""

from typing import Any

from odeanalysis.generation.runtime.forward import _chosen, _flags, _Solved
from odeanalysis.generation.runtime.stated import (
    COSTS,
    INPUTS,
    MEETS,
    MOVES,
    OBSERVATIONS,
    PARAMETERS,
    RUNNING,
    STATES,
    initial_vjp,
    marks_vjp,
    terminal,
    terminal_vjp,
)
from odeanalysis.generation.runtime.steps import States, _Step, _transposed
from odeanalysis.generation.runtime.values import _like
from odeanalysis.generation.runtime.words import (
    Array,
    _is_missing,
    _numbers,
    _spread,
    _zeros,
)


def _differentiated(solved: _Solved, method: Any, weight: float) -> tuple[Array, Any]:
    """The loss, and gradients: of parameters [...], of inputs and data [batch, ...]."""
    back = _Back(solved, weight)
    loss = back.terminal() + sum(map(back.observation, range(len(OBSERVATIONS))))
    bar = back.at[-1]
    for step in reversed(solved.steps):
        found = _transposed(method, step, solved.bound.names, bar)
        bar = back.through(step, *found)
    back.initial(bar)
    return loss, back.gradients()


class _Back:
    """What the costs and the steps send back.

    at: to states at each node.  nodes: to depths, by sample.  names, data: to values.
    """

    def __init__(self, solved: _Solved, weight: float):
        self.solved, self.bound, self.paths = solved, solved.bound, solved.paths
        self.like, self.weight = _like(solved.bound), weight
        self.at = [tuple(0.0 * y for y in states) for states in solved.at]
        self.nodes = [[0.0] * len(path.nodes) for path in solved.paths]
        self.names = [0.0 * name for name in solved.bound.names]
        self.data = {
            name: _zeros(tuple(d.shape), d) for name, d in solved.bound.data.items()
        }

    def gradients(self) -> dict[str, Array]:
        names = zip((*PARAMETERS, *INPUTS), self.names)
        return {**dict(names), **self.data}

    def weights(self, count: int) -> Array:
        return _numbers([self.weight] * count, self.like)

    def terminal(self) -> Array:
        """The terminal cost, and the integral of the running cost."""
        last = len(self.paths[0].nodes) - 1
        states, every = self.solved.at[last], list(range(self.bound.batch))
        place = self.place(every, [last] * len(every))
        bar = self.weights(len(every))
        self.take(terminal_vjp(*place, bar), every, last)
        cost = _spread(terminal(*place)[0], (len(every),), self.like)
        if RUNNING:
            self.at[last] = (*self.at[last][:-1], self.at[last][-1] + bar)
            cost = cost + states[-1]
        return self.weight * cost.sum()

    def place(self, rows: list[int], nodes: list[int]) -> tuple[Array, ...]:
        """Depth, states, names, flags of some samples at a node: on the side of s0."""
        paths = [self.paths[b] for b in rows]
        depth = _numbers([path.nodes[j] for path, j in zip(paths, nodes)], self.like)
        flags = _flags(paths, [max(j - 1, 0) for j in nodes], self.like)
        states = self.solved.at[nodes[0]][: len(STATES)]
        return (depth, *(y[rows] for y in states), *self.named(rows), *flags)

    def named(self, rows: list[int]) -> list[Array]:
        names = enumerate(self.bound.names)
        return [name if i < len(PARAMETERS) else name[rows] for i, name in names]

    def take(self, found: Any, rows: list[int], node: int) -> None:
        """Adds cotangents of depth, states, names to those of samples at a node."""
        lead, found = (found[0], found[1:]) if MOVES else (0.0, found)
        if MOVES:
            self.move(rows, [node] * len(rows), lead)
        count = len(STATES)
        for total, part in zip(self.at[node], found[:count]):
            total[rows] += _spread(part, (len(rows), *total.shape[1:]), total)
        self.name(found[count : count + len(self.names)], rows)

    def name(self, found: Any, rows: list[int]) -> None:
        for i, part in enumerate(found):
            total = self.names[i]
            if i < len(PARAMETERS):
                self.names[i] = total + part
            else:
                total[rows] += _spread(part, (len(rows), *total.shape[1:]), total)

    def move(self, rows: list[int], nodes: list[int], found: Any) -> None:
        each = _spread(found, (len(rows),), self.like).tolist()
        for b, j, part in zip(rows, nodes, each):
            self.nodes[b][j] += part

    def observation(self, i: int) -> Any:
        """The costs at the depths of one observation, without missing data."""
        total: Any = 0.0
        cost, cost_vjp = COSTS[i]
        names = list(OBSERVATIONS[i]["data"])
        for column, mark in enumerate(OBSERVATIONS[i]["marks"]):
            for node, rows in self.groups(mark, names, column):
                seen = [self.bound.data[name][rows, column] for name in names]
                place = (*self.place(rows, [node] * len(rows)), *seen)
                each = _spread(cost(*place)[0], (len(rows),), self.like)
                total = total + self.weight * each.sum()
                found = cost_vjp(*place, self.weights(len(rows)))
                self.take(found, rows, node)
                for name, part in zip(names, found[len(found) - len(names) :]):
                    shape = (len(rows), *self.data[name].shape[2:])
                    self.data[name][rows, column] += _spread(part, shape, self.like)
        return total

    def groups(self, mark: int, names: list[str], column: int) -> Any:
        """The samples that have seen something at a mark, by the node that it is."""
        found: dict[int, list[int]] = {}
        for b, path in enumerate(self.paths):
            data = (self.bound.data[name][b, column] for name in names)
            if not any(_is_missing(one).any() for one in data):
                found.setdefault(path.place[mark], []).append(b)
        return found.items()

    def through(
        self, step: _Step, bar: States, depth: Any, size: Any, names: Any
    ) -> States:
        """Takes in a step's cotangents; gives those before it, with the costs there."""
        rows = [b for b, taken in enumerate(step.taken) if taken]
        if MOVES:
            self.to_nodes(step, depth, size)
        every = list(range(self.bound.batch))
        self.name(names, every)
        for j in {step.segment[b] for b in rows}:
            opens = [
                step.segment[b] == j and step.start[b] == 0 and b in rows for b in every
            ]
            zeros = tuple(0.0 * y for y in bar)
            bar = tuple(y + z for y, z in zip(bar, _chosen(opens, self.at[j], zeros)))
        return bar

    def to_nodes(self, step: _Step, depth: Any, size: Any) -> None:
        """s = a + t (b - a), h = r (b - a): to the ends a and b of each segment."""
        batch = self.bound.batch
        each = [_spread(one, (batch,), self.like).tolist() for one in (depth, size)]
        rows = zip(*each, step.segment, step.start, step.part, step.taken)
        for b, (of_depth, of_size, j, t, r, taken) in enumerate(rows):
            if taken:
                self.nodes[b][j] += of_depth * (1 - t) - of_size * r
                self.nodes[b][j + 1] += of_depth * t + of_size * r

    def initial(self, bar: States) -> None:
        """a(s0)^T dh, and the depths of the nodes as functions of the values."""
        every = list(range(self.bound.batch))
        start, first = (
            _numbers([path.nodes[0] for path in self.paths], self.like),
            [0] * len(every),
        )
        flags = _flags(self.paths, first, self.like)
        found = initial_vjp(start, *self.bound.names, *flags, *bar[: len(STATES)])
        lead, found = (found[0], found[1:]) if MOVES else (0.0, found)
        self.name(found, every)
        if MOVES:
            self.move(every, first, lead)
            met = [self.met(mark) for mark in MEETS]
            self.name(marks_vjp(*self.bound.names, *met, *self.to_marks()), every)

    def met(self, mark: int) -> Array:
        """Whether each path meets a mark: 1, else 0."""
        found = [1.0 if mark in path.source else 0.0 for path in self.paths]
        return _numbers(found, self.like)

    def to_marks(self) -> list[Array]:
        """Cotangents of the marks, from those of the nodes that come from them."""
        count = len(self.paths[0].place)
        table = [[0.0] * count for _ in self.paths]
        for row, path, nodes in zip(table, self.paths, self.nodes):
            for mark, part in zip(path.source, nodes):
                row[mark] += part
        return [_numbers(list(column), self.like) for column in zip(*table)]

"""The solution: steps until every sample has come to its end."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

from odeanalysis.generation.runtime.path import _Path, _paths
from odeanalysis.generation.runtime.stated import RUNNING, STATES, initial
from odeanalysis.generation.runtime.steps import (
    FLOOR,
    States,
    _advanced,
    _column,
    _Controlled,
    _Given,
    _norms,
    _slopes,
    _Step,
)
from odeanalysis.generation.runtime.values import SolveError, _Bound, _like
from odeanalysis.generation.runtime.words import (
    Array,
    _larger,
    _numbers,
    _picked,
    _spread,
    _zeros,
)


class _Solved(NamedTuple):
    """bound, paths: what was solved.  steps: those taken.  at: states at each node."""

    bound: _Bound
    paths: list[_Path]
    steps: list[_Step]
    at: list[States]


def _solved(
    bound: _Bound, method: dict[str, Any], how: tuple[Any, float, float]
) -> _Solved:
    """Steps until every sample has come to its end."""
    count, tolerance = how[0], how[1:]
    paths = _paths(bound)
    states = _initial(bound, paths)
    if count is None:
        sizes = _first_sizes(bound, paths, states, tolerance, method["order"])
        pairs = zip(paths, sizes)
        pilots: list[Any] = [
            _Controlled(p, h, method["estimate"] + 1) for p, h in pairs
        ]
    else:
        pilots = [_Given(path, count) for path in paths]
    found = _Solved(bound, paths, [], [states] * len(paths[0].nodes))
    while any(pilot.live for pilot in pilots):
        step = _step(paths, pilots, states)
        after, error = _advanced(method, step, bound.names)
        norms = (
            _norms(error, step, after, tolerance)
            if count is None
            else [0.0] * bound.batch
        )
        closes = [pilot.closes for pilot in pilots]
        step = _accepted(step, [p.learn(norm) for p, norm in zip(pilots, norms)])
        states = _noted(found, step, closes, states, after)
        for sample, pilot in enumerate(pilots):
            pilot.choose()
            if count is None:
                pilot.check(sample)
    return found


def _initial(bound: _Bound, paths: list[_Path]) -> States:
    like = _like(bound)
    depth = _numbers([path.nodes[0] for path in paths], like)
    found = initial(depth, *bound.names, *_flags(paths, [0] * len(paths), like))
    shapes = ((bound.batch, *shape) for shape in STATES.values())
    states = tuple(_spread(one, shape, like) for one, shape in zip(found, shapes))
    for name, state in zip(STATES, states):
        if not (abs(state) < math.inf).all():
            raise SolveError(f"the initial value of {name} is not finite")
    return (*states, _zeros((bound.batch,), like)) if RUNNING else states


def _flags(paths: list[_Path], segments: list[int], like: Any) -> tuple[Array, ...]:
    """What holds in a segment of each sample, a flag at a time."""
    rows = [path.flags[segment] for path, segment in zip(paths, segments)]
    return tuple(_numbers(list(column), like) for column in zip(*rows))


def _step(paths: list[_Path], pilots: list[Any], states: States) -> _Step:
    """The steps that the samples wish for."""
    depth, size = [], []
    for path, pilot in zip(paths, pilots):
        a, b = path.nodes[pilot.segment : pilot.segment + 2]
        depth.append(a + pilot.start * (b - a))
        size.append(pilot.part * (b - a))
    like, segment = states[0], [pilot.segment for pilot in pilots]
    start, part = [p.start for p in pilots], [p.part for p in pilots]
    flags = _flags(paths, segment, like)
    numbers = _numbers(depth, like), _numbers(size, like)
    return _Step(*numbers, flags, states, segment, start, part, [True] * len(paths))


def _accepted(step: _Step, taken: list[bool]) -> _Step:
    """The step with a size of 0 for those who do not take it."""
    size = _picked(taken, step.size, 0.0 * step.size)
    part = [p if yes else 0.0 for p, yes in zip(step.part, taken)]
    return step._replace(size=size, part=part, taken=taken)


def _noted(
    found: _Solved, step: _Step, closes: list[bool], states: States, after: States
) -> States:
    """Writes a step down; gives the states to go on from: who has finished waits."""
    if not any(step.taken):
        return states
    last = len(found.paths[0].nodes) - 2
    ends = [
        yes and c and j == last for yes, c, j in zip(step.taken, closes, step.segment)
    ]
    found.steps.append(step)
    for j in {j for j, yes in zip(step.segment, step.taken) if yes}:
        opens = [
            k == j and t == 0 and y
            for k, t, y in zip(step.segment, step.start, step.taken)
        ]
        found.at[j] = _chosen(opens, states, found.at[j])
    moves = [h != 0 for h in step.size.tolist()]
    reached = _chosen(moves, after, states)
    found.at[last + 1] = _chosen(ends, reached, found.at[last + 1])
    return _chosen([m and not e for m, e in zip(moves, ends)], reached, states)


def _chosen(rows: list[bool], new: States, old: States) -> States:
    return tuple(_picked(rows, one, other) for one, other in zip(new, old))


def _first_sizes(
    bound: _Bound, paths: list[_Path], states: States, tolerance: Any, order: int
) -> list[float]:
    """First steps that move the state by about one percent.

    Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.4.
    """
    segment = [_first_with_length(path) for path in paths]
    a = [path.nodes[j] for path, j in zip(paths, segment)]
    lengths = [path.nodes[j + 1] - path.nodes[j] for path, j in zip(paths, segment)]
    like = states[0]
    depth, flags = _numbers(a, like), _flags(paths, segment, like)
    slopes = _slopes(depth, states, bound.names, flags)
    scaled = _scaled(states, states, tolerance), _scaled(slopes, states, tolerance)
    guesses = []
    for size, slope, length in zip(*scaled, lengths):
        if length and not slope < math.inf:
            raise SolveError("the field is not finite where the solution starts")
        small = size < 1e-5 or slope < 1e-5
        guesses.append(min(1e-6 if small else 0.01 * size / slope, abs(length)))
    ahead = _numbers([math.copysign(g, h) for g, h in zip(guesses, lengths)], like)
    moved = tuple(y + _column(ahead, y) * k for y, k in zip(states, slopes))
    later = _slopes(depth + ahead, moved, bound.names, flags)
    change = _scaled(tuple(k1 - k for k1, k in zip(later, slopes)), states, tolerance)
    parts = zip(a, lengths, guesses, scaled[1], change)
    return [_first_size(*part, order) for part in parts]


def _first_with_length(path: _Path) -> int:
    pairs = pairwise(path.nodes)
    return next((j for j, (a, b) in enumerate(pairs) if a != b), 0)


def _scaled(values: States, states: States, tolerance: Any) -> list[float]:
    """The root mean square of values over rtol |y| + atol, for each sample."""
    rtol, atol = tolerance
    total, count = 0.0, 0
    for value, state in zip(values, states):
        part = value / _larger(atol + rtol * abs(state), FLOOR)
        total = total + (part**2).reshape(part.shape[0], -1).sum(1)
        count += math.prod(part.shape[1:])
    return ((total / count) ** 0.5).tolist()


def _first_size(
    depth: float, length: float, guess: float, slope: float, change: float, order: int
) -> float:
    bend = change / (guess or 1.0) if change < math.inf else math.inf
    largest = max(slope, bend)
    least = 1e-3 * guess
    curved = (0.01 / largest) ** (1 / (order + 1)) if largest > 1e-15 else 1e-6
    size = max(min(100 * guess, max(curved, least)), 100 * math.ulp(abs(depth)))
    return min(size, abs(length))

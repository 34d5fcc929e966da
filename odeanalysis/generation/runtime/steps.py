"""Steps of a method, their exact transposes, and how long steps are."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

from odeanalysis.generation.runtime.path import _Path
from odeanalysis.generation.runtime.stated import (
    MOVES,
    STATES,
    field,
    hamiltonian_gradient,
)
from odeanalysis.generation.runtime.values import SolveError
from odeanalysis.generation.runtime.words import Array, _larger, _spread

FLOOR = 1e-300
MOST = 100_000  # steps that a sample may try

States = tuple[Array, ...]


class _Step(NamedTuple):
    """One step of every sample, in lockstep; a size of 0 changes nothing.

    depth, size: [batch].  flags: [batch] each.  states: [batch, ...], at its start.
    segment, start, part: for each sample, the last two as fractions of the segment.
    taken: which samples take it.
    """

    depth: Array
    size: Array
    flags: tuple[Array, ...]
    states: States
    segment: list[int]
    start: list[float]
    part: list[float]
    taken: list[bool]


def _column(each: Array, like: Array) -> Array:
    """A number for each sample, to scale an array [batch, ...]."""
    return each.reshape(-1, *(1,) * (like.ndim - 1))


def _slopes(depth: Array, states: States, names: States, flags: States) -> States:
    """The field, and the running cost where there is one, for each sample."""
    found = field(depth, *states[: len(STATES)], *names, *flags)
    return tuple(_spread(one, tuple(y.shape), y) for one, y in zip(found, states))


def _sum(weights: tuple[float, ...], slopes: list[States], i: int) -> Any:
    return sum(weight * slope[i] for weight, slope in zip(weights, slopes) if weight)


def _moved(step: _Step, weights: tuple[float, ...], slopes: list[States]) -> States:
    """y + h sum_j w_j k_j"""
    pairs = enumerate(step.states)
    return tuple(y + _column(step.size, y) * _sum(weights, slopes, i) for i, y in pairs)


def _stages(method: dict[str, Any], step: _Step, names: States) -> tuple[list, list]:
    """Y_i = y + h sum_j a_ij k_j,   k_i = f(s + c_i h, Y_i)"""
    states, slopes = [], []
    for c, row in zip(method["c"], method["a"]):
        states.append(_moved(step, row, slopes))
        depth = step.depth + c * step.size
        slopes.append(_slopes(depth, states[-1], names, step.flags))
    return states, slopes


def _advanced(method: dict[str, Any], step: _Step, names: States) -> tuple[States, Any]:
    """y + h sum_i b_i k_i, and the estimate of its error where the method has one."""
    _, slopes = _stages(method, step, names)
    after = _moved(step, method["b"], slopes)
    if method["error"] is None:
        return after, None
    parts = (_sum(method["error"], slopes, i) for i in range(len(after)))
    return after, [_column(step.size, part) * part for part in parts]


def _transposed(method: dict[str, Any], step: _Step, names: States, bar: States) -> Any:
    """The exact adjoint of a step: cotangents after it -> before it, of s, h, names.

    K_i = h (b_i bar + sum_{j>i} a_ji dH_j/dz),  where dH_i = dH(s + c_i h, Y_i, K_i)
    """
    states, slopes = _stages(method, step, names)
    a, b, c = method["a"], method["b"], method["c"]
    back: list[States] = [()] * len(b)
    before, of_depth, of_size, of_names = bar, 0.0, 0.0, [0.0] * len(names)
    for i in reversed(range(len(b))):
        weights = (b[i], *(a[j][i] for j in range(i + 1, len(b))))
        parts = [bar, *back[i + 1 :]]
        total = [_sum(weights, parts, n) for n in range(len(bar))]
        seeds = _seeds(step.size, total, bar)
        depth = step.depth + c[i] * step.size
        found = hamiltonian_gradient(
            depth, *states[i][: len(STATES)], *names, *step.flags, *seeds
        )
        lead, found = (found[0], found[1:]) if MOVES else (0.0, found)
        back[i] = _through(found[: len(STATES)], bar)
        before = tuple(y + z for y, z in zip(before, back[i]))
        of_names = [x + y for x, y in zip(of_names, found[len(STATES) :])]
        if MOVES:
            of_depth = of_depth + lead
            of_size = of_size + c[i] * lead + _inner(total, slopes[i])
    return before, of_depth, of_size, of_names


def _seeds(size: Array, total: list[Any], like: States) -> list[Array]:
    """h times cotangents; 0 where no later stage uses this one."""
    return [_column(size, y) * (one + 0.0 * y) for one, y in zip(total, like)]


def _through(slopes: States, bar: States) -> States:
    """dH/dz for each sample; the running cost moves nothing."""
    zeros = tuple(0.0 * y for y in bar[len(slopes) :])
    return (*(_spread(z, tuple(y.shape), y) for z, y in zip(slopes, bar)), *zeros)


def _inner(total: list[Any], slopes: States) -> Any:
    """<sum_i, k>: how the state after a step moves with its size, [batch]."""
    return sum((x * k).reshape(k.shape[0], -1).sum(1) for x, k in zip(total, slopes))


# ---------------------------------------------------------------- step sizes


def _norms(
    error: Any, step: _Step, after: States, tolerance: tuple[float, float]
) -> list:
    """The root mean square of errors over rtol |y| + atol; NaN if y is not finite."""
    rtol, atol = tolerance
    total, count = 0.0, 0
    for e, y, y1 in zip(error, step.states, after):
        scale = _larger(atol + rtol * _larger(abs(y), abs(y1)), FLOOR)
        part = e / scale + 0.0 * y1  # 0 times what is not finite is NaN
        total = total + (part**2).reshape(part.shape[0], -1).sum(1)
        count += math.prod(part.shape[1:])
    norms = (total / count) ** 0.5
    return [norm if h else 0.0 for norm, h in zip(norms.tolist(), step.size.tolist())]


class _Given:
    """Equal steps: ceil(steps |segment| / |domain|) in each segment, at least 1."""

    def __init__(self, path: _Path, steps: int):
        lengths = [abs(b - a) for a, b in pairwise(path.nodes)]
        whole = sum(lengths) or 1.0
        self.counts = [max(1, math.ceil(steps * h / whole - 1e-9)) for h in lengths]
        self.segment, self.k, self.live = 0, 0, True
        self.choose()

    def choose(self) -> None:
        count = self.counts[self.segment]
        self.start = self.k / count
        self.part = (self.k + 1) / count - self.start if self.live else 0.0
        self.closes = self.k + 1 == count

    def learn(self, norm: float) -> bool:
        """Every step is taken; who has finished waits where the last began."""
        taken = self.live
        if self.closes and self.segment + 1 == len(self.counts):
            self.live = False
        elif self.closes:
            self.segment, self.k = self.segment + 1, 0
        else:
            self.k += 1
        return taken


class _Controlled:
    """Steps of one sample that keep the norm of their error at 1 or below.

    With k one more than the order of the estimate a step grows by
    0.9 norm^(-0.85/k) norm_before^(0.2/k), from 0.2 to 8 times; after a rejection it
    shrinks by 0.9 norm^(-1/k). Steps end at nodes; a rest of less than two is halved.
    """

    def __init__(self, path: _Path, size: float, k: int):
        self.nodes, self.size, self.k = path.nodes, size, k
        self.segment, self.start, self.live = 0, 0.0, True
        self.memory, self.growing, self.tried = 1.0, True, 0
        self.choose()

    @property
    def length(self) -> float:
        return abs(self.nodes[self.segment + 1] - self.nodes[self.segment])

    def choose(self) -> None:
        left = 1.0 - self.start
        self.wish = self.size / self.length if self.length else 1.0
        self.closes = left <= 1.01 * self.wish
        half = left / 2 if left < 2 * self.wish else self.wish
        self.part = (left if self.closes else half) if self.live else 0.0

    def learn(self, norm: float) -> bool:
        """Whether the step is taken; the next one follows from its error."""
        if not self.live:
            return False
        taken = norm <= 1
        tried = self.part * self.length
        if tried > 0:
            self.size = self._resized(norm, tried, taken)
            self.memory = max(norm, 1e-4) if taken else self.memory
            self.growing = taken
        self.tried += 1
        last = self.segment + 2 == len(self.nodes)
        if taken and self.closes and last:
            self.live = False
        elif taken and self.closes:
            self.segment, self.start = self.segment + 1, 0.0
        elif taken:
            self.start += self.part
        return taken

    def _resized(self, norm: float, tried: float, taken: bool) -> float:
        bounded = max(norm, FLOOR)
        if not taken:
            wish = 0.9 * bounded ** (-1 / self.k) if math.isfinite(norm) else 0.0
            return tried * min(max(wish, 0.2), 1.0)
        wish = 0.9 * bounded ** (-0.85 / self.k) * self.memory ** (0.2 / self.k)
        grown = min(max(wish, 0.2), 8.0)
        kept = self.size if self.part < self.wish else 0.0
        return max(kept, tried * (grown if self.growing else min(grown, 1.0)))

    def check(self, sample: int) -> None:
        """Raises SolveError where steps vanish, or are too many."""
        a, b = self.nodes[self.segment], self.nodes[self.segment + 1]
        depth = a + self.start * (b - a)
        ulp = math.ulp(abs(depth)) + math.ulp(self.start) * abs(b - a)
        begun = self.start > 0 or not self.growing
        where = f"at depth {depth:.6g} of sample {sample}"
        if self.live and self.length and begun and self.size < 10 * ulp:
            raise SolveError(f"steps vanish {where}: the solution grows without bound?")
        if self.live and self.tried >= MOST:
            raise SolveError(f"{MOST} steps did not suffice: stopped {where}")

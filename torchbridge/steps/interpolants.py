"""The path inside a step, read off what the step knows and, where that is not enough, parts of the step taken again."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from torchbridge.steps.stepper import Place, State, Stepper, Taken


@dataclass(frozen=True, eq=False)
class Around:
    """A step that has been taken, from a state at a place, and the slopes at its start where they are known."""

    stepper: Stepper
    place: Place
    state: State
    names: State
    taken: Taken
    known: State | None = None

    @cached_property
    def first(self) -> State:
        return self.known or self.stepper.slopes(self.place, self.state, self.names)

    @cached_property
    def last(self) -> State:
        """The slopes at the end."""
        return self.taken.last or self.slopes_at(1.0, self.taken.after)

    def part(self, share: Tensor | float) -> Taken:
        """The step with a share of its size."""
        return self.stepper.step(replace(self.place, step=share * self.place.step), self.state, self.names, self.first)

    def slopes_at(self, share: Tensor | float, state: State) -> State:
        there = replace(self.place, depth=self.place.depth + share * self.place.step)
        return self.stepper.slopes(there, state, self.names)


Path = Callable[[Tensor], State]
"""Shares of a step [n], in float64 -> states, each block [n, ...]; every operation is one that autograd follows."""
Interpolation = Callable[[Around, int], Path]
"""(step, at how many shares it is read) -> the path inside it."""


def chord(step: Around, count: int) -> Path:
    """z + x (z1 - z): the straight line, to order 1."""

    def path(shares: Tensor) -> State:
        pairs = zip(step.state, step.taken.after, strict=True)
        return tuple(y + _column(shares, y) * (after - y) for y, after in pairs)

    return path


@dataclass(frozen=True)
class Hermite:
    """The polynomial through states and slopes at shares x_i of a step, 0 and 1 among them: the error is O(h^(2m)) for m of them.

    With l_i Lagrange's polynomials, the i-th state has (1 - 2 (x - x_i) l_i'(x_i)) l_i^2, the i-th slope h (x - x_i) l_i^2.
    """

    points: tuple[float, ...] = (0.0, 1.0)

    def __call__(self, step: Around, count: int) -> Path:
        states, slopes = self._support(step)
        blocks = list(zip(zip(*states, strict=True), zip(*slopes, strict=True), strict=True))

        def path(shares: Tensor) -> State:
            values, tangents = self.weights(shares)
            return tuple(_combined(values, y) + _combined(tangents, k) * step.place.step for y, k in blocks)

        return path

    def weights(self, shares: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Of the states and of h times the slopes: m tensors [n] each."""
        values, tangents = [], []
        for i, x in enumerate(self.points):
            others = [y for j, y in enumerate(self.points) if j != i]
            square = _product([(shares - y) / (x - y) for y in others]).square()
            values.append((1 - 2 * (shares - x) * sum(1 / (x - y) for y in others)) * square)
            tangents.append((shares - x) * square)
        return values, tangents

    def evaluations(self, stepper: Stepper) -> int:
        """How often it evaluates the field, where the slopes at the start are known."""
        ends = not stepper.reuses
        return (len(self.points) - 2) * (stepper.stages - 1 + ends) + ends

    def _support(self, step: Around) -> tuple[Sequence[State], Sequence[State]]:
        inner = [(x, step.part(x)) for x in self.points[1:-1]]
        slopes = [taken.last or step.slopes_at(x, taken.after) for x, taken in inner]
        return [step.state, *(taken.after for _, taken in inner), step.taken.after], [step.first, *slopes, step.last]


def resteps(step: Around, count: int) -> Path:
    """For every share the step with that share of its size: to the order of the method."""

    def path(shares: Tensor) -> State:
        found = [step.part(share).after for share in shares.to(step.place.step).unbind()]
        return tuple(torch.stack(blocks) for blocks in zip(*found, strict=True))

    return path


def polynomial(order: int) -> Hermite:
    """The polynomial that is as good as a step of an order p, whose error is O(h^(p+1)): through (p + 2) // 2 points, 2 at least."""
    return Hermite(spread(max(2, (order + 2) // 2)))


def full_order(step: Around, count: int) -> Path:
    """As good as the step itself: that polynomial, or a step to each share, where that evaluates the field less often."""
    smooth = polynomial(step.stepper.order)
    dear = count * (step.stepper.stages - 1) >= smooth.evaluations(step.stepper)
    return smooth(step, count) if dear else resteps(step, count)


def spread(count: int) -> tuple[float, ...]:
    """`count` shares from 0 to 1, denser towards both."""
    return tuple((1 - math.cos(math.pi * i / (count - 1))) / 2 for i in range(count))


def _product(factors: Sequence[Tensor]) -> Tensor:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


def _column(shares: Tensor, block: Tensor) -> Tensor:
    """[n] beside a block: [n, 1, ...], in its dtype."""
    return shares.to(block).reshape(-1, *(1,) * block.ndim)


def _combined(weights: Sequence[Tensor], blocks: Sequence[Tensor]) -> Tensor:
    """sum_i w_i y_i for each of n shares: [n, ...]."""
    matrix = torch.stack([weight.to(blocks[0]) for weight in weights], 1)
    return torch.tensordot(matrix, torch.stack(list(blocks)), 1)

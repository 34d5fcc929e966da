"""Steps of a field that is any callable on tensors: the tableau, in order; its discrete adjoint by autograd, one step at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.tableaus import Tableau
from torchbridge.solvers.states import aligned
from torchbridge.steps.pullback import pullback
from torchbridge.steps.segments import inside
from torchbridge.steps.stepper import Back, Place, State, Taken
from torchbridge.steps.tableau_facts import OfTableau

Field = Callable[[Tensor, State], State]
"""(depth, state) -> slopes, block by block."""


@dataclass(frozen=True, eq=False)
class OfField(OfTableau):
    """A method on a callable.

    The names are the tensors that the field reads by itself (a module's parameters): their gradients are summed over the batch by autograd.
    """

    field: Field

    def slopes(self, place: Place, state: State, names: State) -> State:
        with inside(place.pieces):
            return self.field(place.depth, state)

    def of_rows(self, names: State, rows: Tensor) -> State:
        return names

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        with inside(place.pieces):
            return self._pull(place, state, names, bars)

    def _pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        with torch.enable_grad():
            start = tuple(block.detach().requires_grad_() for block in state)
            moving = [name for name in names if name.requires_grad]
            slopes = self.field(place.depth, start)
        seen = [(slope, bar) for slope, bar in zip(slopes, bars, strict=True) if slope.requires_grad]
        inputs = (*start, *moving)
        found = (
            torch.autograd.grad([k for k, _ in seen], inputs, [bar for _, bar in seen], allow_unused=True) if seen else [None] * len(inputs)
        )
        rest = iter(found[len(state) :])
        before = tuple(torch.zeros_like(y) if bar is None else bar for y, bar in zip(state, found, strict=False))
        return Back(before, tuple(next(rest) if name.requires_grad else None for name in names))


@dataclass(frozen=True, eq=False)
class OpaqueStepper(OfField):
    """An explicit method on a callable: k_i = f(s + c_i h, z + h sum_j a_ij k_j), z1 = z + h sum_i b_i k_i.

    Raises ModelError for a method that is not explicit.
    """

    def __post_init__(self) -> None:
        if not self.tableau.explicit:
            raise ModelError(
                f"method {self.tableau.name!r} is {self.tableau.kind} and needs a derived Jacobian, which an opaque field has not; "
                "take radau or kvaerno5, an explicit method (tsit5, dopri5), or state the field as a Model"
            )

    @cached_property
    def sums(self) -> "Sums":
        return sums(self.tableau)

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        with inside(place.pieces):
            return self._step(place, state, first)

    def _step(self, place: Place, state: State, first: State | None) -> Taken:
        after, slopes = self._moved(place, state, first)
        if self.reuses:
            slopes.append(self.field(place.depth + place.step, after))
        error = combined(place.step, self.sums.error, slopes) if self.sums.error else None
        return Taken(after, error, slopes[-1] if self.reuses else None)

    def _moved(self, place: Place, state: State, first: State | None = None) -> tuple[State, list[State]]:
        """The state after the step, and the slopes of which it is made."""
        slopes = [self.field(place.depth, state) if first is None else first]
        for share, terms in self.sums.stages:
            moved = advanced(state, place.step, terms, slopes)
            slopes.append(self.field(place.depth + share * place.step, moved))
        return advanced(state, place.step, self.sums.after, slopes), slopes

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        with inside(place.pieces):
            return pullback(lambda here, start: self._moved(here, start)[0], place, state, names, bars)[0]


Terms = list[tuple[int, float]]
"""(j, w_j) of sum_j w_j k_j, zeros left out."""


class Sums(NamedTuple):
    """The sums of slopes that a method forms.  stages: c_i and that of every stage behind the first, but for one that only the next step
    uses."""

    stages: list[tuple[float, Terms]]
    after: Terms
    error: Terms


@lru_cache
def sums(tableau: Tableau) -> Sums:
    """The sums of an explicit method."""
    numbers = tableau.floats
    stages = [(c, _terms(row)) for c, row in zip(numbers.c, numbers.a, strict=True)]
    return Sums(stages[1 : tableau.stages - tableau.fsal], _terms(numbers.b), _terms(numbers.b_error or ()))


def _terms(weights: Sequence[float]) -> Terms:
    return [(j, weight) for j, weight in enumerate(weights) if weight]


def combined(step: Tensor, terms: Terms, slopes: Sequence[State]) -> State:
    """h sum_j w_j k_j, block by block."""
    return tuple(aligned(step, block) * _weighted(terms, slopes, i) for i, block in enumerate(slopes[0]))


def advanced(state: State, step: Tensor, terms: Terms, slopes: Sequence[State]) -> State:
    """z + h sum_j w_j k_j, block by block."""
    if not terms:
        return state
    return tuple(y + aligned(step, y) * _weighted(terms, slopes, i) for i, y in enumerate(state))


def _weighted(terms: Terms, slopes: Sequence[State], i: int) -> Tensor:
    (first, weight), *others = terms
    total = weight * slopes[first][i]
    for j, weight in others:
        total = torch.add(total, slopes[j][i], alpha=weight)
    return total

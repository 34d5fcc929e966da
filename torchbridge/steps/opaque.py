"""Steps of a field that is any callable on tensors: the tableau, in order; its discrete adjoint by autograd, one step at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.solvers.states import aligned
from torchbridge.steps.pullback import pullback
from torchbridge.steps.segments import inside
from torchbridge.steps.stepper import Back, Place, State, Taken
from torchbridge.steps.tableau_facts import OfTableau

Field = Callable[[Tensor, State], State]
"""(depth, state) -> slopes, block by block."""


@dataclass(frozen=True, eq=False)
class OpaqueStepper(OfTableau):
    """An explicit method on a callable: k_i = f(s + c_i h, z + h sum_j a_ij k_j), z1 = z + h sum_i b_i k_i.

    The names are the tensors that the field reads by itself (a module's parameters): their gradients are summed over the batch by autograd.
    Raises ModelError for a method that is not explicit.
    """

    field: Field

    def __post_init__(self) -> None:
        if not self.tableau.explicit:
            raise ModelError(
                f"method {self.tableau.name!r} is {self.tableau.kind} and needs a derived Jacobian, which an opaque field has not; "
                "take an explicit method (tsit5, dopri5), or state the field as a Model"
            )

    def slopes(self, place: Place, state: State, names: State) -> State:
        with inside(place.pieces):
            return self.field(place.depth, state)

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        with inside(place.pieces):
            return self._step(place, state, first)

    def _step(self, place: Place, state: State, first: State | None) -> Taken:
        after, slopes = self._moved(place, state, first)
        if self.reuses:
            slopes.append(self.field(place.depth + place.step, after))
        weights = self.tableau.floats.b_error
        error = combined(place.step, weights, slopes) if weights else None
        return Taken(after, error, slopes[-1] if self.reuses else None)

    def _moved(self, place: Place, state: State, first: State | None = None) -> tuple[State, list[State]]:
        """The state after the step, and the slopes of which it is made."""
        numbers = self.tableau.floats
        slopes = [self.field(place.depth, state) if first is None else first]
        for i in range(1, self.stages - self.reuses):
            moved = advanced(state, place.step, numbers.a[i][:i], slopes)
            slopes.append(self.field(place.depth + numbers.c[i] * place.step, moved))
        return advanced(state, place.step, numbers.b, slopes), slopes

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        with inside(place.pieces):
            return pullback(lambda here, start: self._moved(here, start)[0], place, state, names, bars)[0]

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


def combined(step: Tensor, weights: Sequence[float], slopes: Sequence[State]) -> State:
    """h sum_j w_j k_j, block by block."""
    used = [(w, k) for w, k in zip(weights, slopes, strict=False) if w]
    return tuple(aligned(step, blocks[0]) * _weighted([w for w, _ in used], blocks) for blocks in zip(*(k for _, k in used), strict=True))


def advanced(state: State, step: Tensor, weights: Sequence[float], slopes: Sequence[State]) -> State:
    """z + h sum_j w_j k_j, block by block."""
    if not any(weights):
        return state
    return tuple(y + change for y, change in zip(state, combined(step, weights, slopes), strict=True))


def _weighted(weights: Sequence[float], blocks: Sequence[Tensor]) -> Tensor:
    total = weights[0] * blocks[0]
    for weight, block in zip(weights[1:], blocks[1:], strict=True):
        total = torch.add(total, block, alpha=weight)
    return total

"""Implicit steps of a field that is any callable on tensors: stages by Newton's method, Jacobian and discrete adjoint by autograd."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.steps.opaque import OfField
from torchbridge.steps.pullback import pullback
from torchbridge.steps.rows import Rows, rows_of
from torchbridge.steps.segments import inside
from torchbridge.steps.stages import ORDERS, Stages
from torchbridge.steps.stepper import Back, Place, State, Taken

OnRows = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class OpaqueImplicitStepper(OfField):
    """An implicit Runge-Kutta method on a callable; what a step keeps are its stages.

    batched: whether the first axis of all blocks is that of samples, which are then solved for one by one; else the state is one vector.
    Raises ModelError, at the first step, where a sample of a batch sees another, and for complex states.
    """

    batched: bool
    checked: list[bool] = field(default_factory=list, init=False, repr=False)

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        rows = self._rows(state)
        with inside(place.pieces):
            stages = self._stages(rows, place, state).solve()
            error = stages.error()
        kept = tuple(stages.found) if keep else ()
        return Taken(rows.split(stages.after), None if error is None else rows.split(error), None, kept, stages.evaluations)

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        rows = self._rows(state)

        def after(here: Place, start: State) -> State:
            return rows.split(self._stages(rows, here, start, 1).solve(kept).after)

        with inside(place.pieces):
            return pullback(after, place, state, names, bars)[0]

    def _rows(self, state: State) -> Rows:
        if any(block.is_complex() for block in state):
            raise ModelError(f"method {self.name!r} takes real states; give real and imaginary parts a block each, or take tsit5")
        return rows_of(state, [block.ndim - self.batched for block in state])

    def _stages(self, rows: Rows, place: Place, state: State, orders: int = ORDERS) -> Stages:
        def slope(depth: Tensor, x: Tensor) -> Tensor:
            return rows.packed(self.field(depth, rows.split(x)))

        def derivative(depth: Tensor, x: Tensor) -> Tensor:
            found = jacobian(slope, depth, x)
            if self.batched and not self.checked:
                self._check_apart(slope, depth, x, found)
            return found

        return Stages(self.tableau, self._filtered, slope, derivative, place.depth, place.step, rows.packed(state), orders)

    def _check_apart(self, slope: OnRows, depth: Tensor, x: Tensor, found: Tensor) -> None:
        """Once in a solve: the products of a covector with the Jacobians of the samples are that with the Jacobian of all."""
        self.checked.append(True)
        covector = torch.cos(torch.arange(x.numel(), dtype=x.dtype, device=x.device)).reshape(x.shape)
        whole = _pulled(slope, depth, x, covector)
        apart = torch.matmul(covector.unsqueeze(-2), found).squeeze(-2) - whole
        rounded = torch.finfo(x.dtype).eps ** 0.3  # 1e-2 in float32, whose products GPUs may round to 1e-3
        if bool(apart.norm() > rounded * whole.norm()):
            raise ModelError(
                f"the field lets a sample of the batch see another, as a batch norm does, and method {self.name!r} solves for each by "
                "itself; take an explicit method (tsit5, dopri5), or layers that do not"
            )


@torch.enable_grad()
def jacobian(slope: OnRows, depth: Tensor, x: Tensor) -> Tensor:
    """Of slopes [*B, n] in x [*B, n], row by row: [*B, n, n]. Samples do not see each other, so that one sum serves all of them."""
    start = x.detach().requires_grad_()
    found = slope(depth.detach(), start)
    if not found.requires_grad:
        return x.new_zeros((*x.shape, x.shape[-1]))
    rows = [
        torch.autograd.grad(found[..., i].sum(), start, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for i in range(x.shape[-1])
    ]
    return torch.stack(rows, -2)


@torch.enable_grad()
def _pulled(slope: OnRows, depth: Tensor, x: Tensor, covector: Tensor) -> Tensor:
    start = x.detach().requires_grad_()
    found = slope(depth.detach(), start)
    if not found.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(found, start, covector, allow_unused=True, materialize_grads=True)[0]

"""How large an error is beside what is allowed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.controller import FLOOR
from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.solvers.states import mean_square
from torchbridge.steps.stepper import State

Allowed = float | Sequence[float | Tensor]
"""A number for all blocks, or one entry for each: a number or a tensor that broadcasts against the block."""
Norm = Callable[[State], Tensor | float]
SMALL = 1e-37  # what a scale has at least where FLOOR is no number of the dtype


@dataclass(frozen=True, eq=False)
class Measure:
    """The norm of err / (atol + rtol max |y|); steps are accepted where it is not above 1.

    share: what part of that is used up.
    norm: of all blocks at once, for solves in which all samples share their steps; None: the root mean square of each sample's entries.
    """

    rtol: Allowed = 1e-8
    atol: Allowed = 1e-10
    norm: Norm | None = None
    share: float = 1.0

    def scale(self, *states: State) -> State:
        """atol + rtol max |y| of each entry, or a share of it."""
        blocks = list(zip(*states, strict=True))
        largest = [torch.stack([one.abs() for one in block]).amax(0) for block in blocks]
        allowed = zip(_each(self.rtol, len(blocks)), _each(self.atol, len(blocks)), largest, strict=True)
        return tuple((self.share * (atol + rtol * y)).clamp_min(FLOOR if y.dtype == torch.float64 else SMALL) for rtol, atol, y in allowed)

    def size(self, errors: State, scale: State, samples: int) -> Array:
        """The norm of errors over their scale: [S]."""
        return self.on_device(errors, scale, samples).double().cpu().numpy()

    def on_device(self, errors: State, scale: State, samples: int) -> Tensor:
        """The same as a tensor where the errors are."""
        scaled = tuple(error / allowed for error, allowed in zip(errors, scale, strict=True))
        if self.norm is None:
            return mean_square(scaled, samples).sqrt()
        return torch.as_tensor(self.norm(scaled)).reshape(1)


def _each(allowed: Allowed, blocks: int) -> Sequence[float | Tensor]:
    return allowed if isinstance(allowed, Sequence) else [allowed] * blocks

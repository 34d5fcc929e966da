"""Samples that fail while others go on."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.solvers.states import aligned
from torchbridge.steps.stepper import State


@dataclass(frozen=True, eq=False)
class Failed:
    """Which samples failed: flags [B], or [1] of all samples at once, on the device of the states, so that nothing has to wait for it.

    On the way back the first sample that did not fail stands in for every one that did: the cotangents of these are zero, and so are all
    products with them, since everything else is finite.  everyone: whether it is known that no sample is left.
    """

    flags: Tensor
    everyone: bool = False

    @cached_property
    def rows(self) -> Tensor | None:
        """The sample that is looked at in the place of each, [B]; None where all samples share their fate."""
        if len(self.flags) == 1:
            return None
        return torch.where(self.flags, self.flags.int().argmin(), torch.arange(len(self.flags), device=self.flags.device))

    def blanked(self, blocks: State, value: float) -> State:
        """Blocks [K+1, B, ...] with a value in the place of those of samples that failed."""
        return tuple(torch.where(aligned(self.flags, block[0]), value, block) for block in blocks)

    def stood_in(self, blocks: State, axis: int = 0) -> State:
        """Blocks with an axis of samples, in which others stand in for those that failed."""
        rows = self.rows
        return blocks if rows is None else tuple(block.index_select(axis, rows) for block in blocks)

    def unless_all(self, value: Tensor, other: Tensor) -> Tensor:
        """A value; the other one where no sample is left, so that nobody could stand in."""
        return torch.where(self.flags.all(), other, value)


def failed_of(flags: Array, like: Tensor) -> Failed | None:
    """Flags of the host, [S], where any is set."""
    return Failed(torch.as_tensor(flags, device=like.device), bool(flags.all())) if flags.any() else None

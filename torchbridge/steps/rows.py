"""The blocks of a state as one vector for each sample, flattened row by row, and back: what linear solves are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from torchbridge.steps.stepper import State


@dataclass(frozen=True)
class Rows:
    """batch: the axes that all blocks have before their own.  shapes: their own."""

    batch: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]

    def packed(self, blocks: Sequence[Tensor]) -> Tensor:
        """Blocks, perhaps without the axes of the batch, as [*batch, n]."""
        pairs = zip(blocks, self.shapes, strict=True)
        return torch.cat([block.expand((*self.batch, *shape)).reshape((*self.batch, prod(shape))) for block, shape in pairs], -1)

    def split(self, rows: Tensor) -> State:
        """[*batch, n] as blocks."""
        parts = rows.split([prod(shape) for shape in self.shapes], -1)
        return tuple(part.reshape((*self.batch, *shape)) for part, shape in zip(parts, self.shapes, strict=True))


def rows_of(state: State, ranks: Sequence[int]) -> Rows:
    """How a state is flattened whose blocks have these ranks behind the axes of the batch."""
    axes = state[0].ndim - ranks[0]
    return Rows(tuple(state[0].shape[:axes]), tuple(tuple(block.shape[axes:]) for block in state))

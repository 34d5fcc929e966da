"""Arithmetic on the blocks of a state, each [B, ...] or of its own shape."""

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.steps.stepper import State


def aligned(mask: Tensor, block: Tensor) -> Tensor:
    """[B] with new axes, so that it lines up with a block [B, ...]; one number stays one."""
    return mask if not mask.ndim else mask.reshape(mask.shape + (1,) * (block.ndim - mask.ndim))


def chosen(mask: Array, yes: State, no: State) -> State:
    """Sample by sample the one state or the other; one entry [1] decides for all."""
    if mask.all():
        return yes
    if not mask.any():
        return no
    flags = torch.as_tensor(mask, device=yes[0].device)
    return tuple(torch.where(aligned(flags, a), a, b) for a, b in zip(yes, no, strict=True))


def mean_square(state: State, samples: int) -> Tensor:
    """The mean of the squares over all entries of each sample, [S]; with one step size for all, over the whole batch: [1]."""
    rows = [_squares(block).reshape(samples, -1) for block in state]
    total = torch.stack([row.sum(1) for row in rows]).sum(0)
    return total / max(sum(row.shape[1] for row in rows), 1)


def finite(state: State, samples: int) -> Tensor:
    """Which samples have no entry that is not finite, [S]; with 1, whether that holds for all entries."""
    flags = [torch.isfinite(block) for block in state]
    rows = [flag.all()[None] if samples == 1 else flag.reshape(samples, -1).all(1) for flag in flags]
    return torch.stack(rows).all(0)


def _squares(block: Tensor) -> Tensor:
    return (block.abs() if block.is_complex() else block).square()


def depth_like(values: Tensor, block: Tensor) -> Tensor:
    """Depths or steps beside a block: on its device, in its dtype, or the real one of a complex block."""
    return values.to(block.device, block.dtype.to_real())

"""The Jacobian of a slope in the state, by vector-Jacobian products, sample by sample.

All take a state z [B, ...], and the slope that was computed from it, whose samples must not see each other (as they do in batch
normalisation that is training). They are differentiable where autograd records.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK = 64  # rows of a Jacobian that are computed at a time: more take more memory, fewer more calls


def pulled(z: Tensor, slope: Tensor, weights: Tensor, batched: bool = False) -> Tensor:
    """weights^T df/dz, in the shape of the state; for a batch of weights [c, ...] as many of them, [c, ...]."""
    if not slope.requires_grad:
        return torch.zeros_like(weights)
    recording = torch.is_grad_enabled()
    (found,) = torch.autograd.grad(
        slope, z, weights, retain_graph=True, create_graph=recording, allow_unused=True, is_grads_batched=batched
    )
    return torch.zeros_like(weights) if found is None else found


def rows(z: Tensor, slope: Tensor) -> Iterator[Tensor]:
    """The Jacobian of every sample, some rows at a time, [c, B, n], where a sample has n numbers: n vector-Jacobian products."""
    samples, size = len(slope), slope[0].numel()
    units = torch.eye(size, dtype=slope.dtype, device=slope.device)
    for chunk in units.split(CHUNK):
        weights = chunk[:, None].expand(-1, samples, -1).reshape(-1, *slope.shape)
        yield pulled(z, slope, weights, batched=True).reshape(-1, samples, size)


def divergence(z: Tensor, slope: Tensor) -> Tensor:
    """tr df/dz, [B]."""
    parts = [chunk.diagonal(i * CHUNK, 0, 2).sum(1) for i, chunk in enumerate(rows(z, slope))]
    return sum(parts[1:], parts[0])


def estimated_divergence(z: Tensor, slope: Tensor, noise: Tensor) -> Tensor:
    """eps^T df/dz eps, [B], by one vector-Jacobian product."""
    return per_sample(pulled(z, slope, noise) * noise)


def squared_norm(z: Tensor, slope: Tensor) -> Tensor:
    """|df/dz|_F^2, [B]."""
    parts = [chunk.square().sum((0, 2)) for chunk in rows(z, slope)]
    return sum(parts[1:], parts[0])


def estimated_squared_norm(z: Tensor, slope: Tensor, noise: Tensor) -> Tensor:
    """|eps^T df/dz|^2, [B], by one vector-Jacobian product."""
    return per_sample(pulled(z, slope, noise).square())


def per_sample(values: Tensor) -> Tensor:
    """The sum over all numbers of each sample."""
    return values.reshape(len(values), -1).sum(1)

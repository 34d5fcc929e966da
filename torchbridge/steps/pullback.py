"""The vector-Jacobian product of anything made of a step, by autograd on this step alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torchbridge.steps.stepper import Back, Place, State

Outputs = Callable[..., State]
"""(place, state, *others) -> tensors."""


def pullback(
    outputs: Outputs, place: Place, state: State, names: State, bars: State, others: Sequence[Tensor] = ()
) -> tuple[Back, tuple[Tensor | None, ...]]:
    """Cotangents of what is made of a step -> those of its place, state and names, and of others.

    Depth and step have one where the place's own require gradients; likewise names, which the function reads by itself, and others.
    """
    with torch.enable_grad():
        here = replace(place, depth=_leaf(place.depth, place.depth.requires_grad), step=_leaf(place.step, place.step.requires_grad))
        start = tuple(_leaf(block, True) for block in state)
        beside = tuple(_leaf(other, other.requires_grad) for other in others)
        found = outputs(here, start, *beside)
    inputs = (here.depth, here.step, *start, *names, *beside)
    flags = [one.requires_grad for one in inputs]
    moving = [one for one in inputs if one.requires_grad]
    gradients = iter(torch.autograd.grad(found, moving, bars, allow_unused=True))
    depth, step, *rest = (next(gradients) if flag else None for flag in flags)
    n, m = len(state), len(names)
    before = tuple(torch.zeros_like(y) if bar is None else bar for y, bar in zip(state, rest[:n], strict=True))
    return Back(before, tuple(rest[n : n + m]), depth, step), tuple(rest[n + m :])


def _leaf(value: Tensor, moves: bool) -> Tensor:
    return value.detach().requires_grad_(moves)

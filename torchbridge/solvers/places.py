"""Where recorded steps are taken: depths and steps as tensors that move with the nodes of their paths."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.solvers.states import depth_like
from torchbridge.steps.stepper import Place

AT_A_TIME = 256


def places(nodes: Tensor, pieces: Array, schedule: Schedule, like: Tensor) -> list[Place]:
    """One place for each step of a schedule.

    nodes: [S, K+1] in float64, S = 1 where all samples share their steps.  pieces: flags, [S, K, P].  like: gives dtype and device.
    """
    return list(in_turn(nodes, pieces, schedule, like))


def in_turn(nodes: Tensor, pieces: Array, schedule: Schedule, like: Tensor) -> Iterator[Place]:
    """The same, some at a time: a solve that ends early does not wait for those that it never comes to."""
    for first in range(0, len(schedule), AT_A_TIME):
        yield from _some(nodes, pieces, schedule, slice(first, first + AT_A_TIME), like)


def _some(nodes: Tensor, pieces: Array, schedule: Schedule, part: slice, like: Tensor) -> list[Place]:
    rows, segment = np.arange(len(nodes)), schedule.segment[part]
    a, b = nodes[rows, segment], nodes[rows, segment + 1]
    start, fraction = (torch.as_tensor(one[part], device=nodes.device) for one in (schedule.start, schedule.fraction))
    depth, step = (depth_like(a + start * (b - a), like), depth_like(fraction * (b - a), like))
    own = pieces[rows, segment]
    flags = _flags(depth_like(torch.as_tensor(own), like))
    return [Place(*parts) for parts in zip(_split(depth), _split(step), flags, own, strict=True)]


def place(depth: Array, step: Array, flags: Array, like: Tensor) -> Place:
    """A place from arrays of the host: depth and step [S], flags [S, P]."""
    s, h = (_own(depth_like(torch.as_tensor(part), like)) for part in (depth, step))
    return Place(s, h, tuple(_own(flag) for flag in depth_like(torch.as_tensor(flags), like).unbind(1)), flags)


def _own(values: Tensor) -> Tensor:
    """[S] as it is, [1] without its axis."""
    return values[0] if len(values) == 1 else values


def _split(values: Tensor) -> Sequence[Tensor]:
    """[N, S] -> N tensors [S], without an axis where S = 1."""
    return (values[:, 0] if values.shape[1] == 1 else values).unbind(0)


def _flags(values: Tensor) -> list[tuple[Tensor, ...]]:
    """[N, S, P] -> N tuples of P tensors."""
    if not values.shape[2]:
        return [()] * len(values)
    parts = [_split(values[:, :, i]) for i in range(values.shape[2])]
    return [tuple(part[k] for part in parts) for k in range(len(values))]

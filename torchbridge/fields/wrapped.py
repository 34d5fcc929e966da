"""What fields that are made of other fields share."""

from typing import Any

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.modules.callables import arity, beside


class Wrapped(nn.Module):
    """A field made of another one, f(z), f(s, z) or f(s, z, x): it is f(s, z) itself, and f(s, z, x) where the other takes data."""

    def __init__(self, field: Any):
        super().__init__()
        self.field = field
        self.arity = arity(field)
        self.takes_data = self.arity == 3

    def inner(self, s: Tensor, z: Tensor, x: Tensor | None) -> Tensor:
        """The field that is wrapped."""
        return self.field(*arguments(self.arity, s, z, x))


def arguments(count: int, s: Tensor, z: Tensor, x: Tensor | None) -> tuple[Tensor | None, ...]:
    """The last arguments that a field of some arity takes, with the depth as it stands beside states."""
    s = beside(s, z)
    return ((z,), (s, z), (s, z, x))[count - 1]


def joined(what: str, *parts: Tensor) -> Tensor:
    """Tensors [B, n, ...] joined along their features (channels). Raises ModelError where other sizes differ.  what: for the message."""
    first = parts[0]
    for other in parts[1:]:
        if first.ndim < 2 or other.ndim != first.ndim or _others(other) != _others(first):
            shapes = " and ".join(str(tuple(one.shape)) for one in parts)
            raise ModelError(f"{what} joins tensors of shapes {shapes}; give [B, n, ...] and [B, m, ...], alike but for the features")
    return torch.cat(parts, 1)


def _others(value: Tensor) -> tuple[int, ...]:
    return (*value.shape[:1], *value.shape[2:])

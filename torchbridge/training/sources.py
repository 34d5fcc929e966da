"""Where batches come from: each is a function of the seed, the epoch and its place in the epoch, so that any of them can be made again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.training.shares import WHOLE, Share

Tensors = Any
"""Tensors of one length: a tuple of them, or a dictionary."""

Draw = Callable[[int, np.random.Generator], Any]
"""(how many samples, random numbers) -> tensors or arrays of so many rows, in order or by name."""


class Source(Protocol):
    """The batches of any epoch, as the share of one process."""

    def __len__(self) -> int:
        """How many batches an epoch has."""
        ...

    def batch(self, epoch: int, place: int) -> Tensors:
        """The batch at a place of an epoch."""
        ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Batches of the rows of tensors.  seed: of the order, which is another one in every epoch; None keeps the rows in theirs.

    drop_last: whether the last batch is left out where it is shorter.
    """

    tensors: Tensors
    batch_size: int
    seed: int | None = None
    drop_last: bool = False
    share: Share = WHOLE

    @property
    def count(self) -> int:
        return length(self.tensors)

    def __len__(self) -> int:
        return self.count // self.batch_size if self.drop_last else -(-self.count // self.batch_size)

    def batch(self, epoch: int, place: int) -> Tensors:
        rows = self._order(epoch)[place * self.batch_size : (place + 1) * self.batch_size]
        return taken(self.tensors, self.share.of(rows))

    def _order(self, epoch: int) -> Tensor:
        if self.seed is None:
            return torch.arange(self.count)
        if epoch not in self._orders:
            self._orders.clear()
            self._orders[epoch] = torch.from_numpy(np.random.default_rng((self.seed, epoch)).permutation(self.count))
        return self._orders[epoch]

    @cached_property
    def _orders(self) -> dict[int, Tensor]:
        """That of the epoch which is under way."""
        return {}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Batches that are drawn afresh.  batches: how many make an epoch."""

    draw: Draw
    batch_size: int
    batches: int
    seed: int = 0
    share: Share = WHOLE

    def __len__(self) -> int:
        return self.batches

    def batch(self, epoch: int, place: int) -> Tensors:
        found = as_tensors(self.draw(self.batch_size, np.random.default_rng((self.seed, epoch, place))))
        if length(found) != self.batch_size:
            raise ModelError(
                f"draw gives {length(found)} samples, not the {self.batch_size} that were asked for; give as many as its argument says"
            )
        return taken(found, self.share.of(torch.arange(self.batch_size)))


def as_tensors(data: Any) -> Tensors:
    """Tensors of tensors or arrays, in order or by name; one alone is a tuple of one. NumPy's float64 becomes torch's default dtype."""
    if isinstance(data, Mapping):
        return {str(name): _tensor(one) for name, one in data.items()}
    if isinstance(data, Tensor | np.ndarray):
        return (_tensor(data),)
    if not isinstance(data, Sequence):
        raise ModelError(f"data are {type(data).__name__}; give tensors or arrays, as a tuple or by name")
    return tuple(map(_tensor, data))


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    found = torch.as_tensor(np.asarray(value))
    return found.to(torch.get_default_dtype()) if found.dtype == torch.float64 else found


def length(tensors: Tensors) -> int:
    """How many rows all tensors have. Raises ModelError where they have other numbers of them, or none."""
    parts = list(tensors.values() if isinstance(tensors, dict) else tensors)
    lengths = sorted({len(one) if one.ndim else 0 for one in parts})
    if len(lengths) != 1 or lengths[0] == 0:
        raise ModelError(
            f"data of {' and '.join(map(str, lengths)) or 'no'} samples; give tensors whose first axes have one length above 0"
        )
    return lengths[0]


def taken(tensors: Tensors, rows: Tensor) -> Tensors:
    """Some rows of all tensors."""
    if isinstance(tensors, dict):
        return {name: one[rows] for name, one in tensors.items()}
    return tuple(one[rows] for one in tensors)

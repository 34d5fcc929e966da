"""The depths at which fields may jump, asked of the modules that a field is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from torchbridge.modules.neural_ode import NeuralODE


@dataclass(frozen=True, eq=False)
class Breaks:
    """fixed: numbers, each once.  moving: tensors [] or [b] through which gradients flow."""

    fixed: tuple[float, ...] = ()
    moving: tuple[Tensor, ...] = ()

    def of_fixed(self, device: torch.device) -> Tensor:
        return torch.tensor(self.fixed, dtype=torch.float64, device=device)

    def of_moving(self, device: torch.device) -> Tensor:
        rows = [one.reshape(-1).to(device, torch.float64) for one in self.moving]
        return torch.cat(rows) if rows else self.of_fixed(device)[:0]


def breaks(given: Iterable[float | Tensor], parts: Iterable[Any]) -> Breaks:
    """The depths that are given, and those of all modules in parts that have a property `breakpoints`.

    Such a property gives numbers, or tensors where depths move. A neural ODE inside has depths of its own, which are left out.
    """
    found = [*given, *(one for part in parts if isinstance(part, nn.Module) for one in _stated(part))]
    moving = {id(one): one for one in found if isinstance(one, Tensor) and one.requires_grad}
    fixed = (number for one in found if id(one) not in moving for number in _numbers(one))
    return Breaks(tuple(dict.fromkeys(fixed)), tuple(moving.values()))


def _stated(module: nn.Module) -> Iterator[Any]:
    if isinstance(module, NeuralODE):
        return
    yield from getattr(module, "breakpoints", ())
    for child in module.children():
        yield from _stated(child)


def _numbers(depth: Any) -> list[float]:
    return depth.detach().double().reshape(-1).tolist() if isinstance(depth, Tensor) else [float(depth)]

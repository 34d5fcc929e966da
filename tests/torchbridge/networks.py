"""A network, stated and as modules with the same weights, for tests of fields: W2 tanh(W1 z + b1) + b2, and pairs of both to compare."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference

SAMPLES, SIZE, HIDDEN = 4, 2, 3
AGREED = 1e-10  # relative, of the same steps: their errors are roundings
RK4 = oda.Settings("rk4", steps=5)
LAYERS = {"0.weight": "W1", "0.bias": "b1", "2.weight": "W2", "2.bias": "b2"}

z, x, w = oda.block("z", SIZE), oda.block("x", SIZE), oda.block("w", SIZE)

M = TypeVar("M", bound=nn.Module)


class Pair(NamedTuple):
    """A value with its gradients by name."""

    value: float
    gradients: dict[str, np.ndarray]


def blocks(inputs: int = SIZE, outputs: int = SIZE) -> tuple[Any, Any, Any, Any]:
    """W1, b1, W2, b2."""
    return oda.block("W1", HIDDEN, inputs), oda.block("b1", HIDDEN), oda.block("W2", outputs, HIDDEN), oda.block("b2", outputs)


def stated(domain: Any = (0, 1), outputs: int = SIZE) -> oda.Model:
    """The network as the field of a model that starts at the data; it is made for a state of the length of z."""
    W1, b1, W2, b2 = parameters = blocks(SIZE, outputs)
    return oda.Model({z: W2 @ oda.tanh(W1 @ z + b1) + b2}, {z: x}, domain, list(parameters), [x], name="network")


def network(inputs: int = SIZE, outputs: int = SIZE) -> nn.Sequential:
    """The network as a module in float64; its weights are always the same."""
    torch.manual_seed(inputs + 10 * outputs)
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, outputs)).double()


def weights(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The parameters of a network inside a module by their stated names."""
    known = dict(module.named_parameters())
    return {name: known[prefix + key] for key, name in LAYERS.items() if prefix + key in known}


def shaken(module: M, scale: float = 0.3) -> M:
    """The module with every parameter moved at random, so that none is zero or like another."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for one in module.parameters():
            one += scale * torch.randn(one.shape, generator=generator, dtype=one.dtype)
    return module


def data(size: int = SIZE, seed: int = 3) -> Tensor:
    """Samples, [B, size], that want gradients."""
    return torch.randn(SAMPLES, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def along(size: int = SIZE) -> Tensor:
    """What a final state is multiplied with, so that its entries count differently."""
    return torch.linspace(0.5, 1.5, size, dtype=torch.float64)


def by_odeanalysis(problem: Any, values: Mapping[str, Tensor], settings: oda.Settings = RK4) -> Pair:
    """A problem by NumPy."""
    found = oda.evaluate(problem, {name: one.detach().numpy() for name, one in values.items()}, settings)
    return Pair(found.value, found.gradients)


def by_torch(value: Tensor, values: Mapping[str, Tensor]) -> Pair:
    """A value by a module, differentiated in the same values."""
    wanted = {name: one for name, one in values.items() if one.requires_grad}
    found = torch.autograd.grad(value, list(wanted.values()))
    return Pair(value.item(), {name: one.numpy() for name, one in zip(wanted, found, strict=True)})


def difference(found: Pair, known: Pair) -> float:
    """The largest relative difference of value and gradients."""
    gradients = {name: known.gradients[name] for name in found.gradients}
    return max(abs(found.value - known.value) / abs(known.value), relative_difference(found.gradients, gradients))


def summed(model: oda.Model, cost: Any = None, **objective: Any) -> oda.Problem:
    """The loss sum over the batch of w . z(S), w an input, or of another cost."""
    terminal = oda.dot(oda.block("w", *model.states[0].shape), model.states[0]) if cost is None else cost
    wide = model.with_(inputs=(*model.inputs, oda.block("w", *model.states[0].shape))) if cost is None else model
    return oda.Problem(wide, oda.Objective(terminal=terminal, **objective), reduction="sum")

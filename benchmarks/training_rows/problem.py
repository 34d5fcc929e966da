"""The network, its weights, its data, and its right gradient."""

from functools import cache

import numpy as np
import torch

import odeanalysis as oda
from torchbridge import solve

Weights = dict[str, np.ndarray]
SHAPES = {"W1": (64, 2), "b1": (64,), "W2": (64, 64), "b2": (64,), "W3": (2, 64), "b3": (2,)}
BATCH = 256


def weights(harmonics: int) -> Weights:
    """float32 weights; with harmonics, one set for each of the 2 harmonics + 1 functions, the first as without."""
    rng = np.random.default_rng(0)
    count = 2 * harmonics + 1
    drawn = {name: rng.uniform(-1, 1, (count, *shape)) / np.sqrt(shape[-1]) for name, shape in SHAPES.items()}
    found = {name: value if harmonics else value[0] for name, value in drawn.items()}
    return {name: (value / np.sqrt(count)).astype(np.float32) for name, value in found.items()}


def data() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).standard_normal((BATCH, 2)), dtype=torch.float32)


@cache
def stated(harmonics: int) -> oda.Problem:
    z, x = oda.block("z", 2), oda.block("x", 2)
    w = {name: oda.block(name, *shape) for name, shape in SHAPES.items()}
    hidden = oda.tanh(w["W2"] @ oda.tanh(w["W1"] @ z + w["b1"]) + w["b2"])
    model = oda.Model({z: w["W3"] @ hidden + w["b3"]}, {z: x}, (0, 1), tuple(w.values()), (x,))
    if harmonics:
        model = oda.galerkin(model, {name: oda.Fourier(2 * harmonics + 1, period=1) for name in SHAPES})
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(z)))


@cache
def reference(harmonics: int) -> Weights:
    """The gradient at tolerance 1e-10 in float64."""
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in weights(harmonics).items()}
    found = solve(stated(harmonics), {**tensors, "x": data().double()}, oda.Settings("tsit5", 1e-10, 1e-12))
    found.value.backward()
    return {name: np.asarray(one.grad) for name, one in tensors.items()}

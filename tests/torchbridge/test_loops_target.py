"""Solves whose steps are compiled loops: states and gradients as with torch's own text, and where that stands in for them."""

from functools import cache

import numpy as np
import pytest
import torch

import odeanalysis as oda
from odeanalysis.errors import TargetError
from odeanalysis.verification.independent.compare import relative_difference
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, Full, NeuralODE, StatedODE, solve
from torchbridge.callables import memory

z, x, k, W, b, s = oda.block("z", 3), oda.block("x", 3), oda.block("k"), oda.block("W", 3, 3), oda.block("b", 3), oda.depth
BATCH = 5


@cache
def problem() -> oda.Problem:
    """A network with a running cost and weights that vary with depth."""
    model = oda.Model({z: oda.tanh(W @ z + b * oda.sin(s)) - k * z}, {z: x}, (0, 1), (W, b, k), (x,))
    return oda.Problem(oda.galerkin(model, {"W": oda.Fourier(3, period=1)}), oda.Objective(oda.sumsq(z), oda.sumsq(z) / 10))


def values(dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(3)
    drawn = {"W": rng.normal(size=(3, 3, 3)) / 3, "b": rng.normal(size=3), "k": np.array(0.4), "x": rng.normal(size=(BATCH, 3))}
    return {name: torch.tensor(one, dtype=dtype, requires_grad=True) for name, one in drawn.items()}


def differentiated(target: str, settings: oda.Settings, plan=None, dtype: torch.dtype = torch.float64, **options):
    given = values(dtype)
    run = solve(problem(), given, settings, DiscreteAdjoint(plan or Full()), target=target, **options)
    found = torch.autograd.grad(run.value, list(given.values()))
    return run, {name: one.double().numpy() for name, one in zip(given, found, strict=True)}


@pytest.mark.parametrize("plan", [Full(), Full(stages=False), Checkpointed()], ids=["full", "stages again", "checkpointed"])
def test_steps_of_a_batch(plan):
    settings = oda.Settings("heun2", steps=7)
    (run, found), (other, expected) = (differentiated(target, settings, plan, own_steps=False) for target in ("loops", "torch"))
    assert abs(run.value - other.value) <= 1e-13 * abs(other.value)
    assert relative_difference(found, expected) <= 1e-12
    assert (run.statistics["target"], other.statistics["target"]) == ("loops", "torch")


def test_steps_of_each_samples_own():
    settings = oda.Settings("bosh3", rtol=1e-6, atol=1e-8)
    (run, found), (other, expected) = (differentiated(target, settings) for target in ("loops", "torch"))
    assert run.statistics["steps"] == other.statistics["steps"]
    assert relative_difference(found, expected) <= 1e-11


def test_in_float32():
    settings = oda.Settings("heun2", steps=7)
    (run, found), (_, expected) = (differentiated(target, settings, dtype=torch.float32, own_steps=False) for target in ("loops", "torch"))
    assert run.states[0].dtype == torch.float32
    assert relative_difference(found, expected) <= 1e-5


def test_differentiated_again():
    """The second derivative follows torch's text; its gradient is that of the compiled steps."""
    given, settings = values(), oda.Settings("heun2", steps=3)
    wanted = list(given.values())

    def hessian_row(target: str) -> list[torch.Tensor]:
        first = torch.autograd.grad(solve(problem(), given, settings, target=target, own_steps=False).value, wanted, create_graph=True)
        return list(torch.autograd.grad(torch.stack([one.square().sum() for one in first]).sum(), wanted))

    for one, other in zip(hessian_row("loops"), hessian_row("torch"), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


def test_autograd_through_the_steps_follows_torchs_text():
    given, settings = values(), oda.Settings("heun2", steps=7)
    value = solve(problem(), given, settings, Direct(), target="loops", own_steps=False).value
    found = dict(zip(given, (one.numpy() for one in torch.autograd.grad(value, list(given.values()))), strict=True))
    assert relative_difference(found, differentiated("torch", settings, own_steps=False)[1]) <= 1e-12


def test_a_module_trains():
    module = StatedODE(problem(), dtype=torch.float32, method="heun2", steps=7, target="loops")
    data = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(module.parameters(), 0.05)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = module.loss(x=data)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0] and module.statistics["target"] == "loops"


def test_what_it_cannot_do_is_told():
    with pytest.raises(oda.ModelError, match=r"no target 'loop' on tensors; did you mean 'loops'\? take one of torch, loops"):
        NeuralODE(problem(), target="loop")
    with pytest.raises(oda.ModelError, match="'loops' is for stated models"):
        NeuralODE(torch.nn.Linear(2, 2), target="loops")
    with pytest.raises(TargetError, match=r"runs on the CPU, a tensor is on meta; take target 'torch'"):
        memory(torch.ones(2, device="meta"))

"""On a GPU everything is what it is on the CPU: `pytest -m gpu`, where there is one."""

import numpy as np
import pytest
import torch

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.torchbridge.solved import expected, gradients
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, FieldODE, Full, StatedODE, odeint, solve

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")]
FIXED, ADAPTIVE = oda.Settings("rk4", steps=5), oda.Settings("tsit5", rtol=1e-5, atol=1e-7)
WAYS = {"stages": DiscreteAdjoint(Full()), "checkpoints": DiscreteAdjoint(Checkpointed()), "autograd": Direct()}
AGREED = 1e-9


def on_gpu(name: str) -> dict[str, torch.Tensor]:
    values = CASES[name].values()
    return {key: torch.tensor(np.asarray(one), dtype=torch.float64, device="cuda", requires_grad=True) for key, one in values.items()}


@pytest.mark.parametrize("steps", [FIXED, ADAPTIVE], ids=["fixed", "adaptive"])
@pytest.mark.parametrize(
    "name", ["network_batch", "adaptive", "observed_on_a_switch", "everything_moves", "holes_of_their_own", "own_matrices"]
)
@pytest.mark.parametrize("way", WAYS)
def test_values_and_gradients(name, steps, way):
    given = on_gpu(name)
    run = solve(CASES[name].problem(), given, steps, WAYS[way])
    assert run.value.is_cuda
    found = {
        key: one.cpu()
        for key, one in zip(given, torch.autograd.grad(run.value, list(given.values()), allow_unused=True), strict=True)
        if one is not None
    }
    known = expected(name, steps)
    assert relative_difference({key: np.asarray(one) for key, one in found.items()}, {k: known.gradients[k] for k in found}) < AGREED


@pytest.mark.parametrize("method", ["rodas5p", "radau", "kvaerno5"])
def test_stiff_steps(method):
    given = on_gpu("stiff_linear")
    settings = oda.Settings(method, rtol=1e-6, atol=1e-8)
    found = gradients(solve(CASES["stiff_linear"].problem(), given, settings).value.cpu(), given)
    assert all(np.isfinite(one).all() for one in found.values())


def test_modules_and_replay():
    torch.manual_seed(0)
    z, x, W = oda.block("z", 3), oda.block("x", 3), oda.block("W", 3, 3)
    stated = StatedODE(oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 1), (W,), (x,)), replay=True).cuda()
    field = FieldODE(torch.nn.Linear(3, 3), replay=True).cuda()
    for module in (stated, field):
        data = torch.randn(7, 3, device="cuda")
        for _ in range(3):
            module(data).square().mean().backward()
        assert module.statistics["replays"] == 2
        expected_value = module.cpu()(data.cpu())
        torch.testing.assert_close(module.cuda()(data).cpu(), expected_value, rtol=1e-4, atol=1e-5)


def test_the_facade():
    start = torch.ones(5, 2, device="cuda", requires_grad=True)
    found = odeint(lambda t, y: -y, start, torch.linspace(0, 1, 4, device="cuda"))
    assert found.is_cuda and found.shape == (4, 5, 2)
    torch.testing.assert_close(found[-1], start * np.exp(-1.0), rtol=1e-4, atol=1e-5)

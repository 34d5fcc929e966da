"""The autograd function behind the derived gradients: it counts every way to a name once, and keeps nothing alive."""

import gc
import weakref

import pytest
import torch

from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.integration import integrate

SENSITIVITIES = {"direct": Direct(), "discrete": DiscreteAdjoint()}
ROUNDING = 1e-12


def decayed(rate: torch.Tensor, end: torch.Tensor, sensitivity) -> torch.Tensor:
    """z(end) of z' = -rate z, from z(rate) = 2 rate: 2 rate exp(-rate (end - rate)); all that moves depends on the rate."""
    depths = torch.stack([rate, end]).double()
    (z,), _ = integrate(lambda s, z: (-rate * z[0],), ((2 * rate).reshape(1),), depths, sensitivity=sensitivity, names=(rate,))
    return z[-1].sum()


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_a_name_in_the_first_state_and_depth_is_counted_once_however_often_it_is_differentiated(name):
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    end = torch.tensor(1.5, dtype=torch.float64)
    value = decayed(rate, end, SENSITIVITIES[name])
    first = torch.autograd.grad(value, rate, retain_graph=True)[0]
    again = torch.autograd.grad(value, rate, create_graph=True)[0]
    second = torch.autograd.grad(again, rate)[0]

    log = rate.detach() * (rate.detach() - end)  # ln(z / 2 rate), whose derivatives are 2 rate - end and 2
    inner = 1 / 0.7 + 2 * 0.7 - 1.5
    expected = 2 * 0.7 * log.exp() * torch.stack([torch.tensor(inner), torch.tensor(inner**2 - 1 / 0.7**2 + 2)])
    assert abs(first - expected[0]) < 1e-7 and abs(second - expected[1]) < 1e-6  # the solve's tolerance
    assert abs(first - again) < ROUNDING


def test_a_solve_is_freed_with_its_last_user():
    """Without the collector of cycles, which may run late while tapes pile up."""
    start = torch.ones(3, requires_grad=True)
    gc.disable()
    try:
        (z,), trace = integrate(lambda s, z: (-z[0],), (start,), [0.0, 1.0], sensitivity=DiscreteAdjoint())
        z.sum().backward()
        seen = weakref.ref(trace.tape)
        del z, trace
        assert seen() is None
    finally:
        gc.enable()

"""Gradients of `odeint` and `odeint_adjoint`: those of closed forms, of steps taken by hand, of differences, and of torchdiffeq."""

import pytest
import torch
from torch import Tensor

import torchbridge
from tests.torchbridge.facade_cases import DOUBLE, FIXED, OURS, PEERS, REFERENCES, Decay, Spiral, double
from torchbridge.facade.interface import ADJOINT

ROUNDING = 1e-12
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def weighted(states: Tensor) -> Tensor:
    """A loss that reads every entry, each with a weight of its own."""
    return (states * torch.linspace(1, 2, states.numel(), dtype=states.dtype).reshape(states.shape)).sum()


def gradients(states: Tensor, *inputs: Tensor) -> Tensor:
    return torch.cat([one.reshape(-1) for one in torch.autograd.grad(weighted(states), inputs)])


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("method", ["dopri5", "dopri8", "tsit5"])
@pytest.mark.parametrize("times", [[0.2, 0.5, 0.6, 1.7], [1.7, 0.6, 0.5, 0.2]], ids=["forward", "backward"])
def test_in_the_start_the_parameters_and_every_time(name, method, times):
    """Against the derivatives of the closed form; the first time moves the whole path, the others where it is read."""
    func, y0, t = Decay(), double([[1.2, -0.4]], grad=True), double(times, grad=True)
    found = gradients(OURS[name](func, y0, t, method=method, **TIGHT), y0, t, func.k)
    assert torch.allclose(found, gradients(func.exact(y0, t), y0, t, func.k), rtol=0, atol=1e-7)


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("method", FIXED)
@pytest.mark.parametrize("options", [{}, {"step_size": 0.13}, {"step_size": 0.13, "interp": "cubic"}], ids=["times", "line", "cubic"])
def test_of_given_steps_to_rounding(name, method, options, reference):
    """In the times too: steps of a size stay as far from the first time as they are, and the last one ends at the last time."""
    found = []
    for solve in (OURS[name], REFERENCES[reference]):
        func, y0, t = Decay(), double([1.2, -0.4], grad=True), double([0, 0.3, 0.34, 0.9], grad=True)
        found.append(gradients(solve(func, y0, t, method=method, options=options), y0, t, func.k))
    assert torch.allclose(*found, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_first_and_second_derivatives_are_those_of_differences(name, method):
    func = Decay()
    more = {"options": {"step_size": 0.11}} if method == "rk4" else {"rtol": 1e-9, "atol": 1e-11}

    def states(y0, t, k):
        def moved(t, y):
            return func(t, y) * k / func.k.detach()

        chosen = {"adjoint_params": (k,)} if name == "odeint_adjoint" else {}
        return OURS[name](moved, y0, t, method=method, **more, **chosen)

    inputs = (double([1.2], grad=True), double([0, 0.1, 0.3], grad=True), double(0.8, grad=True))
    assert torch.autograd.gradcheck(states, inputs, atol=1e-6)
    assert torch.autograd.gradgradcheck(states, inputs, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("reference", ["odeint", *PEERS])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=str)
def test_of_the_spiral_demonstration(dtype, reference):
    """A training step of its network, at ten times of a batch: the adjoint's gradient is that of the steps, and torchdiffeq's is near."""
    func = Spiral().to(dtype)
    y0 = torch.tensor([[[2.0, 0.0]], [[1.0, -0.5]], [[0.1, 0.9]]], dtype=dtype)
    t = torch.linspace(0, 0.6, 10, dtype=dtype)

    def gradient(solve):
        loss = (solve(func, y0, t) - y0).abs().mean()
        return torch.cat([one.reshape(-1) for one in torch.autograd.grad(loss, list(func.parameters()))])

    found = gradient(torchbridge.odeint_adjoint)
    other = gradient(torchbridge.odeint if reference == "odeint" else PEERS[reference].odeint)
    rounding = 1e-5 if dtype == torch.float32 else ROUNDING
    assert (found - other).abs().max() < (rounding if reference == "odeint" else 1e-4) * other.abs().max()


def test_adjoint_of_a_contracting_field_is_exact():
    """y' = -40 (y - cos(p t)): solved backward the state would lose every digit; the gradient of the steps does not notice."""
    found = []
    for name, solve in OURS.items():
        p = double(1.3, grad=True)
        more = {"adjoint_params": (p,)} if name == "odeint_adjoint" else {}
        states = solve(lambda t, y, p=p: -40 * (y - torch.cos(p * t)), double([1.0]), double([0.0, 1.0]), **more)
        found.append(torch.autograd.grad(states[-1].sum(), p)[0])
    assert abs(found[0] - found[1]) < ROUNDING
    assert abs(found[0] - torch.autograd.grad(_forced(p), p)[0]) < 1e-5


def _forced(p: Tensor) -> Tensor:
    """y(1): with c = 40, (c^2 cos p + c p sin p) / (c^2 + p^2) + (1 - c^2 / (c^2 + p^2)) exp(-c)."""
    c = double(40.0)
    share = c**2 / (c**2 + p**2)
    return share * (torch.cos(p) + p / c * torch.sin(p)) + (1 - share) * torch.exp(-c)


def test_parameters_that_do_not_reach_the_loss():
    """Zeros from the adjoint, as from torchdiffeq's; nothing from plain autograd."""
    for name, solve in OURS.items():
        func = Decay()
        func.idle = torch.nn.Linear(2, 2)
        weighted(solve(func, double([1.0]), double([0.0, 1.0]))).backward()
        assert func.k.grad is not None and abs(func.k.grad) > 0.1
        idle = func.idle.weight.grad
        assert idle is None if name == "odeint" else idle is not None and not idle.any()


def test_adjoint_params_alone_receive_gradients():
    func, outside = Decay(), double(0.5, grad=True)
    states = torchbridge.odeint_adjoint(lambda t, y: outside * func(t, y), double([1.0]), double([0.0, 1.0]), adjoint_params=(outside,))
    weighted(states).backward()
    assert outside.grad is not None and func.k.grad is None
    again = double(0.5, grad=True)
    weighted(torchbridge.odeint(lambda t, y: again * func(t, y), double([1.0]), double([0.0, 1.0]))).backward()
    assert abs(outside.grad - again.grad) < ROUNDING


def test_parameters_may_be_computed():
    """A tensor that another network makes is given by adjoint_params, and passes its gradient on; parameters without one are left out."""
    source = double([0.3, 0.4], grad=True)
    still = double(1.0)
    rate = source.square().sum()
    states = torchbridge.odeint_adjoint(lambda t, y: -rate * y, double([1.0]), double([0.0, 1.0]), adjoint_params=iter([rate, still]))
    (found,) = torch.autograd.grad(states[-1].sum(), source)
    assert torch.allclose(found, -torch.exp(-rate.detach()) * 2 * source.detach(), rtol=0, atol=1e-7)


def test_second_derivatives_through_the_adjoint_where_the_start_depends_on_the_parameters():
    """y(1) of y' = -k y from 2 k: a penalty on its derivative in k, as in gradient penalties."""
    found = []
    for name, solve in OURS.items():
        k = double(0.7, grad=True)
        more = {"adjoint_params": (k,)} if name == "odeint_adjoint" else {}
        end = solve(lambda t, y, k=k: -k * y, (2 * k).reshape(1), double([0.0, 1.0]), **TIGHT, **more)[-1].sum()
        (slope,) = torch.autograd.grad(end, k, create_graph=True)
        (bend,) = torch.autograd.grad(slope, k)
        found.append((float(slope.detach()), float(bend)))
    decay = float(torch.exp(double(-0.7)))
    for slope, bend in found:
        assert abs(slope - 2 * 0.3 * decay) < 1e-8 and abs(bend - 2 * (0.7 - 2) * decay) < 1e-8


def test_no_graph_is_made_where_none_is_asked_for():
    func = Decay()
    with torch.no_grad():
        for solve in OURS.values():
            assert not solve(func, double([1.0]), double([0.0, 1.0])).requires_grad


@pytest.mark.parametrize("name", OURS)
def test_each_way_makes_one_pass_forward(name):
    """A solve is not taken twice where the times have no gradient: as many evaluations as without gradients."""
    func, counts = Decay(), []
    calls: list[int] = []
    func.register_forward_hook(lambda *_: calls.append(1))
    for enabled in (False, True):
        with torch.set_grad_enabled(enabled):
            OURS[name](func, double([1.0]), double([0.0, 1.0, 3.0]))
        counts.append(len(calls))
        calls.clear()
    assert counts[0] == counts[1] > 0


def test_the_times_are_plain_numbers_where_they_have_no_gradient():
    """So that a field may look them up on the host, on the way back, too."""
    func = Decay()

    def looked_up(t, y):
        return func(t, y) * float(t.numpy() >= 0)

    states = torchbridge.odeint_adjoint(looked_up, double([1.0], grad=True), double([0.0, 1.0]), adjoint_params=tuple(func.parameters()))
    weighted(states).backward()
    assert func.k.grad is not None and ADJOINT.name == "discrete"

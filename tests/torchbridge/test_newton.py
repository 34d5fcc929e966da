"""Newton's method on tensors: every sample by itself, down to rounding, and the derivatives of what it finds."""

import pytest
import torch

from torchbridge.steps.newton import StageEquations, factored, linked, solve_stages

RATES = torch.tensor([0.5, 8.0, 500.0, 1e4], dtype=torch.float64)
WEIGHTS = ((0.4, -0.1), (0.5, 0.3))


def equations(rates=RATES, step=0.3, curve=1.0):
    """q = h f(base + a q) with f(x) = -rate (x - curve cos x), two stages of two numbers for each sample."""

    def slope(i, x):
        return -rates[:, None] * (x - curve * torch.cos((i + 1) * x))

    def jacobian(i, x):
        return torch.diag_embed(-rates[:, None] * (1 + curve * (i + 1) * torch.sin((i + 1) * x)))

    base = torch.tensor([[0.8, 0.3], [0.9, 0.2]], dtype=rates.dtype).expand(len(rates), 2, 2)
    return StageEquations(slope, jacobian, torch.full_like(rates, step), base, WEIGHTS)


def found(one, guess=None):
    guess = torch.zeros_like(one.base) if guess is None else guess
    return solve_stages(one, guess, one.factors_from(torch.stack([one.jacobian(0, one.base[..., 0, :])] * 2, -3)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_stages_solve_their_equations_to_rounding(dtype):
    one = equations(RATES.to(dtype))
    q, _ = found(one)
    change = one.change(one.factors(q), q)
    assert (change.abs() <= 4 * torch.finfo(dtype).eps * one.states(q).abs().amax()).all()


def test_a_sample_is_found_as_if_it_were_alone():
    """To the last digits: it stays as it is when it is done, however long those beside it take."""
    together, most = found(equations())
    alone = [found(equations(RATES[b : b + 1])) for b in range(len(RATES))]
    assert len({iterations for _, iterations in alone}) > 1 and most == max(iterations for _, iterations in alone)
    torch.testing.assert_close(together, torch.cat([q for q, _ in alone]), rtol=1e-14, atol=0)


def test_a_sample_that_is_done_stays_as_it_is():
    """Its guess is the solution, in which a changed field afterwards has no part."""
    calm = equations(RATES[:1])
    q, _ = found(calm)
    calls = []

    def slope(i, x):
        calls.append(i)
        first = calm.slope(i, x[:1]) if len(calls) <= 4 else torch.full_like(x[:1], 7.0)
        return torch.cat([first, equations(RATES[2:3]).slope(i, x[1:])])

    both = equations(RATES[[0, 2]])
    both = StageEquations(slope, both.jacobian, both.step, both.base, WEIGHTS)
    again, iterations = found(both, torch.cat([q, torch.zeros_like(q)]))
    assert iterations > 2
    torch.testing.assert_close(again[:1], q, rtol=1e-14, atol=0)


def test_one_that_is_not_found_is_told_by_itself():
    """q = h (1 + q^2) has no root for h = 1, and has one for h = 0.1."""
    step = torch.tensor([0.1, 1.0, 0.2], dtype=torch.float64)
    base = torch.zeros(3, 1, 1, dtype=torch.float64)
    one = StageEquations(lambda i, x: 1 + x**2, lambda i, x: torch.diag_embed(2 * x), step, base, ((1.0,),))
    q, _ = solve_stages(one, base, one.factors(base))
    assert q.isnan().flatten().tolist() == [False, True, False]
    root = (1 - (1 - 4 * step**2).sqrt()) / (2 * step)
    torch.testing.assert_close(q.flatten()[[0, 2]], root[[0, 2]], rtol=1e-14, atol=0)


def test_a_singular_matrix_spoils_its_own_sample():
    matrices = torch.tensor([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]])
    x = factored(matrices).solve(torch.tensor([[1.0, 2.0], [1.0, 2.0]]))
    assert x[0].tolist() == [0.5, 0.5] and x[1].isnan().all()


def test_the_host_asks_once_in_an_iteration(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda one: asked.append(1) or one.item() != 0)
    _, iterations = found(equations())
    assert 0 < len(asked) < iterations


@pytest.mark.parametrize("orders", [1, 2, 3])
def test_derivatives_are_those_of_the_solution(orders):
    """x = h r (c - x): q = h r (c - b) / (1 + h r) for a = 1, in r, up to an order; those above it are another function's."""
    rate = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    step, base = torch.tensor(0.5, dtype=torch.float64), torch.tensor([[0.25]], dtype=torch.float64)
    one = StageEquations(lambda i, x: rate * (1 - x), lambda i, x: -rate.detach().reshape(1, 1), step, base, ((1.0,),))
    q, _ = solve_stages(one, torch.zeros_like(base), one.factors(base))
    value, exact = linked(one, q, orders).sum(), 0.75 * (step * rate) / (1 + step * rate)
    assert value.item() == pytest.approx(exact.item(), rel=1e-15)
    for _ in range(orders):
        value, exact = (torch.autograd.grad(y, rate, create_graph=True)[0] for y in (value, exact))
        assert value.item() == pytest.approx(exact.item(), rel=1e-13)

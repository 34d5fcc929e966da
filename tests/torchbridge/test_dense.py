"""Dense output: the path inside steps is as good as the steps, belongs to them alone, and has an exact gradient."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from tests.torchbridge.inner import START, WEIGHT, depths, given, solved
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.solvers.solve import Steps
from torchbridge.solvers.tapes import Checkpointed, Full
from torchbridge.steps.interpolants import Hermite, chord, full_order, spread

SENSITIVITIES = {"direct": Direct(), "discrete": DiscreteAdjoint(Full(stages=False)), "checkpointed": DiscreteAdjoint(Checkpointed(2))}
INTERPOLATIONS = {"chord": chord, "cubic": Hermite(), "full": full_order}
ORDERS = [("dopri5", full_order, 5), ("tsit5", full_order, 5), ("bosh3", full_order, 3), ("rk4", full_order, 4), ("heun2", full_order, 2)]
ORDERS += [("dopri8", full_order, 8), ("dopri8", chord, 2), ("dopri8", Hermite(), 4), ("dopri8", Hermite(spread(3)), 6)]
ROUNDING = 1e-12


def truth(at: np.ndarray) -> np.ndarray:
    def field(s, z):
        return (np.array(WEIGHT) @ z) * np.cos(s) - z**3 / 10

    along = (float(at[0]), float(at[-1]))
    return solve_ivp(field, along, START, "DOP853", t_eval=at, rtol=1e-13, atol=1e-15).y.T


@pytest.mark.parametrize(("method", "interpolation", "order"), ORDERS)
@pytest.mark.parametrize("end", [2.0, -2.0])
def test_half_the_step_divides_the_error_inside_by_two_to_the_order(method, interpolation, order, end):
    """On a field that depends on depth, at depths that are no ends of steps."""
    at = depths(*np.linspace(0, end, 150)).detach()
    exact = truth(at.numpy())
    coarse = 6 if order > 5 else 16
    errors = [np.linalg.norm(solved(at, method, interpolation, Steps(count=n))[0].detach().numpy() - exact) for n in (coarse, 2 * coarse)]
    assert -0.6 < np.log2(errors[0] / errors[1]) - order < 1.1


@pytest.mark.parametrize("method", ["dopri5", "tsit5", "bosh3"])
def test_a_state_inside_does_not_depend_on_what_else_is_asked_for(method):
    few, many = depths(0, 0.5, 1).detach(), depths(*np.linspace(0, 1, 41)).detach()
    (one, _), (other, _) = solved(few, method), solved(many, method)
    assert torch.equal(one[2], other[40])
    assert torch.allclose(one[1], other[20], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(("inner", "fewer"), [(1, True), (3, True), (4, False), (30, False)])
def test_few_depths_are_reached_by_steps_and_many_by_a_polynomial(inner, fewer):
    """Of dopri8, whose polynomial evaluates the field 40 times in a step, and a step to each depth 12 times."""
    at = depths(*np.linspace(0, 0.5, inner + 2))
    counts, found = [], []
    for how in (full_order, Hermite(spread(5))):
        calls: list[float] = []
        found.append(solved(at, "dopri8", how, Steps(count=1), calls=calls)[0])
        counts.append(len(calls))
    assert torch.allclose(*found, rtol=0, atol=1e-7)  # the step's own error
    assert (counts[0] < counts[1]) == fewer and counts[0] <= counts[1]


@pytest.mark.parametrize("how", INTERPOLATIONS)
@pytest.mark.parametrize("name", ["direct", "discrete"])
@pytest.mark.parametrize("method", ["dopri5", "euler"])
def test_gradients_in_the_field_the_state_and_all_depths_are_those_of_differences(how, name, method):
    weight, start = given()
    at = depths(0, 0.4, 0.55, 1)

    def states(weight, start, at):
        return solved(at, method, INTERPOLATIONS[how], Steps(count=2), SENSITIVITIES[name], weight, start)[0]

    assert torch.autograd.gradcheck(states, (weight, start, at))
    assert torch.autograd.gradgradcheck(states, (weight, start, at), fast_mode=True)


@pytest.mark.parametrize("method", ["dopri5", "dopri8"])
def test_every_way_to_the_gradient_of_adaptive_steps_agrees(method):
    found = []
    for sensitivity in SENSITIVITIES.values():
        weight, start = given()
        at = depths(*np.linspace(0, 1, 25))
        states, _ = solved(at, method, full_order, Steps(), sensitivity, weight, start)
        loss = (states * torch.linspace(-1, 1, states.numel(), dtype=torch.float64).reshape(states.shape)).sum()
        found.append(torch.cat([one.reshape(-1) for one in torch.autograd.grad(loss, (weight, start, at))]))
    for other in found[1:]:
        assert torch.allclose(found[0], other, rtol=0, atol=ROUNDING)

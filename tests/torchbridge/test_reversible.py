"""Methods made reversible: their order, their gradient without a tape, and what is told of them."""

from typing import Any

import numpy as np
import pytest
import torch

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.torchbridge.solved import gradients, tensors
from torchbridge import DiscreteAdjoint, Full, NeuralODE, Reversible, StatedODE, solve
from torchbridge.solvers.places import place
from torchbridge.steps.derived import DerivedStepper
from torchbridge.steps.reversible import ReversibleStepper
from torchbridge.steps.tableau_facts import OfTableau

z, x, k, s = oda.block("z"), oda.block("x"), oda.block("k"), oda.depth
WAY = DiscreteAdjoint(Reversible())


def depending_on_depth() -> oda.Problem:
    """z' = k cos(3 s) z: z(1) = x exp(k sin(3)/3)."""
    return oda.Problem(oda.Model({z: k * oda.cos(3 * s) * z}, {z: x}, (0, 1), (k,), (x,)), oda.Objective(z**2))


@pytest.mark.parametrize(("method", "order"), [("heun2", 2), ("bosh3", 3), ("rk4", 4), ("rosenbrock23", 2)])
def test_the_order_is_that_of_the_method(method, order):
    exact = float(np.exp(2 * 1.3 * np.sin(3) / 3))
    errors = []
    for steps in (150, 300):
        found = solve(depending_on_depth(), {"k": 1.3, "x": 1.0}, oda.Settings(method, steps=steps), WAY, own_steps=False)
        errors.append(abs(float(found.value) - exact))
    assert np.log2(errors[0] / errors[1]) > order - 0.25


SETTINGS = {"fixed": oda.Settings("rk4", steps=12), "adaptive": oda.Settings("bosh3", rtol=1e-5, atol=1e-7)}


@pytest.mark.parametrize("steps", SETTINGS)
@pytest.mark.parametrize("name", ["closed_form", "network_batch", "observed_on_a_switch", "backward_switch", "state_blocks"])
def test_the_gradient_is_that_of_the_steps(name, steps):
    """Beside autograd along the same steps, which is how it is differentiated again."""
    given = tensors(CASES[name].values())
    value = solve(CASES[name].problem(), given, SETTINGS[steps], WAY, own_steps=False).value
    wanted = list(given.values())
    taped = torch.autograd.grad(value, wanted, create_graph=True, allow_unused=True, materialize_grads=True)
    by_autograd = {key: one.detach().numpy() for key, one in zip(given, taped, strict=True)}
    assert relative_difference(gradients(value, given), by_autograd) <= 1e-9


def test_the_gradient_is_the_slope_of_the_value():
    def value(rate: float) -> torch.Tensor:
        given = {"k": torch.tensor(rate, dtype=torch.float64, requires_grad=True), "x": torch.tensor(1.0, dtype=torch.float64)}
        found = solve(depending_on_depth(), given, SETTINGS["fixed"], WAY, own_steps=False).value
        found.backward()
        assert given["k"].grad is not None
        return torch.stack([found.detach(), given["k"].grad])

    eps = 1e-5
    slope = (value(1.3 + eps)[0] - value(1.3 - eps)[0]) / (2 * eps)
    torch.testing.assert_close(value(1.3)[1], slope, rtol=1e-9, atol=0)


@pytest.mark.parametrize("step", [0.2, -0.2, 0.0])
def test_a_step_can_be_taken_back(step):
    run = solve(depending_on_depth(), {"k": 1.3, "x": 1.0}, SETTINGS["fixed"], own_steps=False)
    stepper = ReversibleStepper(DerivedStepper(oda.METHODS["rk4"], run.program.parts, frozenset(("k", "x")), True), 0.9)
    here = place(np.array([0.3]), np.array([step]), np.zeros((1, 0)), torch.zeros(1, dtype=torch.float64))
    names = tuple(torch.tensor(one, dtype=torch.float64) for one in (1.3, 1.0))
    before = (torch.tensor(0.7, dtype=torch.float64), torch.tensor(0.8, dtype=torch.float64))
    after = stepper.step(here, before, names).after
    assert (step == 0) == all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    for one, other in zip(before, stepper.undo(here, after, names), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=0)


def test_one_state_is_kept_however_many_steps_there_are():
    for steps in (5, 500):
        given = {"k": torch.tensor(1.3, requires_grad=True), "x": 1.0}
        tape: Any = solve(depending_on_depth(), given, oda.Settings("rk4", steps=steps), WAY, own_steps=False).trace.tape
        assert (tape.count, len(tape.state)) == (steps, 2)


@pytest.mark.parametrize(
    ("rate", "coupling", "words"), [(60.0, 0.999, "the two states of a reversible"), (1.0, 0.5, "taken back, miss their start by")]
)
def test_what_is_lost_is_told(rate, coupling, words):
    """A contracting field parts the two states; a loose coupling loses digits on the way back."""
    decaying = oda.Problem(oda.Model({z: -k * z}, {z: x}, (0, 1), (k,), (x,)), oda.Objective(z**2, z**2))
    with pytest.warns(UserWarning, match=f"{words} .* of .* size: .*Checkpointed"):
        solve(
            decaying,
            given := tensors({"k": rate, "x": 1.0}),
            oda.Settings("rk4", steps=100),
            DiscreteAdjoint(Reversible(coupling)),
            own_steps=False,
        ).value.backward()
    assert given["k"].grad is not None


@pytest.mark.parametrize("steps", [5, 100])
def test_what_is_not_lost_is_not_told(steps, recwarn):
    """Few steps are inexact, and so the two states differ: but their gradient is exact. A running cost begins at 0."""
    costly = oda.Problem(depending_on_depth().model, oda.Objective(z**2, z**2))
    for problem in (depending_on_depth(), costly):
        given = tensors({"k": 1.3, "x": 1.0})
        solve(problem, given, oda.Settings("rk4", steps=steps), WAY, own_steps=False).value.backward()
    assert not recwarn.list


def test_a_module_of_any_field_takes_it():
    torch.manual_seed(0)
    field = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)).double()
    start = torch.randn(4, 2, dtype=torch.float64)
    found = []
    for plan in (Reversible(), Full()):
        module = NeuralODE(field, method="rk4", steps=40, sensitivity=DiscreteAdjoint(plan))
        found.append(torch.autograd.grad(module(start).square().mean(), list(field.parameters())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_what_it_does_not_do_is_told():
    with pytest.raises(oda.ModelError, match=r"Reversible\(coupling=0\); give a number above 0"):
        Reversible(0)
    with pytest.raises(oda.ModelError, match="steps that all samples share; take own_steps=False"):
        StatedODE(depending_on_depth(), sensitivity=WAY)(torch.ones(3)).sum().backward()


def test_it_knows_what_its_method_knows():
    assert {name for name in vars(OfTableau) if not name.startswith("_")} <= set(dir(ReversibleStepper))

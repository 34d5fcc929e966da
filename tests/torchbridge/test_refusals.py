"""What is not there is refused at once, in one clear sentence."""

import pytest
import torch

import odeanalysis as oda
from tests.cases import CASES
from torchbridge.integration import integrate
from torchbridge.modules import NeuralODE
from torchbridge.problems.solving import solve


def entries(method, steps):
    """The ways in, each with a method."""
    problem, values = CASES["closed_form"].problem(), CASES["closed_form"].values()
    yield lambda: solve(problem, values, oda.Settings(method, steps=steps))
    yield lambda: NeuralODE(problem, method=method, steps=steps)
    yield lambda: NeuralODE(torch.nn.Linear(2, 2), method=method, steps=steps)
    yield lambda: integrate(lambda s, z: z, (torch.ones(2),), [0.0, 1.0], method=method)


def test_a_method_of_scipy():
    for entry in entries("RK45", None):
        with pytest.raises(oda.ModelError, match=r"^there is no method 'RK45' on tensors; .*take one of euler, .*, kvaerno5$"):
            entry()


def test_a_rosenbrock_method_for_a_field_whose_jacobian_nobody_derived():
    message = r"'rodas5p' is rosenbrock and needs a derived Jacobian, .* take radau or kvaerno5, .* or state the field as a Model"
    with pytest.raises(oda.ModelError, match=message):
        integrate(lambda s, z: z, (torch.ones(2),), [0.0, 1.0], method="rodas5p")

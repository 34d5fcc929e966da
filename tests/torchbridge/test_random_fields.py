"""Fields that draw random numbers, change their kind on the way, or are first asked without autograd."""

import warnings

import pytest
import torch
from torch import nn

import odeanalysis as oda
from torchbridge import ContinuousAdjoint, Direct, DiscreteAdjoint, NeuralODE

X = torch.tensor([[0.3, -1.2], [1.0, 0.5]], dtype=torch.float64)


def dropping() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).double()


@pytest.mark.parametrize("sensitivity", [DiscreteAdjoint(), ContinuousAdjoint()])
def test_random_fields_are_refused_where_they_would_be_asked_again(sensitivity):
    solve = NeuralODE(dropping(), method="dopri5", steps=3, sensitivity=sensitivity)
    with pytest.raises(oda.ModelError, match=r"draws random numbers, as dropout does.*sensitivity=Direct.*eval"):
        solve(X)
    assert solve.eval()(X).shape == X.shape
    with pytest.raises(oda.ModelError, match="draws random numbers"):
        solve.train()(X)


def test_autograd_through_the_steps_keeps_what_was_drawn():
    """Its gradient is that of differences with the same masks."""
    field = dropping()
    solve = NeuralODE(field, method="euler", steps=3, sensitivity=Direct())

    def value() -> torch.Tensor:
        torch.manual_seed(3)
        return solve(X).sum()

    value().backward()
    value()  # the first call looked at the field once more, and drew once more
    torch.manual_seed(3)
    weight = next(field.parameters())
    weight.grad = None
    value().backward()
    assert weight.grad is not None
    with torch.no_grad():
        ends = []
        for sign in (1, -1):
            weight[0, 0] += sign * 1e-5
            ends.append(value())
            weight[0, 0] -= sign * 1e-5
    assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(weight.grad[0, 0]), rel=1e-8)


def test_a_field_that_changes_its_kind_on_the_way_is_refused():
    for later in (lambda z: z[:1], lambda z: z.float()):
        solve = NeuralODE(lambda s, z, later=later: z if s < 0.5 else later(z), method="euler", steps=4)
        with pytest.raises(oda.ModelError, match="return slopes like the state"):
            solve(X)


def test_a_first_call_without_autograd_leaves_the_field_to_be_looked_at():
    """No parameter is said to be unused, and what is closed over is refused later."""
    c = torch.ones(2, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        used, closed = NeuralODE(nn.Linear(2, 2).double()), NeuralODE(lambda z: z * c)
        with torch.inference_mode():
            used(X)
            closed(X)
        used(X)
    with pytest.raises(oda.ModelError, match="is no parameter of the module"):
        closed(X)

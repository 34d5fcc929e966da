"""What a module is given: shapes, dtypes, depths and fields that fit, and one clear sentence for each that does not."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

import odeanalysis as oda
from tests.torchbridge.test_modules import MODEL, Net, inputs
from torchbridge.gradients.direct import Direct
from torchbridge.integration import integrate
from torchbridge.modules import NeuralODE

STATED, FIELD = NeuralODE(MODEL), NeuralODE(Net())
X = inputs()
CUBE = NeuralODE(lambda z: z**3, method="rk4", steps=9)
W = torch.ones(2, requires_grad=True)


def field(call, **options):
    return NeuralODE(call, **options)


# what is done, the message in full or its beginning
REFUSED = {
    "no input": (lambda: STATED(), "no value for 'x' of 'net'; add it"),
    "an unknown input": (lambda: STATED(X, q=1), "value 'q': no parameter, input or observation data of 'net'; "),
    "too many inputs": (lambda: STATED(X, X), "2 inputs for 'net', which has 1: x"),
    "an input twice": (lambda: STATED(X, x=X), "input 'x' of 'net' is given twice; give it by place or by name"),
    "another shape": (lambda: STATED(inputs().T), "value 'x' has shape (2, 4); give one of shape (2,) for all samples, or (batch, 2)"),
    "no sample": (lambda: STATED(X[:0]), "value 'x' holds no sample (a leading axis of length 0); give at least one"),
    "another dtype": (lambda: STATED(X.double()), "values of 'net': 'x' is torch.float64 on cpu, 'W' is torch.float32 on cpu; give all"),
    "another device": (
        lambda: STATED(X.to("meta")),
        "values of 'net': 'x' is torch.float32 on meta, 'W' is torch.float32 on cpu; give all",
    ),
    "complex numbers": (lambda: STATED(X.to(torch.complex64)), "value 'x' is torch.complex64; give real numbers"),
    "a word": (lambda: STATED("abc"), "value 'x' is str, which is no array of numbers; give a tensor"),
    "one depth": (lambda: STATED(X, at=0.3), "at is 0.3; give a list of depths, or a tensor [m] or [B, m]"),
    "depths of too many axes": (lambda: STATED(X, at=torch.zeros(1, 1, 1)), "at has shape (1, 1, 1); give depths [m], or [B, m]"),
    "depths of others": (lambda: STATED(X, at=torch.zeros(3, 1)), "values 'x' and 'seen_at_0' hold 4 and 3 samples; give as many of each"),
    "a depth outside": (lambda: STATED(X, at=[2.0]), "objective.observations of 'net': depth 2.0 lies outside the domain [0.0, 1.0]"),
    "a moving depth at an end": (
        lambda: STATED(X, at=torch.tensor([0.0, 0.5], requires_grad=True)),
        "objective.observations of 'net': the observation at seen_at_0 coincides with 0 for sample 0; one passes through the other",
    ),
    "a tolerance too small": (
        lambda: NeuralODE(MODEL, rtol=1e-9)(X),
        "rtol = 1e-09 is below what torch.float32 resolves; give at least 4.8e-07",
    ),
    "a negative tolerance": (lambda: NeuralODE(MODEL, rtol=-1), "rtol = -1; give a finite number of 0 or more"),
    "no steps": (lambda: NeuralODE(MODEL, steps=0), "steps = 0; give a number of steps of 1 or more"),
    "a value of nobody": (
        lambda: NeuralODE(MODEL, values={"q": 1}),
        "values has 'q', which is no parameter of 'net'; there are W, b, V, k",
    ),
    "a value of another shape": (lambda: NeuralODE(MODEL, values={"b": [1, 2]}), "the value of parameter 'b' has shape (2,); give (3,)"),
    "a name that is taken": (
        lambda: NeuralODE(oda.Model({oda.block("z"): oda.block("training")}, {oda.block("z"): 0}, (0, 1), [oda.block("training")])),
        "parameter 'training' of 'model' has a name that torch modules use themselves; rename it",
    ),
    # fields
    "a slope of another shape": (
        lambda: field(nn.Linear(2, 3))(X),
        "the field has shape (4, 3), the state (4, 2); return slopes like the state",
    ),
    "one slope for all": (
        lambda: field(lambda z: torch.ones(2))(X),
        "the field has shape (2,), the state (4, 2); return slopes like the state",
    ),
    "a slope of another dtype": (
        lambda: field(lambda z: z.double())(X),
        "the field has dtype torch.float64, the state torch.float32; return slopes like the state",
    ),
    "a slope elsewhere": (
        lambda: field(lambda z: z.to("meta"))(X),
        "the field has device meta, the state cpu; return slopes like the state",
    ),
    "several slopes": (lambda: field(lambda z: (z, z))(X), "the field gives tuple; return a tensor"),
    "no slope": (lambda: field(lambda z: None)(X), "the field gives NoneType; return a tensor"),
    "a cost of another shape": (
        lambda: field(lambda z: z, running=lambda z: z.sum())(X),
        "the running cost has shape () for 4 samples; return [B], a number for each",
    ),
    "a tensor of nobody": (
        lambda: field(lambda z: W * z)(X),
        "the field reads a tensor of shape (2,) that requires a gradient and is no parameter",
    ),
    "whole numbers": (
        lambda: FIELD(torch.ones(3, 2, dtype=torch.int64)),
        "states of dtype torch.int64 cannot be solved for; give float64, ",
    ),
    "no tensor": (lambda: FIELD([1.0, 2.0]), "the first state is list; give a tensor [B, ...]"),
    "four arguments": (lambda: field(lambda a, b, c, d: a), "the field takes 4 arguments; give f(z), f(s, z) or f(s, z, x)"),
    "no data": (lambda: field(lambda s, z, x: x)(X), "the field takes data, f(s, z, x); call the module with it: module(z, x)"),
    "a depth outside of a field": (lambda: FIELD(X, at=[2.0]), "depth 2.0 lies outside the domain [0.0, 1.0]; ask for depths in it"),
    "own depths outside": (lambda: FIELD(X, at=torch.tensor([[0.5], [0.2], [1.5], [0]])), "depth 1.5 lies outside the domain [0.0, 1.0]"),
    "depths of fewer samples": (
        lambda: FIELD(X, at=torch.zeros(3, 1)),
        "depths of 3 paths for states of shape (4, 2); give one path, or one",
    ),
    "ends of fewer samples": (
        lambda: field(lambda z: z, domain=(torch.zeros(3), torch.ones(4)))(X),
        "ends and depths are those of 3 and of 4 samples; give one for all, or for each",
    ),
    "an end that is none": (lambda: field(lambda z: z, domain=(0, float("nan")))(X), "node 1 of sample 0 is nan; give finite depths"),
    "depths that turn": (lambda: integrate(lambda s, z: z, (X,), [0.0, 1.0, 0.5]), "nodes of sample 0 turn round: "),
    "one depth alone": (
        lambda: integrate(lambda s, z: z, (X,), [0.0]),
        "depths have 1 entry; give the depth at which the state is known and",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_told_in_one_sentence(name):
    act, message = REFUSED[name]
    with pytest.raises(oda.ModelError) as caught:
        act()
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


NOT_FINITE = {
    "an input": (
        lambda: STATED(torch.where(torch.arange(4)[:, None] == 2, torch.nan, X)),
        "the initial state is not finite at depth 0",
        2,
        0.0,
    ),
    "a first state": (
        lambda: FIELD(torch.where(torch.arange(4)[:, None] == 2, torch.inf, X)),
        "the initial state is not finite at depth 0",
        2,
        0.0,
    ),
    "fixed steps": (lambda: CUBE(torch.tensor([[0.1], [9.0]])), "a step ends in a state that is not finite at depth 0.1", 1, 1 / 9),
    "adaptive steps": (
        lambda: field(lambda z: z**3)(torch.tensor([[0.1], [9.0]])),
        "the step size vanished at depth 0.006",
        1,
        1 / 162,
    ),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_what_is_not_finite_says_where(name):
    act, message, sample, depth = NOT_FINITE[name]
    with pytest.raises(oda.SolveError) as caught:
        act()
    assert str(caught.value).startswith(message) and f"of sample {sample}; " in str(caught.value)
    assert caught.value.sample == sample and caught.value.depth == pytest.approx(depth, abs=2e-3)


def test_a_failing_sample_of_common_fixed_steps_leaves_the_others_alone():
    module = NeuralODE(lambda z: z**3, method="rk4", steps=9, throw=False)
    found = module(torch.tensor([[0.1], [9.0]]))
    assert found.isnan().tolist() == [[False], [True]] and module.statistics["failed"] == [1]
    assert torch.equal(found[:1], CUBE(torch.tensor([[0.1]])))


# ---------------------------------------------------------------- what fits


@pytest.mark.parametrize("samples", [0, 1, 4])
def test_any_number_of_samples(samples):
    """Each gets what it gets among others; none at all is a batch of a field, too."""
    found = FIELD(X[:samples])
    assert found.shape == (samples, 2)
    if samples:
        torch.testing.assert_close(STATED(X[:samples]), STATED(X)[:samples], rtol=1e-6, atol=1e-6)
        assert STATED(X[0]).shape == (2,)


def test_whole_numbers_arrays_and_lists_are_inputs_of_what_is_stated():
    for given in (torch.ones(1, 2, dtype=torch.int64), np.ones((1, 2)), [[1, 1]]):
        assert torch.equal(STATED(given), STATED(torch.ones(1, 2)))


def test_a_tensor_of_nobody_gets_its_gradient_from_autograd():
    weight = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    NeuralODE(lambda z: weight * z, sensitivity=Direct())(torch.ones(1, 2, dtype=torch.float64)).sum().backward()
    torch.testing.assert_close(weight.grad, weight.detach().exp(), rtol=1e-7, atol=0)


def test_data_from_another_module_belong_to_nobody_else():
    """Data that were computed are no tensors that the field reads by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = nn.Linear(2, 2)
        NeuralODE(lambda s, z, x: z * x)(X, encoder(X)).sum().backward()
    assert encoder.weight.grad is not None and encoder.weight.grad.any()


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_depths_of_every_samples_own_stand_beside_the_state_and_beside_a_cost(samples):
    """Also where there are as many samples as features: z' = s z and l = s, so that z(S) = z exp(S^2/2), cost S^2/2."""
    module = NeuralODE(lambda s, z: s * z, running=lambda s, z: s * z.new_ones(len(z)), domain=(0, lambda z: z[:, 0, 0]))
    state = torch.linspace(0.5, 1, samples * 4, dtype=torch.float64).reshape(samples, 2, 2)
    half = state[:, 0, 0].square() / 2
    end, cost = module(state)
    torch.testing.assert_close(end, state * half.exp()[:, None, None], rtol=1e-7, atol=0)
    torch.testing.assert_close(cost, half, rtol=1e-7, atol=0)


DEPTHS = {
    "numbers": [0.7, 0.0, 0.25, 1.0, 0.25],
    "a tensor": torch.tensor([0.7, 0.0, 0.25, 1.0, 0.25]),
    "a tensor in another dtype": torch.tensor([0.7, 0.0, 0.25, 1.0, 0.25], dtype=torch.float64),
    "a row for each": torch.tensor([[0.7, 0.0, 0.25, 1.0, 0.25]] * 4),
}


@pytest.mark.parametrize("kind", ["stated", "field"])
@pytest.mark.parametrize("name", DEPTHS)
def test_depths_are_given_in_any_order_and_form(name, kind):
    module = {"stated": STATED, "field": FIELD}[kind]
    found = module(X, at=DEPTHS[name])
    assert found.shape == (5, 4, 2) and torch.equal(found[1], X) and torch.equal(found[2], found[4])
    for depth, state in zip([0.7, 0.25], found[[0, 2]], strict=True):
        torch.testing.assert_close(state, module(X, at=[depth])[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[3], module(X), rtol=1e-4, atol=1e-5)

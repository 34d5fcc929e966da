"""`NeuralODE` is a torch module like any other: saved, copied, cast; its parameters are the blocks of what is stated."""

import copy
import io
import pickle

import numpy as np
import pytest
import sympy as sp
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference
from tests.torchbridge.solved import AGREED
from torchbridge.modules import FieldODE, NeuralODE, StatedODE
from torchbridge.problems.solving import solve

s = oda.depth
n = sp.Symbol("n", integer=True)
z, x, y, seen = (oda.block(name, 2) for name in ("z", "x", "y", "seen"))
W, b, V, k = oda.block("W", 3, 2), oda.block("b", 3), oda.block("V", 2, 3), oda.block("k")
MODEL = oda.Model({z: V @ oda.tanh(W @ z + b) + k * s * x}, {z: x}, (0, 1), [W, b, V, k], [x], name="net")
OBSERVED = oda.Observation((0.5,), oda.sumsq(z - seen), (seen,))
PROBLEM = oda.Problem(MODEL.with_(inputs=(x, y)), oda.Objective(oda.sumsq(z - y), oda.sumsq(z) * k**2, (OBSERVED,)))
SHAPES = {"W": (3, 2), "b": (3,), "V": (2, 3), "k": ()}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))

    def forward(self, s: Tensor, z: Tensor) -> Tensor:
        return torch.cos(s) * self.layers(z)


MODULES = {"stated": lambda: NeuralODE(MODEL), "field": lambda: NeuralODE(Net())}
EVERY = pytest.mark.parametrize("kind", MODULES)


def inputs(dtype: torch.dtype = torch.float32, samples: int = 4) -> Tensor:
    return torch.randn(samples, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules give the same, and the same gradients."""
    found = []
    for module in (one, other):
        module.zero_grad()
        value = module(inputs())
        value.square().sum().backward()
        found.append([value.detach(), *(p.grad for p in module.parameters())])
    return all(torch.equal(a, b) for a, b in zip(*found, strict=True))


# ---------------------------------------------------------------- a module like any other


@EVERY
def test_a_state_dict_carries_all_values_to_another_module(kind):
    one, other = MODULES[kind](), MODULES[kind]()
    assert not same(one, other)
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert same(one, other)


@EVERY
@pytest.mark.parametrize("used", [False, True])
def test_copies_are_alike_and_apart(kind, used):
    one = MODULES[kind]()
    if used:
        one(inputs()).sum().backward()
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert type(other) is type(one) and same(one, other)
        with torch.no_grad():
            next(other.parameters()).add_(1)
        assert not same(one, other)


@EVERY
def test_it_is_cast_and_trained_by_torchs_own_means(kind):
    module = MODULES[kind]().double()
    assert module(inputs(torch.float64)).dtype == torch.float64
    optimizer, losses = torch.optim.Adam(module.parameters(), 0.05), []
    for _ in range(15):
        optimizer.zero_grad()
        loss = (module(inputs(torch.float64)) + inputs(torch.float64)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_a_call_makes_the_kind_that_fits():
    assert type(NeuralODE(MODEL)) is StatedODE and type(NeuralODE(PROBLEM)) is StatedODE
    assert type(NeuralODE(Net())) is FieldODE and type(NeuralODE(lambda z: -z)) is FieldODE
    assert issubclass(StatedODE, NeuralODE) and issubclass(FieldODE, nn.Module)
    with pytest.raises(oda.ModelError, match=r"is made of a Model, a Problem or a field .*, got int"):
        NeuralODE(5)


@EVERY
def test_statistics_are_those_of_the_last_solve(kind):
    module = MODULES[kind]()
    assert module.statistics == {}
    module(inputs())
    found = module.statistics
    assert found["method"] == "tsit5" and found["steps"] > 0 and found["failed"] == [] and not found["stiff"]
    assert found["evaluations"] >= 6 * found["steps"]


# ---------------------------------------------------------------- parameters


def test_parameters_have_the_names_and_shapes_of_the_blocks():
    assert {name: tuple(one.shape) for name, one in NeuralODE(MODEL).named_parameters()} == SHAPES
    assert all(one.requires_grad and one.is_leaf for one in NeuralODE(MODEL).parameters())


def test_values_that_are_drawn_follow_their_rules():
    """Ranges, else matrices by their columns, vectors 0, numbers with standard deviation 1/2; torch's seed decides."""
    wide = oda.block("wide", 50, 40)
    model = oda.Model({z: z}, {z: x}, (0, 1), [wide, b, k], [x])
    problem = oda.Problem(model, oda.Objective(), "mean", {"k": (3, 4)})
    drawn = []
    for _ in range(2):
        torch.manual_seed(7)
        with pytest.warns(UserWarning, match="appear in no expression"):
            drawn.append(NeuralODE(problem))
    first, again = (dict(module.named_parameters()) for module in drawn)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert 3 <= first["k"] <= 4 and not first["b"].any()
    assert 0.95 * 40**-0.5 < first["wide"].abs().max() <= 40**-0.5
    torch.manual_seed(0)
    with pytest.warns(UserWarning):
        numbers = torch.stack([dict(NeuralODE(model).named_parameters())["k"].detach() for _ in range(200)])
    assert 0.4 < numbers.std() < 0.6 and numbers.mean().abs() < 0.15


def test_values_that_are_given_are_copied():
    given = torch.ones(3, 2, dtype=torch.float64)
    module = NeuralODE(MODEL, values={"W": given, "k": 0.25, "V": np.zeros((2, 3))}, dtype=torch.float64)
    given.zero_()
    found = dict(module.named_parameters())
    assert torch.equal(found["W"], torch.ones(3, 2, dtype=torch.float64)) and found["k"] == 0.25 and not found["V"].any()


def test_sizes_are_told_by_name_or_by_values():
    tall, flat = oda.block("tall", n, 2), oda.block("flat", 2, n)
    model = oda.Model({z: flat @ oda.tanh(tall @ z)}, {z: x}, (0, 1), [tall, flat], [x])
    for options in ({"sizes": {n: 5}}, {"values": {"flat": np.ones((2, 5))}}):
        assert NeuralODE(model, **options).get_parameter("tall").shape == (5, 2)
    with pytest.raises(oda.ModelError, match=r"parameter 'tall' .*has a size that nothing tells; give sizes="):
        NeuralODE(model)


# ---------------------------------------------------------------- what it gives


def test_the_loss_is_that_of_the_problem_and_its_gradients_reach_every_parameter():
    module = StatedODE(PROBLEM, dtype=torch.float64, method="rk4", steps=6)
    data = {"x": inputs(torch.float64), "y": inputs(torch.float64).flip(0), "seen": torch.tensor([[0.3, -0.2]]).double()}
    values = {**{name: one.detach() for name, one in module.named_parameters()}, **data}
    found, settings = module.loss(data["x"], data["y"], seen=data["seen"]), oda.Settings("rk4", steps=6)
    assert torch.equal(found, solve(PROBLEM, values, settings).value)
    assert torch.equal(module.losses(**data), solve(PROBLEM, values, settings).losses)
    found.backward()
    expected = oda.evaluate(PROBLEM, {name: one.numpy() for name, one in values.items()}, settings)
    slopes = {name: one.grad.numpy() for name, one in module.named_parameters() if one.grad is not None}
    assert found.item() == pytest.approx(expected.value, rel=AGREED)
    assert relative_difference(slopes, expected.gradients, SHAPES) < AGREED


def test_several_states_come_by_name():
    """Of a model without parameters and inputs, which is solved in float64."""
    p, q = oda.block("p"), oda.block("q")
    module = NeuralODE(oda.Model({p: q, q: -p}, {p: 0, q: 1}, (0, np.pi / 2), []))
    found = module(at=[0, np.pi / 6])
    assert list(module()) == ["p", "q"] and module()["p"].item() == pytest.approx(1, rel=1e-7)
    assert found["p"].tolist() == pytest.approx([0, 0.5], abs=1e-7)


@EVERY
def test_float32_is_as_near_to_float64_as_its_tolerance(kind):
    """rtol is 1e-5 there, and the state of order 1."""
    module = MODULES[kind]()
    with torch.no_grad():
        single, double = module(inputs()), copy.deepcopy(module).double()(inputs(torch.float64))
        tight = NeuralODE(module.field if kind == "field" else MODEL, rtol=1e-12, atol=1e-13)
        tight.load_state_dict(module.state_dict())
        exact = copy.deepcopy(tight).double()(inputs(torch.float64))
    assert single.dtype == torch.float32
    assert 1e-9 < (single - exact).abs().max() < 3e-5 and (double - exact).abs().max() < 3e-8


@EVERY
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_solves(kind, dtype):
    module = MODULES[kind]().to(dtype)
    found = module(inputs(dtype))
    exact = copy.deepcopy(module).double()(inputs(torch.float64))
    assert found.dtype == dtype and (found - exact).abs().max() < 0.1

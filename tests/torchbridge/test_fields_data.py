"""Depth and data as features, and more coordinates: the same states and gradients as the stated models, for vectors and images."""

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import (
    AGREED,
    HIDDEN,
    SIZE,
    along,
    by_odeanalysis,
    by_torch,
    data,
    difference,
    network,
    stated,
    summed,
    weights,
)
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import Augmented, DataControl, DepthConcat, Galerkin, Projected, Sequential, input_layer

SENSITIVITIES = {"discrete": DiscreteAdjoint(), "checkpointed": DiscreteAdjoint(Checkpointed()), "direct": Direct()}
x = oda.block("x", SIZE)


def image(channels: int, seed: int = 0) -> Tensor:
    return torch.randn(2, channels, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def layer(channels: int, outputs: int) -> nn.Module:
    return nn.Conv2d(channels, outputs, 3, padding=1).double()


# ---------------------------------------------------------------- depth


def test_depth_as_a_feature_is_that_of_the_stated_model():
    field, start = DepthConcat(network(SIZE + 1)), data()
    values = {**weights(field, "field."), "x": start, "w": along()}
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start) @ along()).sum(), values)
    model = oda.data_control(stated(), "z", oda.depth, {"W1": (HIDDEN, SIZE + 1)})
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


def test_depth_as_a_feature_where_samples_have_their_own():
    field, start = DepthConcat(network(SIZE + 1)), data()
    values = {**weights(field, "field."), "x": start, "w": along()}
    found = by_torch((NeuralODE(field, domain=(0, lambda z: z[:, 0]), method="rk4", steps=5)(start) @ along()).sum(), values)
    model = oda.data_control(stated((0, x[0])), "z", oda.depth, {"W1": (HIDDEN, SIZE + 1)})
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


def test_depth_is_the_last_channel_of_images():
    inner, images = layer(4, 3), image(3)
    field = DepthConcat(inner)
    for depth in (torch.tensor(0.3).double(), torch.tensor([0.3, -0.2]).double()):
        channel = torch.ones(2, 1, 4, 3).double() * depth.reshape(-1, 1, 1, 1)
        assert torch.equal(field(depth, images), inner(torch.cat([images, channel], 1)))
    assert NeuralODE(field, method="rk4", steps=2)(images).shape == images.shape


# ---------------------------------------------------------------- data


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_data_control_is_that_of_the_stated_model(name: str):
    """The state starts at the data too, so that both ways to a gradient count."""
    field, start = DataControl(network(2 * SIZE)), data()
    values = {**weights(field, "field."), "x": start, "w": along()}
    module = NeuralODE(field, method="rk4", steps=5, sensitivity=SENSITIVITIES[name])
    found = by_torch((module(start, start) @ along()).sum(), values)
    model = oda.data_control(stated(), "z", x, {"W1": (HIDDEN, 2 * SIZE)})
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_a_gradient_reaches_an_input_layer_and_an_embedding(name: str):
    """They are computed once, before the solve; a library that detaches the data gets them wrong without a word."""
    torch.manual_seed(2)
    first, embedding, points = nn.Linear(3, SIZE).double(), nn.Linear(3, 1).double(), data(3).detach()
    module = NeuralODE(DataControl(network(SIZE + 1)), method="rk4", steps=3, sensitivity=SENSITIVITIES[name])

    def loss(weight: Tensor, other: Tensor) -> Tensor:
        start = torch.func.functional_call(first, {"weight": weight}, (points,))
        seen = torch.func.functional_call(embedding, {"weight": other}, (points,))
        return (module(start, seen) @ along()).sum()

    assert torch.autograd.gradcheck(loss, (first.weight, embedding.weight))


def test_data_join_images_as_channels():
    inner, images, other = layer(5, 3), image(3), image(2, 1)
    field = DataControl(inner)
    assert torch.equal(field(torch.tensor(0.1).double(), images, other), inner(torch.cat([images, other], 1)))
    assert NeuralODE(field, method="rk4", steps=2)(images, other).shape == images.shape


def test_data_control_around_a_field_that_sees_depth():
    """Wrappers hand on what the field inside takes."""
    field, start, other = DataControl(DepthConcat(network(4))), data(), data(1)
    depth = torch.tensor(0.4).double()
    joined = torch.cat([start, other, depth.expand(len(start), 1)], 1)
    assert torch.equal(field(depth, start, other), field.field.field(joined))


def test_layers_in_a_row_get_depth_and_data_where_they_take_them():
    torch.manual_seed(1)
    first, last = nn.Linear(4, 3).double(), nn.Linear(4, 2).double()
    field = Sequential(DataControl(first), nn.Tanh(), DepthConcat(Galerkin(last, oda.Monomial(2))))
    start, other, depth = data(), data(2, seed=8), torch.tensor(0.6).double()
    hidden = torch.cat([torch.tanh(first(torch.cat([start, other], 1))), depth.expand(len(start), 1)], 1)
    assert field.takes_data
    assert torch.allclose(field(depth, start, other), last(hidden))
    assert NeuralODE(field, method="rk4", steps=2)(start, other).shape == start.shape
    assert not Sequential(nn.Linear(2, 2), DepthConcat(nn.Linear(3, 2))).takes_data


# ---------------------------------------------------------------- more coordinates


@pytest.mark.parametrize("kind", ["zeros", "a function of the data", "an input layer"])
def test_augmentations_are_those_of_the_stated_model(kind: str):
    torch.manual_seed(4)
    wide = {"W1": (HIDDEN, 4), "W2": (4, HIDDEN), "b2": (4,)}
    A, c = oda.block("A", 2, SIZE), oda.block("c", 2)
    extra, first = nn.Linear(SIZE, 2).double(), nn.Linear(SIZE, 4).double()
    named = {"A": extra.weight, "c": extra.bias}
    starts = {
        "zeros": (Augmented(2), oda.zero_augmentation(stated(), "z", 2, wide), {}),
        "a function of the data": (Augmented(extra), oda.structured_augmentation(stated(), "z", A @ x + c, wide, [A, c]), named),
        "an input layer": (first, oda.input_layer(stated(), "z", 4, "B", "d", wide), {"B": first.weight, "d": first.bias}),
    }
    start, model, parameters = starts[kind]
    field, points = network(4, 4), data()
    values = {**weights(field), **parameters, "x": points, "w": along(4)}
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start(points)) @ along(4)).sum(), values)
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


def test_zeros_are_an_input_layer_bit_for_bit():
    points = data()
    first = input_layer(SIZE, 3).double()
    assert torch.equal(first(points), Augmented(3)(points))
    assert first.weight.requires_grad and first.out_features == 5


def test_the_projection_undoes_the_augmentation():
    for start, points in ((Augmented(2), data()), (Augmented(layer(3, 2)), image(3)), (Augmented(0), data())):
        wide = start(points)
        assert wide.shape[1] >= points.shape[1]
        assert torch.equal(Projected(points.shape[1])(wide), points)
    chain = nn.Sequential(Augmented(2), NeuralODE(network(4, 4), method="rk4", steps=2), Projected(SIZE))
    assert chain(data()).shape == (4, SIZE)


REFUSED = {
    r"DepthConcat joins tensors of shapes .*; give \[B, n": lambda: DepthConcat(nn.Linear(1, 1))(torch.tensor(0.0), torch.ones(3)),
    r"DataControl joins tensors of shapes \(2, 3, 4, 3\) and \(2, 5\)": lambda: DataControl(layer(5, 3))(
        torch.tensor(0.0), image(3), torch.ones(2, 5)
    ),
    r"the field takes data, f\(s, z, x\); call the module with it": lambda: NeuralODE(DataControl(network(4)))(data()),
    r"Augmented adds -1; give a number of zeros": lambda: Augmented(-1),
    r"Augmented adds True; give a number of zeros": lambda: Augmented(True),
    r"Augmented joins tensors of shapes \(4, 2\) and \(4, 2, 1\)": lambda: Augmented(nn.Unflatten(1, (2, 1)))(data()),
    r"Projected keeps 0 features": lambda: Projected(0),
    r"Projected keeps 3 features of a state of shape \(4, 2\)": lambda: Projected(3)(data()),
    r"input_layer of size 0": lambda: input_layer(0, 1),
    r"a layer takes 4 arguments": lambda: Sequential(Four()),
}


class Four(nn.Module):
    """A layer of too many arguments."""

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        return a + b + c + d


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()

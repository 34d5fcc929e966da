"""Fields that state a higher derivative: the same states and gradients as the stated model, and closed forms."""

import math

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import (
    AGREED,
    RK4,
    Pair,
    along,
    blocks,
    by_odeanalysis,
    by_torch,
    data,
    difference,
    network,
    weights,
)
from torchbridge import NeuralODE
from torchbridge.fields import Augmented, HigherOrder

# order, selected -> the length of the position, the lengths of the derivatives
KINDS = {"second": (2, None), "third": (3, None), "second, of one coordinate": (2, 1), "first": (2, 0)}
POSITION = 2


def sizes(order: int, selected: int | None) -> tuple[int, int]:
    """The length of a derivative, and of the whole state."""
    count = POSITION if selected is None else selected
    return count, POSITION + (order - 1) * count


def known(kind: str, values: dict[str, Tensor], begins: bool) -> Pair:
    """The stated model of second or higher order; a state of all blocks is what the field sees."""
    order, selected = KINDS[kind]
    count, total = sizes(order, selected)
    z, x = oda.block("z", POSITION), oda.block("x", POSITION)
    names = [f"v{i}" for i in range(1, order)] if count else []
    derivatives = [oda.block(name, count) for name in names]
    W1, b1, W2, b2 = blocks(total, POSITION)
    order_in_state = [*reversed(derivatives), z] if begins else [z, *derivatives]
    seen = oda.concat(*order_in_state) if derivatives else z
    model = oda.Model({z: W2 @ oda.tanh(W1 @ seen + b1) + b2}, {z: x}, (0, 1), [W1, b1, W2, b2], [x, *derivatives])
    if derivatives:
        model = oda.higher_order(model, "z", derivatives, begins=names[-1] if begins else None, selected=selected)
    states = {one.name: one for one in model.states}
    w = oda.block("w", total)
    joined = oda.concat(*(states[one.name] for one in order_in_state)) if derivatives else states["z"]
    problem = oda.Problem(model.with_(inputs=(*model.inputs, w)), oda.Objective(terminal=oda.dot(w, joined)), reduction="sum")
    return by_odeanalysis(problem, values, RK4)


# the highest derivative starts at the data where all coordinates have one
@pytest.mark.parametrize(("kind", "begins"), [*((kind, False) for kind in KINDS), ("second", True), ("third", True)])
def test_states_and_gradients_are_those_of_the_stated_model(kind: str, begins: bool):
    order, selected = KINDS[kind]
    _, total = sizes(order, selected)
    field = HigherOrder(network(total, POSITION), order, selected=selected, velocity_first=begins)
    points = data()
    values = {**weights(field, "field."), "x": points, "w": along(total)}
    start = Augmented(total - POSITION)(points)
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start) @ along(total)).sum(), values)
    assert difference(found, known(kind, values, begins)) < AGREED


def test_a_second_order_field_reflects():
    """z'' = -pi^2 z from (x, 0) is at -x when s = 1."""
    field = HigherOrder(lambda z: -(math.pi**2) * z[:, :2])
    points = data().detach()
    state = NeuralODE(field)(Augmented(2)(points))
    assert torch.allclose(field.blocks(state)[0], -points, atol=1e-7)
    assert torch.allclose(field.blocks(state)[1], torch.zeros(4, 2).double(), atol=1e-7)


def test_a_third_order_field_is_a_cubic():
    """z''' = 6 from rest is s^3."""
    field = HigherOrder(lambda z: torch.full_like(z[:, :1], 6.0), 3)
    states = NeuralODE(field, method="rk4", steps=2)(torch.zeros(1, 3, dtype=torch.float64), at=[0.5, 1.0])
    assert torch.allclose(states[:, 0], torch.tensor([[0.125, 0.75, 3.0], [1.0, 3.0, 6.0]]).double())


def test_velocity_may_begin_at_the_data():
    """z'' = 0: the position starts at 0 and moves by the data; the blocks of the state stand the other way round."""
    field = HigherOrder(lambda z: torch.zeros_like(z[:, 2:]), velocity_first=True)
    points = data().detach()
    state = NeuralODE(field, method="rk4", steps=1)(Augmented(2)(points))
    position, velocity = field.blocks(state)
    assert torch.allclose(position, points) and torch.equal(velocity, points)
    assert torch.equal(torch.cat([velocity, position], 1), state)


def test_images_share_their_channels():
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 2, 3, padding=1).double()
    images = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    field = HigherOrder(layer)
    assert torch.equal(field(torch.tensor(0.0), images), torch.cat([images[:, 2:], layer(images)], 1))


REFUSED = {
    "HigherOrder of order 1": lambda: HigherOrder(network(4, 2), 1),
    r"state of shape \(4, 3\), whose features do not divide into 2 equal blocks": lambda: HigherOrder(network(3, 1))(
        torch.tensor(0.0), data(3)
    ),
    r"do not divide into a position of 3 or more and 1 times 3": lambda: HigherOrder(network(4, 1), selected=3)(torch.tensor(0.0), data(4)),
    r"gives shape \(4, 4\), the position has \(4, 2\)": lambda: HigherOrder(network(4, 4))(torch.tensor(0.0).double(), data(4)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()

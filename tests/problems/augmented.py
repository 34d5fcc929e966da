"""Models that a transform made of smaller ones: more coordinates, higher derivatives, fields that see the data."""

from typing import Any

import odeanalysis as oda
from tests.problems.registry import case, drawn, names

s = oda.depth
WIDE = {"W": (3, 4), "V": (4, 3)}
z, x = oda.block("z", 2), oda.block("x", 2)
W, b, V = oda.block("W", 3, 2), oda.block("b", 3), oda.block("V", 2, 3)
WEIGHTS = {"W": drawn(21, 3, 4), "b": drawn(22, 3), "V": drawn(23, 4, 3)}
DATA = [[0.8, -0.4], [-0.3, 1.1]]


def vanilla() -> Any:
    """z' = V tanh(W z + b), z(0) = x in the plane."""
    return oda.Model({z: V @ oda.tanh(W @ z + b)}, {z: x}, (0, 1), [W, b, V], [x])


def posed(model: Any, **more: Any) -> Any:
    """A cost on all coordinates of the first state, and on the weights."""
    state = model.states[0]
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(state) + oda.sum(state), running=oda.sumsq(b) * oda.sum(state), **more))


@case(**WEIGHTS, x=DATA)
def zero_augmented():
    return posed(oda.zero_augmentation(vanilla(), "z", 2, WIDE))


@case(W=drawn(24, 2, 3, 3), b=WEIGHTS["b"], V=drawn(33, 3, 3), A=drawn(25, 3, 2), c=drawn(26, 3), x=DATA[0])
def input_layer_of_a_series():
    """An input layer before a field whose first weights are functions of depth, widened after they became that."""
    varying = oda.galerkin(vanilla(), {"W": oda.Monomial(2)})
    return posed(oda.input_layer(varying, "z", 3, "A", "c", {"W": (3, 3), "V": (3, 3)}))


@case(W=WEIGHTS["W"], b=drawn(27, 2, 3), V=WEIGHTS["V"], U=drawn(28, 2, 2), x=DATA, seen=[0.3, -0.2])
def structured_and_stacked():
    """Coordinates that start at a function of the data and are observed, before a field whose bias is piecewise constant."""
    U, seen, wide = oda.block("U", 2, 2), oda.block("seen"), oda.block("z", 4)
    model = oda.structured_augmentation(vanilla(), "z", oda.tanh(U @ x), WIDE, [U])
    model = oda.stacked(model, ["b"], [0, 0.4, 1])
    return posed(model, observations=(oda.Observation([0.4, 0.7], (wide[3] - seen) ** 2, [seen]),))


@case(k=0.7, c=0.3, speed0=1.2, seen=[0.4, 0.9, 0.6])
def second_order():
    """An oscillator with friction and a force that varies with depth, stated by its acceleration; the velocity has the stated start."""
    q, v, k, c, speed0, seen = names("q v k c speed0 seen")
    model = oda.Model({q: -k * oda.sin(q) - c * v + s}, {q: speed0 + c}, (0, 2), [k, c, speed0], [v])
    model = oda.higher_order(model, "q", ["v"], {"q": k}, begins="v")
    observation = oda.Observation([0, 0.5, 2], (q - seen) ** 2 + k * v**2, [seen])
    return oda.Problem(model, oda.Objective(terminal=q * v, running=k * v**2, observations=(observation,)))


@case(W=drawn(32, 3, 2), b=WEIGHTS["b"], V=drawn(30, 2, 3), x=DATA)
def selective_third_order():
    """One of two coordinates has a velocity and an acceleration, which starts at a parameter."""
    return posed(oda.higher_order(vanilla(), "z", ["v", "a"], {"a": b[:1]}, selected=1))


@case(W=drawn(29, 3, 5), b=WEIGHTS["b"], V=drawn(30, 2, 3), x=DATA)
def data_controlled():
    """A field that sees the data and the depth."""
    return posed(oda.data_control(vanilla(), "z", oda.concat(x, s), {"W": (3, 5)}))


@case(W=drawn(31, 3, 3), b=WEIGHTS["b"], V=drawn(30, 2, 3), E=[0.4, -0.7], x=DATA)
def data_controlled_by_a_block():
    """An embedding of the data, carried by a constant state."""
    E = oda.block("E", 2)
    return posed(oda.data_control(vanilla(), "z", E @ x, {"W": (3, 3)}, block="c", parameters=[E]))

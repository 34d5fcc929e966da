"""More coordinates, higher derivatives, fields that see the data: against models by hand, and against what is known in closed form."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian

s = oda.depth
z, x, wide = oda.block("z", 2), oda.block("x", 2), oda.block("z", 4)
W, b, V = oda.block("W", 3, 2), oda.block("b", 3), oda.block("V", 2, 3)
A, c, U = oda.block("A", 4, 2), oda.block("c", 4), oda.block("U", 2, 2)
q, v, a, k = (oda.block(name) for name in ("q", "v", "a", "k"))
WIDE: dict[Any, Any] = {"W": (3, 4), V: (4, 3)}
W4, V4 = oda.block("W", 3, 4), oda.block("V", 4, 3)
TIGHT = oda.Settings("tsit5", rtol=1e-12, atol=1e-13)
# what a tolerance of 1e-12 for each step leaves at the end of these domains
SOLVED = 1e-10


def model(**changes: Any) -> Any:
    """z' = V tanh(W z + b) on [0, 1]."""
    default = {"field": {z: V @ oda.tanh(W @ z + b)}, "initial": {z: x}, "domain": (0, 1), "parameters": [W, b, V], "inputs": [x]}
    return oda.Model(**{**default, **changes})


def by_hand(**changes: Any) -> Any:
    """The same network over four coordinates."""
    return model(**{"field": {wide: V4 @ oda.tanh(W4 @ wide + b)}, "parameters": [W4, b, V4], **changes})


def drawn(stated: Any, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {leaf.name: rng.normal(0, 0.6, getattr(leaf, "shape", ())) for leaf in stated.names}


def final(stated: Any, values: dict[str, Any], settings: Any = TIGHT) -> Any:
    return oda.solve_problem(oda.Problem(stated, oda.Objective()), values, settings).final


# ---------------------------------------------------------------- augment

AUGMENTED: dict[str, Any] = {
    "zero": (lambda m: oda.zero_augmentation(m, "z", 2, WIDE), oda.concat(x, oda.zeros(2)), []),
    "structured": (lambda m: oda.structured_augmentation(m, z, oda.tanh(U @ x), WIDE, [U]), oda.concat(x, oda.tanh(U @ x)), [U]),
    "input layer": (lambda m: oda.input_layer(m, "z", 4, "A", c, WIDE), A @ x + c, [A, c]),
    "any": (lambda m: oda.augment(m, "z", oda.concat(oda.zeros(2), x), WIDE), oda.concat(oda.zeros(2), x), []),
}


@pytest.mark.parametrize("name", AUGMENTED)
def test_a_wider_model_equals_the_one_written_by_hand(name: str):
    transform, initial, added = AUGMENTED[name]
    assert transform(model()) == by_hand(initial={wide: initial}, parameters=[W4, b, V4, *added])


def test_data_of_another_length_make_an_input_layer_without_other_weights():
    y = oda.block("y", 5)
    narrow = oda.augment(model(inputs=[x, y]), "z", y[:2] * oda.sum(y))
    assert narrow == model(inputs=[x, y], initial={z: y[:2] * oda.sum(y)})


@pytest.mark.parametrize("seed", range(3))
def test_zero_augmentation_is_an_input_layer_bit_for_bit(seed: int):
    """W = [I; 0] and b = 0; so is a structured augmentation whose added coordinates start at 0."""
    zero, layer, structured = (AUGMENTED[name][0](model()) for name in ("zero", "input layer", "structured"))
    values = drawn(zero, seed)
    wanted = final(zero, values)["z"]
    assert np.array_equal(final(layer, {**values, "A": np.eye(4, 2), "c": np.zeros(4)})["z"], wanted)
    assert np.array_equal(final(structured, {**values, "U": np.zeros((2, 2))})["z"], wanted)


def test_the_structured_form_keeps_the_data_at_the_start_only():
    structured = AUGMENTED["structured"][0](model())
    values = drawn(structured, 0)
    assert np.array_equal(final(structured.with_(domain=(0, 0)), values)["z"][:2], values["x"])
    assert np.abs(final(structured, values)["z"][:2] - values["x"]).min() > 1e-3


VARYING: dict[str, Any] = {
    "galerkin": lambda m: oda.galerkin(m, {"W": oda.Fourier(3, period=1), "V": oda.Hat([0, 0.5, 1])}),
    "galerkin of a vector": lambda m: oda.galerkin(m, {"b": oda.Monomial(2)}),
    "stacked": lambda m: oda.stacked(m, ["W", "b"], [0, 0.3, 1]),
}


@pytest.mark.parametrize("name", VARYING)
@pytest.mark.parametrize("kind", AUGMENTED)
def test_names_that_vary_with_depth_are_widened_before_or_after(name: str, kind: str):
    vary, (widen, _, _) = VARYING[name], AUGMENTED[kind]
    assert widen(vary(model())) == vary(widen(model()))


PARTS: dict[str, Any] = {
    "an entry": (z[1], wide[1]),
    "the last entry is the one it was": (z[-1], wide[1]),
    "a part": (oda.sum(z[1:]), oda.sum(wide[1:2])),
    "a whole axis": (oda.sum(z[:] ** 2), oda.sum(wide[:] ** 2)),
    "a whole axis backward": (oda.sum(oda.exp(z[::-1])), oda.sum(oda.exp(wide[::-1]))),
    "backward in a product": (z @ z[::-1], wide @ wide[::-1]),
    "a row": (W[0] @ z, W4[0] @ wide),
    "a row of a transpose": (W.T[0] @ b, W4.T[0] @ b),
    "a column": (oda.sum(V[:, 1]), oda.sum(V4[:, 1])),
    "an entry of a product": ((V @ b)[1], (V4 @ b)[1]),
    "the number of coordinates": (oda.sum(oda.sin(z)) + oda.sumsq(z), oda.sum(oda.sin(wide)) + oda.sumsq(wide)),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_keep_their_entries_and_whole_axes_stay_whole(name: str):
    before, after = PARTS[name]
    made = oda.zero_augmentation(model(field={z: before * (V @ oda.tanh(W @ z + b))}), "z", 2, WIDE)
    assert made.field == by_hand(field={wide: after * (V4 @ oda.tanh(W4 @ wide + b))}, initial={wide: oda.zeros(4)}).field


def test_a_name_is_resized_wherever_it_stands():
    ends, longer = oda.block("ends", 2), oda.block("ends", 3)
    parts: dict[str, Any] = {"domain": (0, ends[1]), "breakpoints": [ends[0]], "nodes": [[0, ends[0], ends[1]]]}
    made = oda.zero_augmentation(model(parameters=[W, b, V, ends], **parts), "z", 2, {**WIDE, "ends": [3]})
    assert (made.domain, made.breakpoints, made.nodes) == ((0, longer[1]), (longer[0],), ((0, longer[0], longer[1]),))
    seeing = oda.data_control(model(initial={z: x * oda.sum(W[0])}), "z", x, {"W": (3, 4)})
    assert seeing.initial == ((z, x * oda.sum(W4[0])),)


def test_lengths_may_be_symbols():
    n, m = sp.Symbol("n", integer=True), sp.Symbol("m", integer=True)
    y, data, weights, longer = oda.block("y", n), oda.block("data", n), oda.block("weights", n, n), oda.block("y", n + m)
    made = oda.zero_augmentation(oda.Model({y: weights @ y}, {y: data}, (0, 1), [weights], [data]), "y", m, {"weights": (n + m, n + m)})
    assert made.initial == ((longer, oda.concat(data, oda.zeros(m))),)
    assert made.field == ((longer, oda.block("weights", n + m, n + m) @ longer),)


# ---------------------------------------------------------------- higher order


def test_the_field_becomes_that_of_the_highest_derivative():
    other = oda.block("other")
    stated = oda.Model({q: -k * q - v, other: q}, {q: a, other: 1}, (0, 1), [k, a], [v])
    made = oda.higher_order(stated, "q", ["v", "w"], {"w": k})
    w = oda.block("w")
    assert made == oda.Model({q: v, v: w, w: -k * q - v, other: q}, {q: a, v: 0, w: k, other: 1}, (0, 1), [k, a])


def test_the_velocity_may_have_the_stated_start():
    made = oda.higher_order(model(), z, [oda.block("v", 2)], begins="v")
    assert dict(made.initial) == {z: oda.zeros(2), oda.block("v", 2): x}
    assert dict(oda.higher_order(model(), z, ["v"], {"z": V @ b}, begins="v").initial)[z] == V @ b


def test_only_selected_coordinates_have_derivatives():
    speed, rate = oda.block("v", 1), oda.block("w", 1)
    f = V @ oda.tanh(W @ z + b)
    made = oda.higher_order(model(), "z", ["v", "w"], begins="w", selected=1)
    assert made.field == ((z, oda.concat(speed, f[1:])), (speed, rate), (rate, f[:1]))
    assert made.initial == ((z, oda.concat(oda.zeros(1), x[1:])), (speed, oda.zeros(1)), (rate, x[:1]))


def test_all_coordinates_selected_is_second_order_and_none_is_first_order():
    assert oda.higher_order(model(), "z", ["v"], selected=2) == oda.higher_order(model(), "z", ["v"])
    values = drawn(model(), 1)
    assert np.array_equal(final(oda.higher_order(model(), "z", ["v"], selected=0), values)["z"], final(model(), values)["z"])


def oscillator(**changes: Any) -> Any:
    """z'' = -pi^2 z in the plane over unit depth."""
    return oda.Model(**{"field": {z: -(sp.pi**2) * z}, "initial": {z: x}, "domain": (0, 1), "inputs": [x], **changes})


X = np.array([[0.8, -1.3], [2.0, 0.1]])


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)], ids=str)
def test_second_order_reflects(shape: tuple[int, ...]):
    """z'' = -pi^2 z from (x, 0): z(1) = -x, for scalars, vectors and matrices."""
    state, data = oda.block("z", *shape), oda.block("x", *shape)
    given = np.random.default_rng(5).normal(size=(4, *shape))
    stated = oscillator(field={state: -(sp.pi**2) * state}, initial={state: data}, inputs=[data])
    found = final(oda.higher_order(stated, "z", ["v"]), {"x": given})
    assert np.allclose(found["z"], -given, atol=SOLVED) and np.allclose(found["v"], 0, atol=SOLVED)


def test_from_a_velocity_second_order_is_a_sine():
    """z'' = -pi^2 z from (0, x): z(1/2) = x/pi."""
    found = final(oda.higher_order(oscillator(domain=(0, 0.5)), "z", ["v"], begins="v"), {"x": X})
    assert np.allclose(found["z"], X / np.pi, atol=SOLVED)


def test_selective_second_order_reflects_one_coordinate():
    """z_q'' = -pi^2 z_q, z_p(0) = 0, z_e' = 0: (x, y) -> (-x, y), which no flow of the plane can."""
    stated = oscillator(field={z: oda.concat(-(sp.pi**2) * z[0], 0)})
    found = final(oda.higher_order(stated, "z", ["v"], selected=1), {"x": X})
    assert np.allclose(found["z"], X * [-1, 1], atol=SOLVED)


def test_third_order_is_a_cubic():
    """z''' = 6: z(s) = s^3 + a s^2/2 + v s + z0."""
    start, speed, bend = (oda.block(name) for name in ("start", "speed", "bend"))
    stated = oda.Model({q: 6}, {q: start}, (0, 2), [start, speed, bend])
    made = oda.higher_order(stated, "q", ["v", "w"], {"v": speed, "w": bend})
    found = final(made, {"start": 0.3, "speed": -1.1, "bend": 0.7})
    assert found["q"] == pytest.approx(8 + 0.7 * 2 - 1.1 * 2 + 0.3, abs=SOLVED)


def count(stated: Any) -> int:
    return sum(int(np.prod(getattr(leaf, "shape", ()))) for leaf in stated.parameters)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_the_parameters_are_as_few_as_the_theory_says(order: int):
    """One hidden layer of H units with biases over n_z coordinates: n_z H + H + (H + 1) n_z/n for order n."""
    size, hidden = 6, 5
    n = size // order
    y, first, data = oda.block("y", n), oda.block("first", hidden, n), oda.block("data", n)
    bias, last, shift = oda.block("bias", hidden), oda.block("last", n, hidden), oda.block("shift", n)
    made = oda.Model({y: last @ oda.tanh(first @ y + bias) + shift}, {y: data}, (0, 1), [first, bias, last, shift], [data])
    if order > 1:
        names = [f"d{i}" for i in range(1, order)]
        made = oda.higher_order(made, "y", names)
        made = oda.data_control(made, "y", oda.concat(*(oda.block(name, n) for name in names)), {"first": (hidden, size)})
    assert sum(state.shape[0] for state in made.states) == size
    assert count(made) == size * hidden + hidden + (hidden + 1) * size // order


# ---------------------------------------------------------------- data control


def test_the_field_takes_the_data_behind_the_state():
    made = oda.data_control(model(), "z", "x", {"W": (3, 4)})
    assert made == model(field={z: V @ oda.tanh(W4 @ oda.concat(z, x) + b)}, parameters=[W4, b, V])
    assert oda.data_control(model(), z, x, {"W": (3, 4)}) == made
    deep = oda.data_control(model(), "z", s, {"W": (3, 3)})
    assert dict(deep.field)[z] == V @ oda.tanh(oda.block("W", 3, 3) @ oda.concat(z, s) + b)


def test_a_block_carries_the_data():
    C = oda.block("C", 2)
    made = oda.data_control(model(), "z", U @ x, {"W": (3, 4)}, block="C", parameters=[U])
    field = {z: V @ oda.tanh(W4 @ oda.concat(z, C) + b), C: oda.zeros(2)}
    assert made == model(field=field, initial={z: x, C: U @ x}, parameters=[W4, b, V, U])


@pytest.mark.parametrize("data", [x, U @ x, oda.sumsq(x)], ids=["data", "embedding", "scalar"])
@pytest.mark.parametrize("seed", range(2))
def test_data_control_equals_augmentation_by_a_constant_block(data: Any, seed: int):
    """The same states and gradients, in the data too, along the same steps."""
    size = 2 + int(np.prod(getattr(data, "shape", ())))
    both = [oda.data_control(model(), "z", data, {"W": (3, size)}, block, [U]) for block in (None, "carried")]
    one, two = (oda.Problem(made, oda.Objective(oda.sumsq(z) + oda.sum(z), oda.sumsq(z))) for made in both)
    values = {**drawn(both[0], seed), "x": X}
    (value, gradient), (wanted, expected) = (oda.value_and_gradient(each, values, method="rk4", steps=20) for each in (one, two))
    assert value == pytest.approx(wanted, rel=1e-14)
    assert np.abs(gradient["x"]).min() > 1e-3
    assert all(np.allclose(gradient[name], expected[name], rtol=1e-12, atol=1e-14) for name in values)


def test_data_control_approximates_the_reflection():
    """Equation (9) from z' = -theta w z: the weights [1, 1] on [z, x] give z(s) = (2 exp(-theta s) - 1) x."""
    y, data, theta, w = oda.block("y", 1), oda.block("data", 1), oda.block("theta"), oda.block("w", 1, 1)
    vanilla = oda.Model({y: -theta * (w @ y)}, {y: data}, (0, 1), [theta, w], [data])
    found = final(oda.data_control(vanilla, "y", "data", {"w": (1, 2)}), {"theta": 2.0, "w": [[1.0, 1.0]], "data": [0.7]})
    assert found["y"][0] == pytest.approx((2 * np.exp(-2) - 1) * 0.7, abs=SOLVED)


# ---------------------------------------------------------------- together

FLOWING = oda.flow(model(), "z", "ld")


def test_they_compose_with_each_other_and_with_a_flow():
    """An input layer for position and velocity; the whole system's volume shrinks by the friction."""
    made = oda.higher_order(oda.Model({q: -oda.sin(q) - k * v}, {q: a}, (0, 2), [k, a], [v]), "q", ["v"])
    grown: Any = oda.flow(made, ["q", "v"], "ld").field
    assert grown[-1][1] == -k
    both = oda.data_control(oda.higher_order(model(), "z", ["v"]), "z", oda.concat(oda.block("v", 2), x), {"W": (3, 6)})
    assert dict(both.field)[oda.block("v", 2)] == V @ oda.tanh(oda.block("W", 3, 6) @ oda.concat(z, oda.block("v", 2), x) + b)


def test_a_volume_that_stays_that_of_the_field_is_kept():
    """The divergence of the wider network, whether it was derived before or after."""
    assert oda.zero_augmentation(FLOWING, "z", 2, WIDE) == oda.flow(oda.zero_augmentation(model(), "z", 2, WIDE), "z", "ld")


def test_a_wider_second_order_model_has_wider_velocities():
    widened = oda.higher_order(oda.zero_augmentation(model(), "z", 2, WIDE), "z", ["v"])
    assert [state.shape for state in widened.states] == [(4,), (4,)]


def test_costs_on_the_field_see_what_was_added():
    made = oda.data_control(model(), "z", "x", {"W": (3, 4)})
    found = oda.regularize(oda.Problem(made, oda.Objective()), kinetic=1, states=["z"]).objective.running
    assert found == oda.sumsq(dict(made.field)[z])


# ---------------------------------------------------------------- refusals

SCALAR = oda.Model({q: -k * q}, {q: a}, (0, 1), [k, a])
REFUSED: dict[str, Any] = {
    r"augment of 'q' of shape \(\) in 'model', which is no vector": lambda: oda.zero_augmentation(SCALAR, "q", 2),
    r"'w' is no state of 'model'": lambda: oda.zero_augmentation(model(), "w", 2),
    r"augment of 'z' in 'model', whose length becomes 4: shapes \(3, 2\) and \(4,\) cannot be .*new shape under resize\)": (
        lambda: oda.zero_augmentation(model(), "z", 2)
    ),
    r"field 'z' of 'model' has shape \(2,\), but needs \(4,\).*under resize": lambda: oda.zero_augmentation(model(), "z", 2, {"W": (3, 4)}),
    r"an axis cannot have length -1": lambda: oda.zero_augmentation(model(), "z", -1),
    r"1\.5 is no axis length": lambda: oda.zero_augmentation(model(), "z", 1.5),
    r"starts 'z' of 'model' at an expression of shape \(2, 3\); give a vector": lambda: oda.augment(model(), "z", V),
    r"initial 'z' of 'model' uses 'z'": lambda: oda.augment(model(), "z", 2 * z),
    r"initial 'z' of 'model' uses 'U', which is no parameter or input": lambda: oda.augment(model(), "z", U @ x),
    r"'Q' is no parameter or input of 'model'; use one of": lambda: oda.zero_augmentation(model(), "z", 2, {"Q": (3, 4)}),
    r"resize gives 'W' of shape \(3, 2\) the shape \(3, 4, 1\); change the lengths": (
        lambda: oda.zero_augmentation(model(), "z", 2, {"W": (3, 4, 1)})
    ),
    r"resize gives 'k' of shape \(\) the shape \(\); change": lambda: oda.zero_augmentation(
        model(parameters=[W, b, V, k]), "z", 2, {k: ()}
    ),
    r"resize of 'W' is 4; give a list": lambda: oda.zero_augmentation(model(), "z", 2, {"W": 4}),
    r"takes entry 2 of an axis whose new length is 2": lambda: oda.augment(
        model(field={z: V @ oda.tanh(b) + b[2]}), "z", x, {"b": [2], "V": (2, 2)}
    ),
    r"takes entry 2 of an axis whose new length is 1": lambda: oda.augment(model(field={z: z * oda.sum(b[1:])}), "z", x, {"b": [1]}),
    r"weight is 'W', a name that 'model' has already": lambda: oda.input_layer(model(), "z", 4, "W", "c", WIDE),
    r"bias is 'c' of shape \(4,\); give a name, or one of shape \(5,\)": lambda: oda.input_layer(model(), "z", 5, "A", c),
    r"higher_order of 'z' names no derivative; name those below": lambda: oda.higher_order(model(), "z", []),
    r"derivatives is 'v'; give a list": lambda: oda.higher_order(model(), "z", "v"),
    r"derivative is 'W', a name that 'model' has already": lambda: oda.higher_order(model(), "z", ["W"]),
    r"derivative 'u' of shape \(3,\) is declared as an input of another shape than \(2,\)": lambda: oda.higher_order(
        model(inputs=[x, oda.block("u", 3)]), "z", ["u"]
    ),
    r"derivative is 'v' of shape \(\); give a name, or one of shape \(2,\)": lambda: oda.higher_order(model(), "z", [v]),
    r"of which 'x' become states: initial 'z' of 'model' uses 'x'": lambda: oda.higher_order(model(), "z", ["x"]),
    "declares 'v' twice, both times as a state": lambda: oda.higher_order(model(), "z", ["v", "v"]),
    r"'w' is no position or derivative": lambda: oda.higher_order(model(), "z", ["v"], begins="w"),
    r"initial starts 'v', which begins at the stated initial value": lambda: oda.higher_order(model(), "z", ["v"], {"v": x}, begins="v"),
    r"initial starts 'z', which begins": lambda: oda.higher_order(model(), "z", ["v"], {"z": x}),
    r"initial 'v' of 'model' has shape \(\), but needs \(2,\)": lambda: oda.higher_order(model(), "z", ["v"], {"v": 1}),
    r"selected is 3; give a whole number of coordinates of 'z' of shape \(2,\), from 0 to 2": lambda: oda.higher_order(
        model(), "z", ["v"], selected=3
    ),
    r"selected is -1": lambda: oda.higher_order(model(), "z", ["v"], selected=-1),
    r"selected is True": lambda: oda.higher_order(model(), "z", ["v"], selected=True),
    r"higher_order with selected of 'q' of shape \(\) in 'model', which is no vector": lambda: oda.higher_order(
        SCALAR, "q", ["v"], selected=1
    ),
    r"data_control of 'z' in 'model': shapes \(3, 2\) and \(4,\).*under resize": lambda: oda.data_control(model(), "z", "x"),
    r"data_control of 'q' of shape \(\) in 'model', which is no vector": lambda: oda.data_control(SCALAR, "q", "a"),
    r"'y' is no name of 'model'": lambda: oda.data_control(model(), "z", "y"),
    r"data_control of 'z' by data of shape \(3, 2\); give a scalar or a vector": lambda: oda.data_control(model(), "z", "W"),
    r"which the field of 'model' does not use; write the data into the field": lambda: oda.data_control(model(field={z: V @ b}), "z", "x"),
    r"block 'C' carries data that contain 's', which varies with depth": lambda: oda.data_control(
        model(), "z", s * x, {"W": (3, 4)}, block="C"
    ),
    r"block 'C' carries data that contain 'x', which varies": lambda: oda.data_control(
        oda.galerkin(model(initial={z: b[:2]}), {"x": oda.Monomial(2)}), "z", "x", {"W": (3, 4)}, block="C"
    ),
    r"block is 'z', a name that 'model' has already": lambda: oda.data_control(model(), "z", "x", {"W": (3, 4)}, block="z"),
    r"sizes must be equal or 1 \(a name .* under resize; 'ld' was derived from this field: apply data_control before flow\)": lambda: (
        oda.data_control(FLOWING, "z", "x", {"W": (3, 4)})
    ),
    r"under resize; 'J' was derived from this field: apply augment before total_jacobian\)": lambda: oda.zero_augmentation(
        total_jacobian(model(), "z", "x", "J"), "z", 2, WIDE
    ),
}


LATE: dict[str, Any] = {
    "augment": lambda: oda.zero_augmentation(oda.flow(model(field={z: -k * z}, parameters=[k]), "z", "ld"), "z", 2),
    "data_control": lambda: oda.data_control(total_jacobian(model(field={z: V @ b * oda.sum(z)}), "z", "x", "J"), "z", "x"),
    "higher_order": lambda: oda.higher_order(FLOWING, "z", ["v"]),
    "higher_order, estimated": lambda: oda.higher_order(oda.flow(model(), "z", "ld", noise="eps"), "z", ["v"]),
}


@pytest.mark.parametrize("kind", LATE)
def test_a_field_from_which_a_state_was_derived_is_not_changed(kind: str):
    with pytest.raises(
        ModelError, match=rf"{kind.split(',')[0]} of 'z' in 'model' changes the field from which '(ld|J)' .*before (flow|total_j)"
    ):
        LATE[kind]()


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_augmented_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()

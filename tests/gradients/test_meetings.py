"""Break points that meet each other or an end: the gradient is given where the loss has one, and refused where it has not.

Which of the two is the case is measured: the one-sided difference quotients of losses that SciPy computes from the statement agree or not.
"""

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.verification.independent import gradients as independent

s, where = oda.depth, oda.where
z, k, a, b, c, d = (oda.block(name) for name in ("z", "k", "a", "b", "c", "d"))
WAYS = ("discrete", "adjoint", "forward", "complex step", "differences")
STEP = 1e-5
# the curvature of these losses times the step, and the rounding of SciPy's losses over it
AGREED = 1e-3


def problem(field, domain, terminal=z**2, initial=k, running=0, breakpoints=()):
    model = oda.Model({z: field}, {z: initial}, domain, (k, a, b, c, d), breakpoints=breakpoints, name="trial")
    return oda.Problem(model, oda.Objective(terminal, running))


def hats(domain):
    """A coefficient that is linear between depths 0, 1/2 and 1, and constant behind."""
    model = oda.Model({z: k * z}, {z: 1}, domain, (k, a, b, c, d), name="trial")
    return oda.Problem(oda.galerkin(model, {"k": oda.Hat([0, 0.5, 1])}), oda.Objective(z**2, k * z))


VALUES = {"k": 0.7, "a": 0.5, "b": 1.0, "c": 1.2, "d": 1.2}
ONE = sp.cos(1) ** 2 + sp.sin(1) ** 2
LEVELS = where(s < c, -z, 1) + where(s < d, k, 0) * z
SMOOTH = {
    "switches that add up": (problem(LEVELS, (0, 2)), {}),
    "on a way back": (problem(LEVELS, (2, 0.5)), {}),
    "in the running cost": (problem(where(s < c, -z, 1), (0, 2), running=where(s < d, z, k)), {}),
    "three that add up": (problem(LEVELS + where(s > b, z, s), (0, 2)), {"b": 1.2}),
    "one that makes no difference": (problem(where(s < c, -z, 1) * where(s < d, k, k), (0, 2)), {}),
    "of their own tangents": (problem(where(s < 2 * a, -z, 1) + where(s < b, k, 0) * z, (0, 2)), {}),
    "a kink at a moving end": (problem(oda.maximum(s, 1) * k - z, (0, b)), {}),
    "a kink at a moving start": (problem(oda.abs(s - 1) * k - z, (b, 2)), {}),
    "a moving kink at an end": (problem(oda.relu(s - c) * k - z, (0, 1.2)), {}),
    "a hat at a moving end": (hats((0, b)), {"k": [0.7, -0.3, 0.4]}),
    "an end on its own switch": (problem(where(s < c, k, -z), (0, c), where(s < c, z, 3 * z)), {}),
    "in other words": (problem(where(s < a * b + a, k, -z), (0, a * (b + 1))), {}),
    "that decide together": (problem(where(s < a * b + a, k, -z) * where(s < a * (b + 1), 1, k), (0, 2)), {}),
    "as it is written": (problem(where(s < a * (b + 1), k, -z), (0, a * (b + 1)), where(s < a * (b + 1), z, 3 * z)), {}),
    "a still switch at a still end": (problem(where(s < 1, k, -z), (0, 1), where(s < 1, z, 3 * z)), {}),
    "no length that stays": (problem(where(s < c, k, -z), (d, d), running=where(s < c, z, 1)), {}),
    "in other words, and still": (problem(where(s < ONE, k, -z) + where(s < a, 1, 0), (0, 1), where(s < ONE, z, 3 * z)), {}),
    "no length on its own switch": (problem(where(s < d, k, -z), (d, d), where(s < d, z, 3 * z)), {}),
    "a condition listed by hand": (problem(where(s**2 < c, k, -z), (0, 2), breakpoints=(oda.sqrt(c), 1)), {"c": 1.0}),
}


def quotients(stated, values, name):
    """The difference quotients of the loss in each entry of a value, to the right and to the left: [2, n]."""

    def loss(entry, size):
        moved = np.array(values[name], dtype=float)
        moved[entry] += size
        return independent.value(stated, bind(stated, {**values, name: moved}))

    places = list(np.ndindex(np.shape(values[name])))
    return np.array([[(loss(place, sign * STEP) - loss(place, 0)) * sign / STEP for place in places] for sign in (1, -1)])


@pytest.mark.parametrize("name", SMOOTH)
def test_where_both_sides_agree_every_way_gives_what_they_are(name):
    stated, others = SMOOTH[name]
    values = {**VALUES, **others}
    measured = {key: quotients(stated, values, key) for key in values}
    for way in WAYS:
        _, gradient = oda.value_and_gradient(stated, values, sensitivity=oda.SENSITIVITIES[way])
        for key, (right, left) in measured.items():
            assert np.ravel(gradient[key]) == pytest.approx(right, abs=AGREED) and right == pytest.approx(left, abs=AGREED)


def test_a_gradient_in_closed_form():
    """z' = -z + z = 0 up to 1.2, and 1 behind: dell/dc = (-z) - 1 = -4 and dell/dd = z = 3 for L = z, in either order."""
    stated = problem(where(s < c, -z, 1) + where(s < d, 1, 0) * z, (0, 2), z)
    _, gradient = oda.value_and_gradient(stated, {**VALUES, "k": 3.0})
    assert gradient["c"] == pytest.approx(-4, rel=1e-12) and gradient["d"] == pytest.approx(3, rel=1e-12)


BOTH = "breakpoints of 'trial': c and d meet at depth 1.2 for sample 0, where the field or the running cost jumps, in another way"
END = "domain of 'trial': the end {} and {} meet at depth {} for sample 0, where {}"
JUMP = "the field or the running cost jumps: the loss has two one-sided derivatives there; move one"
# problem, other values, what moves, message
REFUSED = {
    "switches of which one decides what the other does": (problem(where(s < c, -z, 1) * where(s < d, k, 2), (0, 2)), {}, "c", BOTH),
    "nested": (problem(where(s < c, where(s < d, k, 3), -z), (0, 2)), {}, "d", BOTH),
    "in the running cost": (problem(0 * z, (0, 2), running=where(s < c, z, 1) * where(s < d, k, 3)), {}, "c", BOTH),
    "on a way back": (problem(where(s < c, -z, 1) * where(s < d, k, 2), (2, 0)), {}, "c", BOTH),
    "a switch at a moving end": (problem(where(s < 1, k, -z), (0, b)), {}, "b", END.format("b", 1, 1, JUMP)),
    "a switch at a moving start": (problem(where(s < 1, k, -z), (b, 2)), {}, "b", "the start b and 1 meet at depth 1 "),
    "a moving switch at an end": (problem(where(s < c, k, -z), (0, 1.2)), {}, "c", END.format("6/5", "c", 1.2, JUMP)),
    "a moving switch at a moving end": (problem(where(s < c, k, -z), (0, d)), {}, "d", END.format("d", "c", 1.2, JUMP)),
    "in a cost": (problem(k, (0, b), running=where(s < 1, k, -z)), {}, "b", END.format("b", 1, 1, JUMP)),
    "no length that grows over a switch": (problem(where(s < 1, k, -z), (1, b)), {}, "b", "the start 1 and the end b meet at depth 1 "),
    "a kink in the terminal cost": (
        problem(k, (0, b), oda.maximum(s, 1) * z),
        {},
        "b",
        END.format("b", 1, 1, "the terminal cost switches: the loss has no derivative there; move one"),
    ),
    "a condition listed by hand": (
        problem(where(s**2 < c, k, -z), (0, 1), breakpoints=(oda.sqrt(c),)),
        {"c": 1.0},
        "c",
        END.format(1, "sqrt(c)", 1, JUMP),
    ),
    "a condition whose switch is not listed": (
        problem(where(s**2 < c, k, -z), (0, 1), breakpoints=(0.5,)),
        {"c": 1.0},
        "c",
        END.format(1, "the switch of s**2 < c", 1, JUMP),
    ),
}
# problem, what moves, message: the loss itself is another one on the two sides
JUMPS = {
    "the terminal cost": (problem(k, (0, b), where(s < 1, z, 5 * z)), "b", "where the terminal cost switches: the loss has no derivative"),
    "a moving switch of it": (
        problem(k, (0, 1.2), where(s < c, z, 5 * z)),
        "c",
        "where the terminal cost switches: the loss has no derivative",
    ),
    "the initial value": (
        problem(k, (b, 2), initial=where(s < 1, k, 3)),
        "b",
        "where the initial value switches: the loss has no derivative",
    ),
    "without length": (problem(k, (d, d), where(s < c, z, 5 * z)), "d", "where the terminal cost switches: the loss has no derivative"),
}


def refused(stated, values):
    with pytest.raises(oda.ModelError) as caught:
        oda.value_and_gradient(stated, values)
    return str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_where_the_sides_differ_the_gradient_is_refused(name):
    stated, others, mover, message = REFUSED[name]
    values = {**VALUES, **others}
    right, left = quotients(stated, values, mover)
    assert abs(right - left) > 0.1
    assert message in refused(stated, values)


@pytest.mark.parametrize("name", REFUSED)
def test_beside_the_meeting_the_gradient_is_that_of_its_side(name):
    stated, others, mover, _ = REFUSED[name]
    values = {**VALUES, **others}
    sides = quotients(stated, values, mover)
    for side, sign in zip(sides, (1, -1), strict=True):
        if name != "a condition whose switch is not listed" or sign > 0:
            _, gradient = oda.value_and_gradient(stated, {**values, mover: values[mover] + sign * STEP})
            assert np.ravel(gradient[mover]) == pytest.approx(side, abs=AGREED)


@pytest.mark.parametrize("name", JUMPS)
def test_where_the_loss_jumps_the_gradient_is_refused(name):
    stated, mover, message = JUMPS[name]
    around = [independent.value(stated, bind(stated, {**VALUES, mover: VALUES[mover] + step})) for step in (STEP, -STEP)]
    assert abs(around[0] - around[1]) > 0.1
    assert message in refused(stated, VALUES)


def test_the_sample_is_named():
    stated = problem(where(s < 1, k, -z), (0, b))
    assert "for sample 2," in refused(stated, {**VALUES, "b": [0.5, 1.5, 1.0, 1.0]})


def test_more_than_can_be_looked_at_are_refused():
    moving = [oda.block(f"w{i}") for i in range(9)]
    field = sum(where(s < one, z, 1) for one in moving)
    stated = oda.Problem(oda.Model({z: field}, {z: 1}, (0, 1), moving, name="trial"), oda.Objective(z))
    assert "w0 and w1 and" in refused(stated, {one.name: 0.5 for one in moving})
    assert oda.value_and_gradient(stated, {one.name: 0.5 + 0.01 * i for i, one in enumerate(moving)})

"""A written module gives what the library gives: on all cases, by all explicit methods, on random problems, whatever has a batch axis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.generation import generate
from odeanalysis.tableaus import METHODS, tableau
from odeanalysis.verification.strategies.problems import problems
from tests.cases import CASES
from tests.generation.modules import NAMES, TARGETS, load, module_of

# their depths meet while one of them moves: the library looks whether the loss has a derivative there, a module refuses
MEETING = ("no_length_with_a_switch",)
# steps are rejected beside kinks of the state, where a rounding decides how long they are
KINKED = ("kinks", "continuous_condition")
EXPLICIT = [name for name in METHODS if tableau(name).explicit]
FIXED, CONTROLLED = 1e-12, 1e-11


def misses(module, problem, values, **how):
    """The largest difference from the library, of the value and of each gradient, relative to the larger of it and 1e-3."""
    value, gradients = oda.value_and_gradient(problem, values, **how)
    found, others = module.value_and_gradient(values, **how)
    assert list(others) == list(gradients)
    assert {name: tuple(one.shape) for name, one in others.items()} == {name: one.shape for name, one in gradients.items()}
    pairs = [(float(found), value), *((np.asarray(others[name]), one) for name, one in gradients.items())]
    return max(float(np.max(np.abs(one - known), initial=0) / max(1e-3, np.max(np.abs(known), initial=0))) for one, known in pairs)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in MEETING])
def test_the_same_steps_give_the_same_gradient(name, target):
    case = CASES[name]
    assert misses(module_of(name, target), case.problem(), case.values(), method="rk4", steps=7) < FIXED


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*MEETING, *KINKED)])
def test_steps_are_controlled_alike(name, target):
    case = CASES[name]
    assert misses(module_of(name, target), case.problem(), case.values()) < CONTROLLED


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("name", ["everything_moves", "network_batch"])
def test_every_explicit_method_is_there(name, method):
    case = CASES[name]
    assert misses(module_of(name, "numpy"), case.problem(), case.values(), method=method, steps=5) < FIXED
    if tableau(method).adaptive:
        how = {"method": method, "rtol": 1e-6, "atol": 1e-7}
        assert misses(module_of(name, "numpy"), case.problem(), case.values(), **how) < CONTROLLED


@given(drawn=problems(moving_ends=True))
@settings(max_examples=25, deadline=None)
def test_random_problems(drawn):
    assert misses(load(generate(drawn.problem)), drawn.problem, drawn.values, method="dopri5", steps=6) < FIXED


def small():
    z, x, W, b, seen = oda.block("z", 2), oda.block("x", 2), oda.block("W", 2, 2), oda.block("b"), oda.block("seen", 2)
    model = oda.Model({z: oda.tanh(W @ z) + oda.sin(oda.depth) * b}, {z: x}, (0, 1), [W, b], [x], name="small")
    return oda.Problem(model, oda.Objective(oda.sumsq(z), b**2, (oda.Observation((0.25, 0.75), oda.sumsq(z - seen), (seen,)),)))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@given(batched=st.sets(st.sampled_from(["x", "W", "b", "seen"])))
@settings(max_examples=16, deadline=None)
def test_any_value_may_have_a_batch_axis(reduction, batched):
    from dataclasses import replace

    rng = np.random.default_rng(0)
    shapes = {"x": (2,), "W": (2, 2), "b": (), "seen": (2, 2)}
    values = {name: rng.normal(size=(3, *shape) if name in batched else shape) for name, shape in shapes.items()}
    values["seen"][..., 1, 0] = np.nan
    problem = replace(small(), reduction=reduction)
    assert misses(load(generate(problem)), problem, values, method="rk4", steps=4) < FIXED


def test_depths_that_meet_while_one_moves_are_refused():
    (name,) = MEETING
    with pytest.raises(ValueError, match=r"meet at 0.3 in sample 0: the loss may have two derivatives there; move one of them"):
        module_of(name, "numpy").value_and_gradient(CASES[name].values())

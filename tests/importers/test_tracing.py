"""Python functions as models; what symbols cannot do is refused, and so is what Python decides about them without a word."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda

pair = oda.block("y", 2)
W, b = oda.block("W", 2, 2), oda.block("b", 2)


def stated(field: Any, *parameters: Any, depth: str = "t", state: Any = "z", **parts: Any) -> oda.Model:
    """The model that a function has to give: one state that starts at a parameter behind it."""
    leaf = oda.block(state) if isinstance(state, str) else state
    start = oda.block(f"{leaf.name}0", *getattr(leaf, "shape", ()))
    listed = sorted([*parameters, start], key=lambda one: one.name)
    return oda.Model({leaf: field}, {leaf: start}, (0, 1), listed, depth=oda.block(depth), **{"name": "f", **parts})


z, k, t, s = (oda.block(name) for name in "zkts")


def rotated(y):
    u, v = y
    return v, -u


FUNCTIONS: dict[str, tuple[Callable[..., Any], Any, oda.Model]] = {
    "of the state alone": (lambda z: -z, "z", stated(-z)),
    "of depth, state, parameter": (lambda t, z, k: -k * z + oda.sin(t), "z", stated(-k * z + oda.sin(t), k)),
    "in any order": (lambda k, z, s: -k * z + s, "z", stated(-k * z + s, k, depth="s")),
    "with a default": (lambda z, k, gain=3: gain * k * z, "z", stated(3 * k * z, k)),
    "unpacked": (rotated, pair, stated(oda.concat(pair[1], -pair[0]), state=pair)),
    "as a list": (lambda y: [y[1], -y[0]], pair, stated(oda.concat(pair[1], -pair[0]), state=pair)),
    "through NumPy's products": (
        lambda y: np.array([[0, 1], [-1, 0]]) @ np.array(list(y)),
        pair,
        stated(oda.concat(pair[1], -pair[0]), state=pair),
    ),
    "list of one": (lambda z: [-z], "z", stated(-z)),
    "branch on a plain value": (lambda z, k, flag=True: k if flag else z, "z", stated(k, k)),
    "loop": (lambda z, k: sum(k**i * z for i in range(3)), "z", stated(z + k * z + k**2 * z, k)),
    "where": (lambda z, k: oda.where(k > 0, z, -z), "z", stated(oda.where(k > 0, z, -z), k)),
    "constant": (lambda z: 1, "z", stated(1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_states_its_model(name: str):
    f, state, wanted = FUNCTIONS[name]
    assert oda.from_function(f, state, name="f") == wanted


def test_arrays_are_declared_by_their_blocks():
    model = oda.from_function(lambda y, W, b: oda.tanh(W @ y + b), pair, parameters=[W, b], name="f")
    assert model == stated(oda.tanh(W @ pair + b), W, b, state=pair).with_(parameters=(W, b, oda.block("y0", 2)))


def test_several_states_by_order_or_by_name():
    hare, lynx = oda.block("hare"), oda.block("lynx")
    by_order = oda.from_function(lambda hare, lynx, k: (k * hare, -lynx), ["hare", "lynx"], [1, 2], name="f")
    by_name = oda.from_function(lambda hare, lynx, k: {"lynx": -lynx, "hare": k * hare}, ["hare", "lynx"], [1, 2], name="f")
    assert by_order == by_name == oda.Model({hare: k * hare, lynx: -lynx}, {hare: 1, lynx: 2}, (0, 1), [k], depth=t, name="f")


def test_starts_and_ends_bring_their_parameters():
    model = oda.from_function(lambda z: -z, "z", 2 * k, (0, oda.block("end")), inputs="x", name="f")
    assert [leaf.name for leaf in model.parameters] == ["end", "k"] and model.inputs == (oda.block("x"),)


def growth(z, theta):
    return theta * z


def test_the_model_is_named_as_the_function_is():
    assert oda.from_function(growth, "z").name == "growth" and oda.from_function(lambda z: z, "z").name == "model"


def branch(z):
    if z > 0:
        return z
    return -z


def chain(z):
    return z if 0 < z < 1 else -z


def compared(z, k):
    return z if k == 0 else z / k


def truth(z, k):
    return z if k else 2 * z


def entry(y, k):
    return -y if y[0] == 0 else k * y


def guarded(z, k):
    return z if k == 1 else z / (k - 1)


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "ufunc of NumPy": (lambda z: np.sin(z), "z", "calls a function of NumPy on a symbol"),
    "ufunc of an array": (lambda y: np.sin(y), pair, "calls a function of NumPy on a symbol"),
    "np.where": (lambda z: np.where(z > 0, z, 0), "z", "branches on a symbol"),
    "math": (lambda z: math.exp(z), "z", "calls a function of math on a symbol"),
    "math of an array": (lambda y: math.exp(y), pair, "calls a function of math on an array"),
    "float": (lambda z: float(z), "z", "makes a float"),
    "int": (lambda z: int(z) * z, "z", "makes a whole number"),
    "branch": (branch, "z", "branches on a symbol"),
    "chained comparison": (chain, "z", "branches on a symbol"),
    "max": (lambda z: max(z, 0), "z", "branches on a symbol"),
    "branch on an array": (lambda y: y if y > 0 else -y, pair, r"where\(condition, u, v\), not if"),
    "equality": (compared, "z", "gives other values at .*k=0.0"),
    "truth": (truth, "z", "gives other values at .*k=0.0"),
    "equality of an entry": (entry, pair, r"gives other values at y=\[0.0"),
    "equality with one": (guarded, "z", "gives other values at .*k=1.0"),
    "random": (lambda z: random.random() * z, "z", "gives other values"),
    "attribute": (lambda z: z.shape, "z", "cannot be called with symbols"),
    "star": (lambda z, *more: z, "z", "takes \\*more"),
    "no state": (lambda x: x, "z", "takes none of the states, 'z'"),
    "nothing back": (lambda z: None, "z", "gives back None for 'z'"),
    "too many back": (lambda z: [1, 2], "z", r"gives back \[1, 2\]"),
    "wrong length": (lambda y: [1, 2, 3], pair, r"shape \(3,\), but needs \(2,\)"),
    "complex": (lambda z: z * 1j, "z", "I"),
    "t and s": (lambda z, s, t: z, "z", "say which of them is the depth"),
    "no function": (3, "z", "3 is no function"),
    "symbolic size": (lambda y: y, oda.block("y", sp.Symbol("n", integer=True, positive=True)), "give its sizes as numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_symbols_cannot_do_is_refused(name: str):
    f, state, words = REFUSED[name]
    with pytest.raises(oda.ModelError, match=words) as refused:
        oda.from_function(f, state)
    assert len(str(refused.value)) < 600


def test_a_refusal_says_the_line_and_what_to_write():
    with pytest.raises(oda.ModelError) as refused:
        oda.from_function(branch, "z")
    line = branch.__code__.co_firstlineno + 1
    assert str(refused.value).startswith(f"branch, line {line}: it branches on a symbol") and "oda.where" in str(refused.value)


def test_arguments_that_are_not_listed_are_refused_where_parameters_are():
    with pytest.raises(oda.ModelError, match="takes 'k', which is no state, parameter, input or depth"):
        oda.from_function(lambda z, k: k * z, "z", parameters=["theta"])


def test_an_imported_function_has_a_certified_gradient():
    model = oda.from_function(lambda t, z, k: -k * z + oda.sin(t), "z")
    problem = oda.Problem(model, oda.Objective(terminal=model.states[0] ** 2))
    assert oda.check(problem, {"k": 0.4, "z0": 1.2}).verdict == "confirmed"

"""SymPy's equations as models: symbols of any assumptions, functions of the depth, derivatives; the rest refused by name."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

import odeanalysis as oda

t, k, u, v = sp.symbols("t k u v")
x, y = sp.Function("x"), sp.Function("y")
z, W = oda.block("z", 2), oda.block("W", 2, 2)


def decay(**parts: Any) -> oda.Model:
    """z' = -k z from z0, as the library's own symbols state it."""
    real = oda.block("u")
    model = oda.Model({real: -oda.block("k") * real}, {real: oda.block("u0")}, (0, 1), [oda.block("k"), oda.block("u0")])
    return model.with_(depth=oda.block("t"), **parts)


U = sp.Function("u")
SAME: dict[str, Any] = {
    "mapping": {u: -k * u},
    "pairs": [(u, -k * u)],
    "derivative of a symbol": [(sp.Derivative(u, t), -k * u)],
    "function": {U(t): -k * U(t)},
    "derivative": [sp.Eq(U(t).diff(t), -k * U(t))],
    "one equation": sp.Eq(U(t).diff(t), -k * U(t)),
    "assumptions": {sp.Symbol("u", positive=True): -sp.Symbol("k", complex=True) * sp.Symbol("u", positive=True)},
    "complex parts": {u: -sp.re(k) * sp.conjugate(u) + sp.im(u)},
    "integer": {u: -sp.Symbol("k", integer=True) * u},
}


@pytest.mark.parametrize("name", SAME)
def test_every_way_of_writing_states_the_same_model(name: str):
    assert oda.from_sympy(SAME[name]) == decay()


@pytest.mark.parametrize("initial", [{u: 2 * k}, {"u": 2 * k}, [2 * k], 2 * k, sp.Matrix([2 * k])], ids=str)
def test_starts_are_given_by_state_or_in_order(initial: Any):
    model = oda.from_sympy({u: -k * u}, initial, (0, k))
    assert model == decay(initial={oda.block("u"): 2 * oda.block("k")}, domain=(0, oda.block("k")), parameters=[oda.block("k")])


def test_starts_may_be_named_at_a_depth():
    model = oda.from_sympy([sp.Eq(x(t).diff(t), y(t)), sp.Eq(y(t).diff(t), -x(t))], {y(0): 1, x(0): k})
    assert [oda.text(start) for _, start in model.initial] == ["k", "1"] and model.parameters == (oda.block("k"),)


def test_parameters_are_listed_in_the_order_of_the_alphabet_unless_told():
    equations = {u: sp.Symbol("b") * u + sp.Symbol("a") + sp.Symbol("w")}
    assert [leaf.name for leaf in oda.from_sympy(equations, [1]).parameters] == ["a", "b", "w"]
    told = oda.from_sympy(equations, [1], parameters=sp.symbols("b a"), inputs=[sp.Symbol("w")])
    assert [leaf.name for leaf in told.parameters] == ["b", "a"] and [leaf.name for leaf in told.inputs] == ["w"]
    with pytest.raises(oda.ModelError, match="'w'"):
        oda.from_sympy(equations, [1], parameters=sp.symbols("b a"))


DEPTHS: dict[str, tuple[Any, Any, str]] = {
    "t where it is used": ({u: sp.sin(t)}, None, "t"),
    "s where it is used": ({u: sp.sin(sp.Symbol("s"))}, None, "s"),
    "neither": ({u: -u}, None, "t"),
    "t is a state": ({t: -t}, None, "s"),
    "variable of the functions": ({x(v): v}, None, "v"),
    "told": ({u: v * t}, v, "v"),
    "told by name": ({u: v * t}, "v", "v"),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_the_depth_is(name: str):
    equations, depth, wanted = DEPTHS[name]
    assert oda.from_sympy(equations, [1], depth=depth).depth.name == wanted


def test_names_that_models_do_not_allow_are_changed_with_a_word():
    lam, omega, sub = sp.symbols("lambda ω x_{1}")
    with pytest.warns(UserWarning) as said:
        model = oda.from_sympy({u: lam * u + omega + sub}, [1])
    assert [leaf.name for leaf in model.parameters] == ["lambda_", "omega", "x_1"]
    assert len(said) == 3 and "'lambda' cannot be a name in a model; it is named 'lambda_'" in {str(one.message) for one in said}


def test_a_changed_name_is_one_that_is_free():
    with pytest.warns(UserWarning):
        model = oda.from_sympy({u: sp.Symbol("lambda") * sp.Symbol("lambda_") * sp.Symbol("lambda__")}, [1])
    assert [leaf.name for leaf in model.parameters] == ["lambda_", "lambda__", "lambda__2"]


def test_arrays_keep_their_shapes():
    model = oda.from_sympy({z: oda.tanh(W @ z) * sp.Symbol("k", positive=True)})
    real = oda.block("k")
    assert dict(model.field)[z] == oda.tanh(W @ z) * real and oda.block("z0", 2) in model.parameters


REFUSED: dict[str, tuple[Any, str]] = {
    "second derivative": ([sp.Eq(x(t).diff(t, 2), 1)], "order 2; name the lower derivatives as states"),
    "unsolved": ([sp.Eq(x(t).diff(t) + x(t), 0)], "not solved for a derivative"),
    "delay": ([sp.Eq(x(t).diff(t), x(t - 1))], "no delays"),
    "value at one depth": ({x(t): x(0)}, r"x\(0\)"),
    "derivative on the right": ({x(t): x(t).diff(t)}, "Derivative has no place"),
    "integral": ({u: sp.Integral(u, u)}, "Integral has no place"),
    "unknown function": ({u: sp.Function("f")(u)}, r"f\(u\) is a function without an equation"),
    "two depths": ({x(t): 1, y(v): 2}, "more than one depth"),
    "no symbol as depth": ({x(2 * t): 1}, "no symbol"),
    "imaginary": ({u: sp.I * u}, "imaginary unit"),
    "infinite": ({u: sp.oo}, "oo is no finite number"),
    "not a number": ({u: sp.nan}, "nan is no finite number"),
    "gamma": ({u: sp.gamma(u)}, "gamma has no place"),
    "floor": ({u: sp.floor(u)}, "floor has no place"),
    "Heaviside": ({u: sp.Heaviside(u)}, r"Heaviside has no place.*Piecewise"),
    "equality": ({u: sp.Piecewise((1, sp.Eq(u, k)), (0, True))}, "Equality has no place"),
    "open piecewise": ({u: sp.Piecewise((1, u > 0))}, r"add \(value, True\)"),
    "matrix symbol": ({u: sp.MatrixSymbol("A", 2, 2)}, "odeanalysis.block"),
    "constant of another name": ({u: sp.EulerGamma}, "EulerGamma has no place"),
    "two of one name": ({u: sp.Symbol("u", positive=True)}, "two different symbols are named 'u'"),
    "symbol and function": ({x(t): sp.Symbol("x")}, "two different symbols are named 'x'"),
    "t and s": ({u: sp.Symbol("t") * sp.Symbol("s")}, "say which of them is the depth"),
    "equation twice": ([(u, 1), (u, 2)], "two equations are for one state"),
    "no equation": ([], "no equation"),
    "a number": (3, "equations are 3"),
    "a symbol": ([u], "u is no equation"),
    "odd left side": ({u * k: 1}, "names no state"),
    "huge power": ({u: u**10**7}, "exponent 10000000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_place_in_a_model_is_refused_by_name(name: str):
    equations, words = REFUSED[name]
    with pytest.raises(oda.ModelError, match=words):
        oda.from_sympy(equations)


WRONG_STARTS = [([1, 2], "2 entries for 1 states"), ({k: 1}, "'k', which is no state"), ({}, "no entry for 'u'")]


@pytest.mark.parametrize(("initial", "words"), WRONG_STARTS)
def test_starts_that_do_not_fit_are_refused(initial: Any, words: str):
    with pytest.raises(oda.ModelError, match=words):
        oda.from_sympy({u: -k * u}, initial)


def _of(*kinds: Any) -> Any:
    return lambda inner: st.tuples(st.sampled_from(kinds), inner).map(lambda one: one[0](one[1]))


def _pair(*kinds: Any) -> Any:
    return lambda inner: st.tuples(st.sampled_from(kinds), inner, inner).map(lambda one: one[0](one[1], one[2]))


UNARY = _of(sp.sin, sp.tanh, sp.atan, sp.Abs, sp.sech, lambda e: sp.exp(-(e**2)), lambda e: sp.sqrt(1 + e**2))
BINARY = _pair(sp.Add, sp.Mul, sp.Max, sp.Min, lambda e, f: sp.Piecewise((e, t < sp.Rational(1, 2)), (f, True)))
NUMBERS = st.integers(-9, 9).map(lambda n: sp.Rational(n, 4)) | st.sampled_from([sp.pi, sp.Float(0.3)])
LEAVES = st.sampled_from([u, k, t, sp.asinh(u)]) | NUMBERS
EXPRESSIONS = st.recursive(LEAVES, lambda inner: UNARY(inner) | BINARY(inner), max_leaves=10)


@given(EXPRESSIONS, st.tuples(st.floats(-2, 2, width=32), st.floats(-2, 2, width=32), st.sampled_from([0.25, 0.75])))
def test_any_expression_keeps_its_value(expression: Any, at: tuple[float, float, float]):
    """Against SymPy's own evaluation."""
    try:
        model = oda.from_sympy({u: expression}, [1], parameters=[k], depth=t)
    except oda.ModelError as error:
        assume("nests too many functions" not in str(error))  # a bound of model files
        raise
    (found,) = oda.compile_numpy(oda.formula("field", [*model.states, *model.parameters, model.depth], {"out": model.field[0][1]}))(*at)
    wanted = complex(sp.N(expression.subs(dict(zip((u, k, t), map(sp.Float, at), strict=True)))))
    assert np.isclose(found, wanted.real, rtol=1e-8, atol=1e-8)

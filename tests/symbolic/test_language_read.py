"""What texts of the language state, compared with expressions written in Python, with Python's own operators, and with NumPy."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.language import FORMULAS, MODELS, parse
from odeanalysis.symbolic.nodes import shape_of
from tests.symbolic.declared import LEAVES, NAMES, SHAPES, T3, A, W, a, b, gamma, read, refusal, s, y, z
from tests.symbolic.pythonic import by_numpy, by_operators
from tests.symbolic.strategies import TAME, WILD, stated, texts
from tests.targets.reference import evaluate

ROUNDING = 1e-11  # relative to the largest number met on the way: sums and powers of a few hundred operations
half = sp.Rational(1, 2)

STATED: dict[str, Any] = {
    "-gamma*a + b": b - gamma * a,
    "0.1": sp.Rational(1, 10),
    "1e-3 + .5 + 2.": sp.Rational(2501, 1000),
    "0.1000000000000000055511151231257827": sp.Rational(1, 10),
    "  a  ": a,
    "1/3*a": a / 3,
    "-a**2": -(a**2),
    "2**3**a": 2 ** (3**a),
    "a - b - s": a - b - s,
    "a/b*s": a / b * s,
    "+a - -b": a + b,
    "2*pi": 2 * sp.pi,
    "sqrt(2)*a": sp.sqrt(2) * a,
    "W @ y": W @ y,
    "z @ y": ex.dot(z, y),
    "W.T": W.T,
    "a.T": a,
    "W[0, 1]": W[0, 1],
    "W[-1]": W[1],
    "z[::-1]": z[::-1],
    "T3[:, 1:, -1]": T3[:, 1:, 1],
    "z[1:][0]": z[1],
    "concat(a, z, 1)": ex.concat(a, z, 1),
    "concat(z, y)[3:]": y,
    "zeros(2, 3) + z": ex.zeros(2, 3) + z,
    "0.5*ones(2)": ex.full(half, (2,)),
    "eye(3) @ z": z,
    "trace(eye(3))": sp.Integer(3),
    "sum(W)": ex.total(W),
    "sumsq(z - y)/2": ex.sumsq(z - y) / 2,
    "maximum(z, 0)": fn.maximum(z, 0),
    "abs(-a)": fn.abs(a),
    "where(s < 1, a, b)": fn.where(s < 1, a, b),
    "where(1 > s, a, b)": fn.where(s < 1, a, b),
    "where(0 <= s < 1, a, b)": fn.where(sp.And(s >= 0, s < 1), a, b),
    "where(not s < 1 or a >= b, a, b)": fn.where(sp.Or(s >= 1, a >= b), a, b),
    "where(1 < 2, a, b)": a,
    "where(2 < 1, 0, z)": z,
    "where(1 < 2, 0, z)": ex.zeros(3),
    "where(z < y, z, 0)": fn.where(z < y, z, 0),
    "where(z > y and s < 1, z, 0)": fn.where(y < z, fn.where(s < 1, z, 0), 0),
    "where(z <= y or z >= 2, z, 0)": fn.where(z <= y, z, fn.where(z >= 2, z, 0)),
    "where(not z < y, z, 0)": fn.where(z < y, 0, z),
}


@pytest.mark.parametrize("text", STATED)
def test_a_text_states_an_expression(text: str):
    assert read(text) == STATED[text]


@given(st.data())
def test_a_text_states_what_python_builds(data: Any):
    """A model stated in TOML and the same stated in Python are equal objects."""
    text = data.draw(texts(LEAVES, data.draw(st.sampled_from(SHAPES)), kind=data.draw(st.sampled_from([WILD, TAME]))))
    assume(not {"and", "or", "not"} & set(text.split()) and "(not" not in text)
    assert stated(text, LEAVES) == by_operators(text, NAMES)


@given(st.data(), st.integers(0, 2**32 - 1))
def test_a_text_means_what_numpy_computes(data: Any, seed: int):
    shape = data.draw(st.sampled_from(SHAPES))
    text = data.draw(texts(LEAVES, shape))
    random = np.random.default_rng(seed)
    values = {leaf: random.uniform(-1.5, 1.5, tuple(map(int, shape_of(leaf)))) for leaf in LEAVES}
    expression = stated(text, LEAVES)
    assert shape_of(expression) == shape
    expected, largest = by_numpy(text, {leaf.name: value for leaf, value in values.items()})
    assume(np.isfinite(largest))
    np.testing.assert_allclose(evaluate(expression, values), expected, rtol=0, atol=ROUNDING * largest)


def test_a_long_sum_is_read():
    terms = [f"{k}*a**{k}*b" for k in range(1, 900)]
    assert len(read(" + ".join(terms)).args) == len(terms)


def test_names_may_stand_for_expressions():
    assert parse("2*k", {"k": a + b}) == 2 * (a + b)


# ---------------------------------------------------------------- the grammar of formulas

n, m = sp.symbols("n m", integer=True)
INTERNAL: dict[str, Any] = {
    "step(a)": fn.FUNCTIONS["step"](a),
    "lt(z, y)": z < y,
    "le(z, 1)": z <= 1,
    "full(a, 2, 3)": ex.full(a, (2, 3)),
    "place(a, zeros(3)[1])": ex.place(a, (sp.Integer(1),), (3,)),
    "place(z, zeros(2, 3)[-1])": ex.place(z, (sp.Integer(1), sp.Tuple(0, 3, 1)), (2, 3)),
    "permute(T3, 0, 2, 1)": ex.permute(T3, (0, 2, 1)),
    "sum_to(W, 3)": ex.sum_to(W, (3,)),
    "solve(A, z)": ex.solve(A, z),
    "where(s == 1, a, b)": fn.where(sp.Eq(s, 1), a, b),
    "where(1 > s, a, b)": fn.where(sp.Gt(1, s), a, b),
    "where(lt(z, y)*lt(y, 2), z, 0)": fn.where((z < y) * (y < 2), z, 0),
    "ones(n, m) @ v": ex.ones(n, m) @ ex.block("v", m),
    "v[1:]": ex.part(ex.block("v", m), (sp.Tuple(1, m - 1, 1),)),
    "w[n:n + m]": ex.part(ex.block("w", n + m), (sp.Tuple(n, m, 1),)),
}


@pytest.mark.parametrize("text", INTERNAL)
def test_formulas_have_more_words(text: str):
    names = {**NAMES, "n": n, "m": m, "v": ex.block("v", m), "w": ex.block("w", n + m)}
    assert parse(text, names, grammar=FORMULAS) == INTERNAL[text]


@pytest.mark.parametrize("name", sorted(set(FORMULAS.functions) - set(MODELS.functions)))
def test_models_do_not_have_them(name: str):
    assert f"unknown function {name!r}" in refusal(f"{name}(z, y)")


@pytest.mark.parametrize("text", ["place(a, z)", "place(a, zeros(3))", "place(a, ones(3)[0])", "zeros(a)", "full(a)", "sum_to(W, a)"])
def test_formulas_are_checked_too(text: str):
    with pytest.raises(LanguageError):
        parse(text, NAMES, grammar=FORMULAS)

"""Printed scalars against SymPy with thirty digits: functions far out and near their kinks, constants, whole expressions."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES
from odeanalysis.symbolic.rewrite import leaves
from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import closed, expressions

ULPS = 4 * np.finfo(float).eps  # of NumPy's functions, and of the helpers' few operations
TINY = 1e-300
FAR = [sp.Rational(n) for n in ("-1000", "-709.5", "-40", "-8", "-1/3", "-1e-12", "1e-12", "0.7", "1", "30", "690", "1000")]
UNIT = [sp.Rational(n) for n in ("-1", "-0.9", "-1e-9", "1/3", "1")]
POSITIVE = [sp.Rational(n) for n in ("1e-300", "1/3", "2", "1e200")]
POINTS = {"asin": UNIT, "acos": UNIT, "log": POSITIVE, **dict.fromkeys(("exp", "sinh", "cosh"), FAR[2:-2]), "tan": FAR[2:-2]}

a, b = ex.block("a"), ex.block("b")


def in_sympys_words(expression: Any) -> Any:
    """The expression with every function written out by its definition."""
    if not expression.args:
        return expression
    arguments = [in_sympys_words(argument) for argument in expression.args]
    if isinstance(expression, scalars.where):
        return sp.Piecewise((arguments[1], arguments[0]), (arguments[2], True))
    name = SCALAR_CLASSES.get(expression.func)
    return FUNCTIONS[name].meaning(*arguments) if name else expression.func(*arguments)


def run(expression: Any, *values: Any) -> float:
    return float(compile_numpy(closed(expression))(*map(np.float64, values))[0])


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.arity == 1])
def test_a_function_is_exact_to_rounding(name: str):
    function = FUNCTIONS[name]
    for point in POINTS.get(name, FAR):
        point = sp.Rational(float(point))
        exact = float(function.meaning(point).evalf(400, maxn=5000))
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert run(function(a), point) == pytest.approx(exact, rel=ULPS * condition(name, point), abs=TINY)


def condition(name: str, point: Any) -> float:
    """By how much a rounded argument moves a function: exp(-x**2/2) makes the tail of gelu steep."""
    return 1 + float(point) ** 2 if name == "gelu" else 1


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize(("x", "y"), [(1.0, 2.0), (2.0, -1.0), (0.5, 0.5)])
def test_the_larger_and_the_smaller_of_two(name: str, x: float, y: float):
    assert run(FUNCTIONS[name](a, b), x, y) == {"maximum": max, "minimum": min}[name](x, y)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_value_that_is_no_number_stays_one(name: str):
    if name not in ("step", "sign"):
        assert np.isnan(run(FUNCTIONS[name](*(a, b)[: FUNCTIONS[name].arity]), *[np.nan, 1.0][: FUNCTIONS[name].arity]))


@given(st.data())
def test_a_scalar_expression_is_what_sympy_says(data):
    expression = data.draw(expressions((), 3).filter(lambda e: all(isinstance(x, sp.Symbol) for x in leaves(e))))
    names = sorted(leaves(expression), key=str)
    point = [data.draw(st.integers(-15, 15).map(lambda n: sp.Rational(n, 8))) for _ in names]
    exact = in_sympys_words(expression).xreplace(dict(zip(names, point, strict=True))).evalf(30)
    assume(exact.is_number and exact.is_finite)
    assert run(expression, *map(float, point)) == pytest.approx(float(exact), rel=1e-11, abs=1e-11)


@given(st.fractions(max_denominator=10**6))
def test_a_rational_constant_is_the_nearest_number(fraction):
    assert run(sp.Rational(fraction.numerator, fraction.denominator)) == float(fraction)

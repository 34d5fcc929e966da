"""Printed programs run on complex numbers: a step along the imaginary axis gives derivatives, with branches chosen by real parts."""

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import closed, formulas, random_values
from tests.targets.reference import run

TINY = 1e-30
STEP = 2.0**-9
DIFFERENCE = 1e-5  # five-point differences: fourth derivatives of the examples times STEP**4, and rounding over STEP
SMOOTH_AT_ZERO = ("sigmoid", "softplus", "silu", "gelu", "elu", "tanh", "erf", "sin", "exp")
BOUNDED = ("exp", "sinh", "cosh", "asin", "acos", "tan")
a, b, u = ex.block("a"), ex.block("b"), ex.block("u", 3)


def complex_step(program: Formula, values: list[Any], directions: list[Any]) -> list[Any]:
    moved = [value + 1j * TINY * direction for value, direction in zip(values, directions, strict=True)]
    with np.errstate(all="ignore"):
        return [np.imag(result) / TINY for result in compile_numpy(program)(*moved)]


def differences(program: Formula, values: list[Any], directions: list[Any]) -> list[Any]:
    """Differences of the interpreter: no printed text, no calculus."""

    def at(t: float) -> list[Any]:
        return run(program, [value + t * STEP * direction for value, direction in zip(values, directions, strict=True)])

    ahead2, ahead, behind, behind2 = map(at, (2, 1, -1, -2))
    return [(8 * (p - q) - (p2 - q2)) / (12 * STEP) for p2, p, q, q2 in zip(ahead2, ahead, behind, behind2, strict=True)]


def differentiable_at(name: str, point: float) -> bool:
    if point == 0:
        return name in SMOOTH_AT_ZERO
    return (abs(point) < 1 or name not in BOUNDED) and (point > 0 or name != "log")


UNARY = [name for name, function in FUNCTIONS.items() if function.arity == 1]


@pytest.mark.parametrize(
    ("name", "point"), [(n, p) for n in UNARY for p in (-1000.0, -0.75, 0.0, 0.375, 1000.0) if differentiable_at(n, p)]
)
def test_the_derivative_of_each_function(name: str, point: float):
    x = sp.Symbol("x", real=True)
    with mpmath.workdps(50):
        slope = mpmath.diff(sp.lambdify(x, FUNCTIONS[name].meaning(x), "mpmath"), mpmath.mpf(point))
    (found,) = complex_step(closed(FUNCTIONS[name](a)), [np.float64(point)], [1.0])
    assert found == pytest.approx(float(slope), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        (fn.maximum(a, b), (1.0, 2.0), 5.0),
        (fn.maximum(a, 0), (-1.0,), 0.0),
        (fn.minimum(a, b), (1.0, 2.0), 3.0),
        (fn.abs(a), (-2.0,), -3.0),
        (fn.where(a > 0, a**2, -a), (2.0,), 12.0),
        (fn.where(a > 0, a**2, -a), (0.0,), -3.0),
        (fn.where(sp.And(a >= 0, sp.Not(a > 1)), a**2, -a), (0.5,), 3.0),
        (fn.sign(a) * b + fn.FUNCTIONS["step"](a), (-2.0, 1.0), -5.0),
        (fn.where(2 * a < a + 1, a, 3 * a), (1.0,), 9.0),
    ],
)
def test_branches_are_chosen_by_real_parts(expression: Any, values: Any, expected: float):
    (found,) = complex_step(closed(expression), [np.float64(v) for v in values], [3.0, 5.0][: len(values)])
    assert found == pytest.approx(expected, abs=1e-14)


@given(st.data())
def test_complex_steps_agree_with_differences(data):
    program = data.draw(formulas(smooth=True))
    values = random_values(program, data.draw(st.integers(0, 1000)))
    directions = random_values(program, data.draw(st.integers(1001, 2000)))
    for found, expected in zip(complex_step(program, values, directions), differences(program, values, directions), strict=True):
        np.testing.assert_allclose(found, expected, rtol=DIFFERENCE, atol=DIFFERENCE * max(1.0, np.max(np.abs(expected))))


@given(st.data())
def test_the_real_part_is_the_value(data):
    program = data.draw(formulas())
    values = random_values(program, data.draw(st.integers(0, 1000)))
    with np.errstate(all="ignore"):
        real, moved = (compile_numpy(program)(*inputs) for inputs in (values, [value + 1j * TINY for value in values]))
    for one, other in zip(real, moved, strict=True):
        np.testing.assert_allclose(other.real, one, rtol=1e-11, atol=1e-11 * max(1.0, np.max(np.abs(one))))


def test_inputs_of_both_kinds_mix():
    program = closed(ex.concat(a, u, b), ex.place(a, (sp.Integer(1),), (3,)) + u, fn.maximum(u, a))
    moved = dict(zip(program.inputs, random_values(program, 0), strict=True))
    moved[a] = moved[a] + 1j * TINY
    results = compile_numpy(program)(*moved.values())
    assert all(map(np.iscomplexobj, results))
    assert [result.shape for result in results] == [(5,), (3,), (3,)]

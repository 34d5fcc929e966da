"""A tableau: the facts that follow from its numbers, their rounding, and what is refused when one is made."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.tableaus import METHODS, Floats, Tableau, tableau
from odeanalysis.tableaus.exact import numbers, rows

KINDS = {"radau": "implicit", "kvaerno5": "diagonally implicit", "rosenbrock23": "rosenbrock", "rodas5p": "rosenbrock"}
REUSING = {"bosh3", "dopri5", "tsit5", "rosenbrock23", "kvaerno5"}
ERROR_ORDERS = {"bosh3": 2, "dopri5": 4, "tsit5": 4, "dopri8": 7, "rosenbrock23": 2, "rodas5p": 4, "kvaerno5": 4}
STAGES = {
    "euler": 1, "midpoint": 2, "heun2": 2, "rk4": 4, "rk4_38": 4, "bosh3": 4, "dopri5": 7, "tsit5": 7, "dopri8": 13,
    "radau": 3, "rosenbrock23": 3, "rodas5p": 8, "kvaerno5": 7,
}  # fmt: skip

every_method = pytest.mark.parametrize("name", METHODS)


@every_method
def test_facts(name: str):
    method = METHODS[name]
    assert method.stages == STAGES[name]
    assert method.kind == KINDS.get(name, "explicit")
    assert method.explicit == (name not in KINDS)
    assert method.fsal == (name in REUSING)
    assert method.adaptive == (name in ERROR_ORDERS)
    assert method.error_order == ERROR_ORDERS.get(name, method.order)


@every_method
def test_shapes(name: str):
    method = METHODS[name]
    for row in (method.c, method.b, method.b_hat or method.b, method.d or method.b):
        assert len(row) == method.stages
    for matrix in (method.a, method.coupling or method.a):
        assert [len(row) for row in matrix] == [method.stages] * method.stages


def pairs(exact: Any, rounded: Any) -> list[tuple[sp.Expr, float]]:
    """Each exact number with its rounding, from nested tuples of the same shape."""
    if exact is None:
        assert rounded is None
        return []
    if isinstance(exact, tuple):
        return [pair for item in zip(exact, rounded, strict=True) for pair in pairs(*item)]
    return [(exact, rounded)]


@every_method
def test_floats_are_the_nearest_ones(name: str):
    method = METHODS[name]
    with mpmath.workdps(50):
        for field in Floats._fields:
            for exact, rounded in pairs(getattr(method, field), getattr(method.floats, field)):
                fraction = isinstance(exact, sp.Rational)
                near = float(Fraction(exact.p, exact.q)) if fraction else float(sp.lambdify((), exact, "mpmath")())
                assert type(rounded) is float
                assert rounded == near


@every_method
def test_the_error_estimate_is_the_difference_of_both_solutions(name: str):
    method = METHODS[name]
    if method.b_hat is None:
        assert method.b_error is None
    else:
        assert method.b_error == tuple(sp.expand(b - b_hat) for b, b_hat in zip(method.b, method.b_hat, strict=True))


def test_the_transformed_form_of_rosenbrock23_is_the_one_of_its_source():
    """Shampine, Reichelt (1997), section 3: each stage written as k_i = f + h J sum_j Gamma_ij k_j + h d_i f_s."""
    gamma, e32 = 1 / (2 + sp.sqrt(2)), 6 + sp.sqrt(2)
    form = tableau("rosenbrock23").classical
    alpha = sp.Matrix([[0, 0, 0], [sp.Rational(1, 2), 0, 0], [0, 1, 0]])
    big_gamma = gamma * sp.Matrix([[1, 0, 0], [-1, 1, 0], [e32 - 2, -e32, 1]])
    zero = sp.zeros(3, 3)
    assert (form.alpha.to_Matrix() - alpha).applyfunc(sp.radsimp) == zero
    assert (form.beta.to_Matrix() - alpha - big_gamma).applyfunc(sp.radsimp) == zero


@every_method
def test_a_tableau_is_a_value(name: str):
    method = METHODS[name]
    assert method.floats is method.floats
    twin = replace(method)
    assert method == twin == copy.deepcopy(method) == pickle.loads(pickle.dumps(method))
    assert hash(method) == hash(twin)
    assert method != replace(method, name="other")
    for field in fields(method):
        with pytest.raises(FrozenInstanceError):
            setattr(method, field.name, None)


def test_repr_shows_what_it_is():
    assert repr(tableau("dopri5")) == "Tableau('dopri5', explicit, order 5(4), 7 stages)"
    assert repr(tableau("euler")) == "Tableau('euler', explicit, order 1, 1 stage)"


def test_numbers_are_the_rationals_they_show():
    assert numbers(" 1/3\n -0.26 2 ") == (sp.Rational(1, 3), sp.Rational(-13, 50), sp.Integer(2))
    assert rows("0; 1/4; 3/32 9/32") == ((0,), (sp.Rational(1, 4),), (sp.Rational(3, 32), sp.Rational(9, 32)))


def test_rows_may_leave_out_their_last_zeros():
    short = Tableau(name="any", order=1, c=numbers("0 1"), a=rows("; 1"), b=numbers("1"))
    full = Tableau(name="any", order=1, c=numbers("0 1"), a=rows("0 0; 1 0"), b=numbers("1 0"))
    assert short == full
    assert short.floats.a == ((0.0, 0.0), (1.0, 0.0))


HEUN: dict[str, Any] = {"name": "mine", "order": 2, "c": (0, 1), "a": ((0,), (1,)), "b": numbers("1/2 1/2")}
ROSENBROCK: dict[str, Any] = {"name": "mine", "order": 1, "c": (0,), "a": ((0,),), "b": (1,), "gamma": 1, "d": (1,)}
BAD = {
    "c of method 'mine' has 0.5; give an exact real number": {"c": (0, 0.5)},
    "row 2 of a of method 'mine' has x; give an exact": {"a": ((0,), (sp.Symbol("x"),))},
    "b of method 'mine' has 0.5*sqrt(2); give an exact": {"b": (0.5 * sp.sqrt(2), 1 - 0.5 * sp.sqrt(2))},
    "b of method 'mine' has I; give an exact": {"b": (sp.I, 1 - sp.I)},
    "b of method 'mine' has pi; give an exact": {"b": (sp.pi, 1 - sp.pi)},
    "b of method 'mine' has nan; give an exact": {"b": (sp.nan, 1)},
    "b of method 'mine' has '1/2'; give an exact": {"b": ("1/2", "1/2")},
    "b of method 'mine' is '1/2 1/2'; give a tuple": {"b": "1/2 1/2"},
    "c of method 'mine' is 0; give a tuple": {"c": 0},
    "c of method 'mine' has 0 entries for 0 stages": {"c": ()},
    "b of method 'mine' has 3 entries for 2 stages": {"b": (1, 0, 0)},
    "row 2 of a of method 'mine' has 3 entries for 2 stages": {"a": ((0,), (1, 0, 0))},
    "a of method 'mine' has 3 rows for 2 stages": {"a": ((0,), (1,), (1,))},
    "order of method 'mine' is 0; give an integer": {"order": 0},
    "order of method 'mine' is 2.0; give an integer": {"order": 2.0},
    "embedded_order of method 'mine' is 0; give an integer": {"b_hat": (1,), "embedded_order": 0},
    "method 'mine' has no embedded_order; give all of b_hat, embedded_order, or none": {"b_hat": (1,)},
    "method 'mine' has no b_hat; give all": {"embedded_order": 1},
    "method 'mine' has no coupling and d; give all of gamma, coupling, d, or none": {"gamma": 1},
    "row 2 of a must sum to c_2, and misses it by 0.500": {"c": numbers("0 1/2")},
    "b must sum to 1, and misses it by -0.500": {"b": numbers("1/2 0")},
    "b_hat must sum to 1, and misses it by 1.00": {"b_hat": (1, 1), "embedded_order": 1},
}
BAD_ROSENBROCK = {
    "gamma of method 'mine' is -1; give a positive number": {"gamma": -1, "d": (-1,)},
    "gamma of method 'mine' has 0.5; give an exact": {"gamma": 0.5},
    "a of method 'mine' has entries on or above its diagonal": {"a": ((1,),)},
    "coupling of method 'mine' has entries on or above its diagonal": {"coupling": ((1,),)},
    "row 1 of Gamma must sum to d_1, and misses it by -1.00": {"d": (2,)},
    "row 1 of alpha must sum to c_1, and misses it by -1.00": {"c": (1,)},
}


@pytest.mark.parametrize(("message", "change"), BAD.items(), ids=list(BAD))
def test_what_cannot_be_a_method_is_refused(message: str, change: dict[str, Any]):
    Tableau(**HEUN)
    with pytest.raises(ModelError) as error:
        Tableau(**{**HEUN, **change})
    assert message in str(error.value)


@pytest.mark.parametrize(("message", "change"), BAD_ROSENBROCK.items(), ids=list(BAD_ROSENBROCK))
def test_what_cannot_be_a_rosenbrock_method_is_refused(message: str, change: dict[str, Any]):
    """The base is the linearly implicit Euler method."""
    base = {**ROSENBROCK, "coupling": ((0,),)}
    Tableau(**base)
    with pytest.raises(ModelError) as error:
        Tableau(**{**base, **change})
    assert message in str(error.value)

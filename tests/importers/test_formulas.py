"""Every function of MathML that is supported has the value that Python's math gives it; any formula at all has that of its tree."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.importers.sbml import formulas
from tests.importers.documents import ONE, TIME, K, X, apply, called, choice, document, function, imported, slope

A = 0.7  # x, in the domain of most functions
B = 1.9  # k
T = 0.4


def value(text: str, folder: Path, x: float = A, k: float = B, t: float = T) -> float:
    """The right side of the state of a document."""
    found = imported(folder, text)
    model = found.model
    inputs = [model.depth, *model.states, *model.parameters]
    at = {"x": x, "k": k, model.depth.name: t, "x0": 1.0}
    (found,) = oda.compile_numpy(oda.formula("field", inputs, {"out": slope(found)}))(*(at[one.name] for one in inputs))
    return float(found)


def number(text: str, kind: str = "real") -> str:
    return f'<cn type="{kind}">{text}</cn>'


FUNCTIONS: dict[str, tuple[str, float]] = {
    "integer": (number("-3", "integer"), -3),
    "real": (number("2.5e-3"), 0.0025),
    "e-notation": (number("2.5<sep/>3", "e-notation"), 2500),
    "rational": (number("2<sep/>-7", "rational"), -2 / 7),
    "pi": ("<pi/>", math.pi),
    "exponentiale": ("<exponentiale/>", math.e),
    "avogadro": ('<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/avogadro">N</csymbol>', 6.02214179e23),
    "time": (TIME, T),
    "no plus": (apply("plus"), 0),
    "one plus": (apply("plus", X), A),
    "many plus": (apply("plus", X, K, TIME, ONE), A + B + T + 1),
    "no times": (apply("times"), 1),
    "many times": (apply("times", X, K, TIME, number("3")), A * B * T * 3),
    "minus": (apply("minus", X), -A),
    "binary minus": (apply("minus", X, K), A - B),
    "divide": (apply("divide", X, K), A / B),
    "power": (apply("power", X, K), A**B),
    "root": (apply("root", X), A**0.5),
    "root of a degree": (apply("root", f"<degree>{number('3')}</degree>", X), A ** (1 / 3)),
    "exp": (apply("exp", X), math.exp(A)),
    "e to a power": (apply("power", "<exponentiale/>", X), math.exp(A)),
    "ln": (apply("ln", X), math.log(A)),
    "log": (apply("log", X), math.log10(A)),
    "log of a base": (apply("log", f"<logbase>{number('2')}</logbase>", X), math.log2(A)),
    "abs": (apply("abs", apply("minus", X, K)), B - A),
    "max": (apply("max", X, K, TIME), B),
    "min": (apply("min", X, K, TIME), T),
    **{name: (apply(name, X), getattr(math, name)(A)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: (apply(name, X), 1 / getattr(math, of)(A)) for name, of in (("sec", "cos"), ("csc", "sin"), ("cot", "tan"))},
    **{name: (apply(name, X), 1 / getattr(math, of)(A)) for name, of in (("sech", "cosh"), ("csch", "sinh"), ("coth", "tanh"))},
    **{f"arc{name}": (apply(f"arc{name}", X), getattr(math, f"a{name}")(A)) for name in ("sin", "cos", "tan", "sinh", "tanh")},
    "arccosh": (apply("arccosh", K), math.acosh(B)),
    "arcsec": (apply("arcsec", K), math.acos(1 / B)),
    "arccsc": (apply("arccsc", K), math.asin(1 / B)),
    "arccot": (apply("arccot", X), math.atan(1 / A)),
    "arcsech": (apply("arcsech", X), math.acosh(1 / A)),
    "arccsch": (apply("arccsch", X), math.asinh(1 / A)),
    "arccoth": (apply("arccoth", K), math.atanh(1 / B)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_value_of_its_definition(name: str, tmp_path: Path):
    law, wanted = FUNCTIONS[name]
    assert value(document(law), tmp_path) == pytest.approx(wanted, rel=1e-13)


def test_every_rule_is_looked_at():
    """What the table above and that of the conditions below do not name is a constant, a name or a call."""
    spelled = {"REAL_E", "NAME", "FUNCTION", "POWER", "FUNCTION_POWER", "FUNCTION_PIECEWISE", "CONSTANT_TRUE", "CONSTANT_FALSE"}
    spelled |= {
        "CONSTANT_PI",
        "CONSTANT_E",
        "NAME_AVOGADRO",
        "NAME_TIME",
        "INTEGER",
        "REAL",
        "RATIONAL",
        "PLUS",
        "TIMES",
        "MINUS",
        "DIVIDE",
    }
    named = {f"FUNCTION_{name.upper()}" for name in FUNCTIONS}
    tested = {f"{kind}_{name.split()[0].upper()}" for name in CONDITIONS for kind in ("LOGICAL", "RELATIONAL")}
    assert set(formulas.RULES) - spelled - named - tested == set()


@given(x=st.floats(-1e8, 1e8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arcsinh_is_odd_and_precise_far_out(x: float, tmp_path: Path):
    assert value(document(apply("arcsinh", X)), tmp_path, x=x) == pytest.approx(math.asinh(x), rel=1e-7, abs=1e-15)


def less(left: str, right: str) -> str:
    return apply("lt", left, right)


YES, NO, LATE = less(TIME, number("0.5")), less(TIME, number("0.3")), less(number("0.5"), TIME)
CONDITIONS: dict[str, tuple[str, bool]] = {
    "lt": (YES, True),
    "leq": (apply("leq", TIME, number("0.3")), False),
    "gt": (apply("gt", TIME, number("0.3")), True),
    "geq": (apply("geq", TIME, number("0.5")), False),
    "lt of three": (apply("lt", number("0.1"), TIME, number("0.3")), False),
    "and": (apply("and", YES, apply("not", NO), "<true/>"), True),
    "and of one false": (apply("and", YES, NO), False),
    "and of nothing": (apply("and"), True),
    "or": (apply("or", NO, LATE, YES), True),
    "or of nothing": (apply("or"), False),
    "or of false": (apply("or", NO, "<false/>"), False),
    "not": (apply("not", YES), False),
    "xor": (apply("xor", YES, NO), True),
    "xor of three": (apply("xor", YES, YES, apply("not", NO)), True),
    "xor of two": (apply("xor", YES, apply("not", NO)), False),
    "implies": (apply("implies", YES, NO), False),
    "implies from false": (apply("implies", NO, LATE), True),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_holds_where_its_definition_says(name: str, tmp_path: Path):
    condition, holds = CONDITIONS[name]
    assert value(document(choice((X, condition), otherwise=K)), tmp_path) == (A if holds else B)


@pytest.mark.parametrize(("t", "wanted"), [(0.1, A), (0.4, B), (0.9, 1.0)])
def test_the_first_piece_that_holds_is_taken(t: float, wanted: float, tmp_path: Path):
    law = choice((X, less(TIME, number("0.3"))), (K, less(TIME, number("0.5"))), otherwise=ONE)
    assert value(document(law), tmp_path, t=t) == wanted


def test_functions_are_put_in_with_their_own_variables(tmp_path: Path):
    """The variable x of the function is not the state x, and a function sees only its own."""
    functions = function("f", apply("minus", X, "<ci>y</ci>"), "x", "y") + function("g", called("f", "<ci>y</ci>", ONE), "y")
    law = apply("plus", called("f", K, X), called("g", X), called("f", ONE, called("f", K, K)))
    assert value(document(law, functions=functions), tmp_path) == pytest.approx((B - A) + (A - 1) + 1)


# ---------------------------------------------------------------- any formula

Pair = tuple[str, Callable[[float, float, float], float]]
LEAVES: list[Pair] = [(X, lambda x, k, t: x), (K, lambda x, k, t: k), (TIME, lambda x, k, t: t)]
UNARY: dict[str, Callable[[float], float]] = {"minus": lambda u: -u, "sin": math.sin, "tanh": math.tanh, "arctan": math.atan, "abs": abs}
BINARY: dict[str, Callable[..., float]] = {"plus": lambda u, v: u + v, "times": lambda u, v: u * v, "minus": lambda u, v: u - v}
BINARY |= {"max": max, "min": min}


def constants() -> st.SearchStrategy[Pair]:
    return st.integers(-40, 40).map(lambda n: (number(f"{n / 8}"), lambda x, k, t: n / 8))


def unary(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.tuples(st.sampled_from(sorted(UNARY)), inner).map(
        lambda one: (apply(one[0], one[1][0]), lambda *at: UNARY[one[0]](one[1][1](*at)))
    )


def binary(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.tuples(st.sampled_from(sorted(BINARY)), inner, inner).map(
        lambda one: (apply(one[0], one[1][0], one[2][0]), lambda *at: BINARY[one[0]](one[1][1](*at), one[2][1](*at)))
    )


def in_time(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.tuples(inner, inner).map(
        lambda one: (choice((one[0][0], YES), otherwise=one[1][0]), lambda x, k, t: (one[0] if t < 0.5 else one[1])[1](x, k, t))
    )


TREES = st.recursive(st.sampled_from(LEAVES) | constants(), lambda inner: unary(inner) | binary(inner) | in_time(inner), max_leaves=12)


@given(tree=TREES, at=st.tuples(*[st.floats(-2, 2, width=32)] * 2, st.sampled_from([0.25, 0.75])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_formula_has_the_value_of_its_tree(tree: Pair, at: Any, tmp_path: Path):
    text, evaluate = tree
    assert np.isclose(value(document(text), tmp_path, *at), evaluate(*at), rtol=1e-9, atol=1e-9)

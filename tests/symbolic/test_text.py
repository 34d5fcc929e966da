"""Plain text: what is printed is read back as an equal object, reads well, and refuses by name what it does not know."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from odeanalysis.errors import DerivationError, LanguageError, TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.language import FORMULAS, MODELS, parse
from odeanalysis.symbolic.nodes import ArrayScalar, Block
from odeanalysis.symbolic.printing.program import formula_text, parse_formula
from odeanalysis.symbolic.printing.text import RULES, text
from odeanalysis.symbolic.rewrite import leaves, walk
from tests.symbolic.strategies import TAME, WILD, expressions
from tests.targets.formulas import closed, formulas
from tests.targets.formulas import expressions as internal_expressions

a, b, s = (ex.block(name) for name in "abs")
z, y, x = ex.block("z", 3), ex.block("y", 3), ex.block("x", 2)
W, A, T3 = ex.block("W", 2, 3), ex.block("A", 3, 3), ex.block("T3", 2, 3, 2)
LEAVES = (a, b, s, z, y, x, W, A, T3)
NAMES = {leaf.name: leaf for leaf in LEAVES}
SHAPES = ((), (2,), (3,), (2, 3), (3, 3), (2, 3, 2))
n, m = sp.symbols("n m", integer=True)
v, w, M = ex.block("v", n), ex.block("w", m), ex.block("M", m, n)


# ---------------------------------------------------------------- there and back


@given(st.data())
def test_what_models_state_is_read_back(data: Any):
    """Also in the grammar of models, so that a model can be written to a file."""
    kind = data.draw(st.sampled_from([WILD, TAME]))
    expression = data.draw(expressions(LEAVES, data.draw(st.sampled_from(SHAPES)), kind=kind))
    assume(is_settled(expression))
    assert parse(text(expression), NAMES, grammar=MODELS) == expression


def is_settled(expression: Any) -> bool:
    """SymPy leaves the absolute value of an absolute value in a product, and evaluates it when it is built again."""
    return not any(isinstance(node, sp.Abs) and isinstance(node.args[0], sp.Abs) for node in walk([expression]))


@given(internal_expressions())
def test_what_derivations_make_is_read_back(expression: Any):
    assume(is_settled(expression))
    names = {leaf.name: leaf for leaf in leaves(expression)}
    assert parse(text(expression), names, grammar=FORMULAS) == expression


@given(formulas(), st.sampled_from([lambda f: f, vjp, jvp, lambda f: jvp(vjp(f))]))
def test_formulas_are_read_back(example: Formula, derive: Callable[[Formula], Formula]):
    derived = derive(example)
    assert parse_formula(formula_text(derived)) == derived


SYMBOLIC = {
    "network": {"out": fn.tanh(M @ v + w), "norm": ex.sumsq(v) / n},
    "joined": {"out": ex.concat(v, a, w), "zero": ex.zeros(n, m), "one": ex.eye(n) @ M.T},
    "scalar": {"out": ex.dot(v, v) * a + n},
}


@pytest.mark.parametrize("derive", [lambda f: f, vjp, jvp, lambda f: vjp(vjp(f))], ids=["stated", "vjp", "jvp", "vjp of vjp"])
@pytest.mark.parametrize("outputs", SYMBOLIC.values(), ids=SYMBOLIC)
def test_sizes_may_be_symbols(outputs: dict[str, Any], derive: Callable[[Formula], Formula]):
    for inputs in ([M, v, w, a], [M, v, n, w, a]):
        derived = derive(formula("sized", inputs, outputs))
        assert parse_formula(formula_text(derived)) == derived


# ---------------------------------------------------------------- how it reads

READS: dict[str, Any] = {
    "1 - b*s": 1 - b * s,
    "-a*b*s": -a * b * s,
    "a - (a - b)*(b - s)": a - (b - s) * (a - b),
    "a**2 + 2*a - b + 1": 1 + 2 * a + a**2 - b,
    "a/3 + 2*b/7 - s/2": a / 3 + 2 * b / 7 - s / 2,
    "0.1*a + 0.001": a / 10 + sp.Rational(1, 1000),
    "1e-20*a": sp.Rational("1e-20") * a,
    "1e30*a": sp.Integer(10) ** 30 * a,
    "1/3": sp.Rational(1, 3),
    "-0.5": -sp.Rational(1, 2),
    "a**(1/3)": a ** sp.Rational(1, 3),
    "1/sqrt(a)": 1 / sp.sqrt(a),
    "a/(b*s)": a / b / s,
    "2*((a + b)*(b + s))": 2 * ((a + b) * (b + s)),
    "-((a + b)*(b + s))": -((a + b) * (b + s)),
    "(a + b)/(2*s)": (a + b) / (2 * s),
    "0.5/(a + b)": sp.Mul(sp.Rational(1, 2), 1 / (a + b)),
    "3**(-a)": 3 ** (-a),
    "exp(1)*a": sp.E * a,
    "pi*a/2": sp.pi * a / 2,
    "abs(a)*sign(b)": fn.abs(a) * fn.sign(b),
    "where(b >= 2 or a >= 0 and s < 1, a, b)": fn.where(sp.Or(sp.And(a >= 0, s < 1), b >= 2), a, b),
    "where(not (a < b and b < s), a, b)": fn.where(sp.Not(sp.And(a < b, b < s)), a, b),
    "W @ tanh(A @ z + y) + s*x": W @ fn.tanh(A @ z + y) + s * x,
    "1 - z**2": 1 - z**2,
    "z - y": z - y,
    "-z/a": -z / a,
    "z/y**2": z / y**2,
    "1/z": 1 / z,
    "sqrt(z)": fn.sqrt(z),
    "z**(-0.5)": ex.power(z, -sp.Rational(1, 2)),
    "2*((z + 1)*y)": 2 * ((z + 1) * y),
    "z*y*z/3": z * y * z / 3,
    "a*z*ones(2, 3) + 1": a * z * ex.ones(2, 3) + 1,
    "ones(2)/3": ex.ones(2) / 3,
    "(a + b)*ones(2)": ex.full(a + b, (2,)),
    "2*(A @ z)": 2 * (A @ z),
    "(2*A) @ z": (2 * A) @ z,
    "A.T @ A @ z": A.T @ A @ z,
    "A @ (A @ z)": A @ (A @ z),
    "(A @ z)[:2]": (A @ z)[:2],
    "W[0]": W[0],
    "T3[:, ::2, ::-1]": T3[:, ::2, ::-1],
    "z[:0:-1]": z[2:0:-1],
    "sumsq(z - y)/2": ex.sumsq(z - y) / 2,
    "a*dot(z, y)": ex.dot(z, y) * a,
    "sum(z*y*z)": ex.total(z * y * z),
    "trace(A @ A)": ex.trace(A @ A),
    "diag(z) @ A": ex.diag(z) @ A,
    "outer(z, x)": ex.outer(z, x),
    "concat(a, z, 1)": ex.concat(a, z, 1),
    "eye(3) + zeros(3, 3)[0]": ex.eye(3) + nodes.Slice(ex.zeros(3, 3), sp.Tuple(0, sp.Tuple(0, 3, 1))),
    "where(z < y, where(s < 1, z, 0), 0)": fn.where(z < y, fn.where(s < 1, z, 0), 0),
    "place(a, zeros(3)[1])": ex.place(a, (sp.Integer(1),), (3,)),
    "permute(T3, 1, 0, 2)": ex.permute(T3, (1, 0, 2)),
    "sum_to(W, 3)": ex.sum_to(W, (3,)),
    "lt(z, y)*z": (z < y) * z,
    "solve(A, z)": ex.solve(A, z),
    "batch_sum(z)": nodes.BatchSum(z),
    "batch_sum(a)": nodes.BatchTotal(a),
}


@pytest.mark.parametrize("shown", READS)
def test_text_reads_well(shown: str):
    assert text(READS[shown]) == shown


def test_str_is_the_text():
    """Also inside SymPy's own expressions, and where a node is not of the vocabulary."""
    assert str(W @ tanh_of(z)) == "W @ tanh(z)"
    assert str(2 * ex.sumsq(z) * a) == "2*a*sumsq(z)"
    assert str(sp.Tuple(z - y, W[0, 1])) == "(z - y, W[0, 1])"
    assert str(sp.gamma(ex.total(z))) == "gamma(sum(z))"
    assert str(nodes.Map(sp.core.symbol.Str("mystery"), z)) == "Map(mystery, z)"
    assert str(ex.full(sp.gamma(a), (2,))) == "gamma(a)*ones(2)"


def tanh_of(array: Any) -> Any:
    return fn.tanh(array)


# ---------------------------------------------------------------- what is refused


def subclasses(kind: type) -> set[type]:
    return {one for direct in kind.__subclasses__() for one in {direct, *subclasses(direct)}}


def test_every_node_has_a_rule():
    own = {kind for kind in subclasses(nodes.Array) | subclasses(ArrayScalar) if kind.__module__ == nodes.__name__} - {ArrayScalar}
    assert own <= set(RULES)


@pytest.mark.parametrize(
    "node",
    [
        *(sp.gamma(a), sp.Max(a, b), sp.Piecewise((a, a < 1), (b, True)), sp.oo, sp.I),
        *(nodes.Map(sp.core.symbol.Str("mystery"), z), z + sp.gamma(a)),
    ],
    ids=str,
)
def test_an_unknown_node_is_refused_by_name(node: Any):
    with pytest.raises(TargetError, match="text cannot show"):
        text(node)


# ---------------------------------------------------------------- formulas


def test_a_formula_reads_as_a_program():
    hidden = Block("_t1", (2,))
    field = Formula("field", (s, x, W), ((hidden, fn.tanh(x)),), (("x", s * hidden), ("_cost", ex.sumsq(hidden))), "the field and its cost")
    assert str(field) == formula_text(field)
    assert formula_text(field).splitlines() == [
        "formula field: the field and its cost",
        "    input s",
        "    input x: (2,)",
        "    input W: (2, 3)",
        "    let _t1: (2,) = tanh(x)",
        "    output x = s*_t1",
        "    output _cost = sumsq(_t1)",
    ]


TITLES = [("f", ""), ("my field", "it's 'quoted'"), ("f: g", ' "odd" '), ("f", "two\nlines"), ("f", "'whole'"), ("f", "a: b"), ("é", "ü")]


@pytest.mark.parametrize(("name", "source"), TITLES)
def test_any_name_and_source_are_read_back(name: str, source: str):
    example = Formula(name, (a,), (), ((name, 2 * a),), source)
    assert parse_formula(formula_text(example)) == example


@pytest.mark.parametrize("assumed", [{"positive": True}, {"integer": True}, {"integer": True, "nonnegative": True}, {"nonzero": True}])
def test_assumptions_are_read_back(assumed: dict[str, bool]):
    example = closed(sp.Symbol("c", real=True, **assumed) * z)
    assert parse_formula(formula_text(example)) == example


def test_other_assumptions_are_refused():
    with pytest.raises(DerivationError, match="assumptions other than"):
        formula_text(closed(sp.Symbol("c", prime=True) + a))


WRONG = {
    "": "empty",
    "input a": "begins with 'input'",
    "formula f\nformula g": "line 2",
    "formula f\n    put a": "begins with 'put'",
    "formula f\n    input a: (2": "no shape",
    "formula f\n    input a: odd": "'odd'",
    "formula f\n    input a: (b,)": "unknown name 'b'",
    "formula f\n    let _t1 2": "cannot be read",
    "formula f\n    output o = a": "line 2 of a formula: unknown name 'a'",
    "formula f\n    input z: (3,)\n    let _t1 = z": "shape () but has (3,)",
    "formula f\n    output o = (": "no expression",
}


@pytest.mark.parametrize("program", WRONG)
def test_what_is_no_formula_is_refused_with_its_line(program: str):
    with pytest.raises(LanguageError) as caught:
        parse_formula(program)
    assert WRONG[program] in str(caught.value)

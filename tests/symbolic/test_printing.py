"""Text that goes back through the parser to equal objects, and LaTeX that is well formed."""

import re

import pytest
from hypothesis import given

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.functions import tanh, where
from odeanalysis.symbolic.language import FORMULAS, parse
from odeanalysis.symbolic.printing.latex import formula_latex, latex
from odeanalysis.symbolic.printing.program import formula_text, parse_formula
from odeanalysis.symbolic.printing.text import text
from tests.symbolic.strategies import expressions

W, V, b, z, a = block("W", 4, 2), block("V", 2, 4), block("b", 4), block("z", 2), block("a")
NAMES = (W, V, b, z, a, depth)
KNOWN = {leaf.name: leaf for leaf in NAMES}
FIELD = formula("field", NAMES, {"z": V @ tanh(W @ z + b) + depth * where(depth < a, z, -z)}, "a field")
WRITTEN = ["V @ tanh(W @ z + b)", "1 - z**2", "W.T @ b", "sumsq(z)/2", "dot(z, z)*a", "where(a < s, z, zeros(2))", "b[1:3]", "outer(z, b)"]


@pytest.mark.parametrize("written", WRITTEN)
def test_text_reads_like_the_language(written):
    value = parse(written, KNOWN)
    assert parse(text(value), KNOWN, grammar=FORMULAS) == value


@given(expressions(NAMES, (2,)))
def test_vectors_go_through_text_and_back(value):
    assert parse(text(value), KNOWN, grammar=FORMULAS) == value


@given(expressions(NAMES, ()))
def test_scalars_go_through_text_and_back(value):
    assert parse(text(value), KNOWN, grammar=FORMULAS) == value


@pytest.mark.parametrize("derive", [lambda f: f, vjp, jvp, lambda f: vjp(vjp(f))], ids=["stated", "vjp", "jvp", "vjp of vjp"])
def test_formulas_go_through_text_and_back(derive):
    derived = derive(FIELD)
    assert parse_formula(formula_text(derived)) == derived


@given(expressions(NAMES, (2,)))
def test_latex_is_balanced(value):
    balanced(latex(value))


@pytest.mark.parametrize("derive", [lambda f: f, vjp, jvp], ids=["stated", "vjp", "jvp"])
def test_latex_of_formulas_is_balanced_and_states_shapes(derive):
    written = formula_latex(derive(FIELD))
    balanced(written)
    assert r"\mathbb{R}^{2}" in written


def balanced(written: str) -> None:
    """Braces, environments and delimiters open and close."""
    bare = re.sub(r"\\[{}]", "", written)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", written) == re.findall(r"\\end\{(\w+)\}", written)[::-1] or "cases" in written
    assert written.count(r"\left") - written.count(r"\leftarrow") == written.count(r"\right") - written.count(r"\rightarrow")


def test_an_unknown_node_is_refused_by_name():
    import sympy as sp

    with pytest.raises(TargetError, match="gamma"):
        text(sp.gamma(a))

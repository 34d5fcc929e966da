"""Bounds on length, depth, numbers, powers and nesting: what would take SymPy or the machine very long is refused before it is begun."""

import inspect
import sys
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.errors import LanguageError
from tests.symbolic.counted import at_most
from tests.symbolic.declared import read, read_or_refused, refusal

CALLS = 5_000_000  # of Python functions, a few seconds; what is refused here would have taken SymPy minutes, or for ever

# each of these has no value, or would take SymPy or the machine very long
OUT_OF_BOUNDS: dict[str, tuple[str, ...]] = {
    "9**9**9": ("too large",),
    "a**1000000": ("larger than 1000",),
    "a**(1000*pi)": ("larger than 1000",),
    "((a**1000)**1000)": ("larger than 1000",),
    "1e400": ("too large",),
    "-1e400*a": ("too large",),
    "1e-400": ("too small",),
    "1e300*1e300*a": ("too large",),
    "(1e300*a)**10": ("too many digits",),
    "(1 + 1e-300)**1000": ("too many digits",),
    "((1 + 1e-300)*sqrt(a))**999": ("too many digits",),
    "((1/3 + a)**1000 + 1/3)**1000": ("too many digits",),
    "999**0.123456789": ("too many digits",),
    "(2**521 - 1)**0.3": ("too many digits",),
    "2**(a - 65537)": ("too many digits",),
    "exp(1000)": ("too large",),
    "exp(-1000)": ("too small",),
    "exp(exp(exp(10)))": ("too large",),
    "exp(log(2)*10**9)": ("too large",),
    "exp(b + log(3*a)*10**9)": ("larger than 1000",),
    "exp(1)**(log(3*a)*10**9)": ("larger than 1000",),
    "1" + "0" * 4000: ("too large",),
    "1/0": ("division by zero",),
    "a/(1 - 1)": ("division by zero",),
    "z/0": ("division by zero",),
    "1/zeros(3)": ("division by zero",),
    "0**-1": ("division by zero",),
    "1/(z*0)": ("division by zero",),
    "log(0)": ("not a real number",),
    "log(-1)": ("not a real number",),
    "asin(2)": ("not a real number",),
    "sqrt(-1)": ("not a real number",),
    "(-8)**(1/3)": ("not a real number",),
    "sqrt(-a**2)": ("not real",),
    "tan(pi/2)": ("not finite",),
    "erf(1e15*log(7))": ("1 or -1",),
    "cosh(a**0.1234567)": ("too many digits",),
    "abs(sqrt(2) + sqrt(3) - sqrt(5 + 2*sqrt(6)))": ("too close to zero",),
    "where(a + sqrt(2) + sqrt(3) < a + sqrt(5 + 2*sqrt(6)), a, b)": ("too close to zero",),
    "(" * 300 + "a" + ")" * 300: ("too many nested parentheses",),
    "-" * 10_000 + "a": ("nested too deeply",),
    "not " * 3000 + "a": ("nested too deeply",),
    "a**" * 5000 + "a": ("nested too deeply",),
    "a+" * 9999 + "a": ("too long a chain",),
    "A @ " * 100 + "z": ("nested too deeply",),
    "sin(" * 90 + "a" + ")" * 90: ("nested too deeply",),
    "z" + "[0:1]" * 1000: ("nested too deeply",),
    "lambda: " * 2000 + "a": ("nested too deeply",),
    "a if b else " * 1500 + "a": ("nested too deeply",),
    "[" * 90 + "]" * 90: ("nested too deeply",),
    "*".join(["sin(a)"] * 501): ("501 factors", "500"),
    "+".join(["z", *["(z*z)"] * 500]): ("501 terms", "500"),
    "*".join(f"{k}**(1/{k})" for k in range(2, 300)): ("more than 50 roots",),
    "concat(" + ",".join(["a"] * 9000) + ")": ("8000 parts",),
    "a" * 20_001: ("20001 characters",),
}


@pytest.mark.parametrize("text", OUT_OF_BOUNDS, ids=lambda text: ascii(text[:60]))
def test_what_is_out_of_bounds_is_refused(text: str):
    with at_most(CALLS):
        problem, _, carets = refusal(text).split("\n")
    assert problem.startswith("field.z: ") and carets.endswith("^")
    for words in OUT_OF_BOUNDS[text]:
        assert words in problem


# ---------------------------------------------------------------- what nests

# each of these, put into itself as long as the text is short, has SymPy evaluate or question its parts exponentially often
NESTING = {
    "tanh({})**0.123": "1/3",
    "asin({})**1.1/9": "1/3",
    "erf({})**1.1": "1/3",
    "abs({} - 1/2)**0.3": "1/3",
    "cosh({})**0.123/2": "1/3",
    "acos(({})**0.3/9)": "1/3",
    "2 + pi/7*({})": "1/3",
    "sin(1)*({}) + 1": "pi/7",
    "({})**1.5": "a",
    "cosh((a + {})**0.3)": "a",
    "sinh((a*{} + b)**1.7)": "a",
    "tanh((a + b*{})**7)": "a",
    "(sin(({})**-0.5))**-2": "a",
    "((sinh({}))**-1)**0.5": "a + b",
    "(pi/7 + sqrt({}))**3": "a",
    "(({} + 1/({}))**100)**pi + 1": "a",
}


def nested(form: str, inner: str, longest: int = 2000, deepest: int = 12) -> str:
    """A form with itself in its gaps, over and over."""
    text = inner
    for _ in range(deepest):
        if len(further := form.replace("{}", text)) > longest:
            break
        text = further
    return text


@pytest.mark.parametrize("form", NESTING)
def test_what_nests_too_far_is_refused_before_sympy_works_on_it(form: str):
    with at_most(CALLS):
        problem = refusal(nested(form, NESTING[form])).split("\n")[0]
    assert "nests too many functions" in problem or "too many digits" in problem


@pytest.mark.parametrize("form", NESTING)
def test_a_little_of_it_is_read(form: str):
    assert isinstance(read(form.replace("{}", NESTING[form])), sp.Expr)


READ = {
    "a deep network": nested("tanh(a*({}) + b)", "s", deepest=15),
    "a continued fraction": nested("1/(a + b/({}))", "s", deepest=15),
    "rational functions": nested("({})**2/(1 + a**2)", "s", deepest=9),
    "a distance": f"sqrt({' + '.join(f'(a - {k}*b)**2' for k in range(1, 200))})",
    "a series": " + ".join(f"sin({k}*pi*s/7)*exp(-{k})/sqrt({k})" for k in range(1, 200)),
    "a sum of roots": f"abs({' + '.join(f'sqrt({k})' for k in range(1, 300))})",
    "factors": f"abs({'*'.join(f'(a - {k})' for k in range(100))})",
    "Hill functions": "*".join(f"a**{k}/(b**{k} + a**{k})" for k in range(1, 20)),
    "powers of powers": "((a**b + 1)**(1/3) + sqrt(1 + exp(-a**0.7)))**1.5",
}


@pytest.mark.parametrize("name", READ)
def test_what_models_need_is_read(name: str):
    with at_most(CALLS):
        assert isinstance(read(READ[name]), sp.Expr)


LEAVES = "1 2 3 9 30 0.1 pi pi/7 1/3 0.123456789 7/5 -1 a b"
FUNCTIONS = "sin cos tan asin acos atan sinh cosh tanh exp log sqrt abs sign erf sigmoid relu softplus gelu silu elu"
EXPONENTS = "2 3 -1 -2 0.5 0.3 1.5 -0.5 (1/3) 0.123 pi 10 100 1000 a"
leaf, function, exponent = (st.sampled_from(words.split()) for words in (LEAVES, FUNCTIONS, EXPONENTS))
FORMS = st.recursive(
    st.just("{}"),
    lambda inner: (
        st.builds(lambda name, u: f"{name}({u})", function, inner)
        | st.builds(lambda u, power: f"({u})**{power}", inner, exponent)
        | st.builds(lambda u, sign, v: f"({u}){sign}{v}", inner, st.sampled_from("+-*/"), leaf)
        | st.builds(lambda u, sign, v: f"{v}{sign}({u})", inner, st.sampled_from("+-*/"), leaf)
        | st.builds(lambda u: f"({u}) + 1/({u})", inner)
        | st.builds(lambda u, v: f"where({u} < {v}, {u}, 1)", inner, leaf)
    ),
    max_leaves=4,
)


@given(FORMS, leaf, st.integers(1, 20))
def test_any_form_that_nests_is_read_or_refused(form: str, inner: str, deepest: int):
    with at_most(CALLS):
        read_or_refused(nested(form, inner, 3000, deepest))


def test_a_stack_that_is_nearly_full_ends_in_no_traceback():
    """Wherever recursion ends, it ends with an error of the language or with the expression."""
    text = "sin(" * 50 + "a" + ")" * 50
    expected = read(text)

    def below(frames: int) -> Any:
        return read(text) if frames == 0 else below(frames - 1)

    outcomes = set()
    for frames in range(0, sys.getrecursionlimit() - len(inspect.stack()) - 60, 40):
        try:
            outcomes.add(below(frames) == expected)
        except LanguageError as error:
            outcomes.add("nested too deeply" in str(error))
    assert outcomes == {True}

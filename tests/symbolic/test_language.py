"""The language: what texts state, compared with Python itself; what is refused, with which words and where."""

import inspect
import sys
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.language import FORMULAS, MODELS, RESERVED, check_name, is_name, parse
from odeanalysis.symbolic.nodes import Array, shape_of
from tests.symbolic.pythonic import by_numpy, by_operators
from tests.symbolic.strategies import TAME, WILD, stated, texts
from tests.targets.reference import evaluate

ROUNDING = 1e-11  # relative to the largest number met on the way: sums and powers of a few hundred operations
a, b, s, gamma = (ex.block(name) for name in ("a", "b", "s", "gamma"))
z, y, x = ex.block("z", 3), ex.block("y", 3), ex.block("x", 2)
W, A, T3 = ex.block("W", 2, 3), ex.block("A", 3, 3), ex.block("T3", 2, 3, 2)
LEAVES = (a, b, s, gamma, z, y, x, W, A, T3)
NAMES = {leaf.name: leaf for leaf in LEAVES}
SHAPES = ((), (2,), (3,), (2, 3), (3, 3), (2, 3, 2))
half = sp.Rational(1, 2)


def read(text: str) -> Any:
    return parse(text, NAMES, key="field.z")


def refusal(text: Any, key: str = "field.z") -> str:
    with pytest.raises(LanguageError) as caught:
        parse(text, NAMES, key=key)
    return str(caught.value)


# ---------------------------------------------------------------- what texts state

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
    values = {leaf: np.random.default_rng(seed).uniform(-1.5, 1.5, shape_of(leaf)) for leaf in LEAVES}
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


# ---------------------------------------------------------------- what is refused

REFUSED: dict[str, tuple[str, ...]] = {
    "": ("empty",),
    "   ": ("empty",),
    "a + gama": ("unknown name 'gama'", "did you mean 'gamma'", "[parameters]", "[inputs]"),
    "_a": ("unknown name '_a'",),
    "__import__": ("unknown name",),
    "__import__(a)": ("unknown function '__import__'",),
    "sin + 1": ("'sin' is a function", "sin(u)"),
    "ln(a)": ("unknown function 'ln'", "log"),
    "sinn(a)": ("unknown function 'sinn'", "'sin'"),
    "qqq(a)": ("unknown function", "softplus"),
    "a(b)": ("'a' is a name", "a*(...)"),
    "a.T(b)": ("only the functions",),
    "sin(a)(b)": ("only the functions",),
    "sin(a, b)": ("2 arguments", "sin(u)"),
    "where(s < 1, a)": ("where(condition, u, v)",),
    "concat()": ("concat(u, ...)",),
    "sin(x=a)": ("without names",),
    "sin(*z)": ("stars",),
    "sin(**a)": ("without names",),
    "a.__class__": (".__class__", "only .T"),
    "(1).real": (".real",),
    "W.shape": (".shape",),
    "W @ W": ("'W' of shape (2, 3) and 'W' of shape (2, 3)", "@"),
    "a @ z": ("'a' of shape ()", "use *"),
    "z + x": ("'z' of shape (3,) and 'x' of shape (2,)",),
    "a*z - W*x": ("'W' of shape (2, 3) and 'x' of shape (2,)",),
    "a*(z + b)*x": ("'a*(z + b)' of shape (3,) and 'x' of shape (2,)",),
    "z**x": ("'z' of shape (3,) and 'x' of shape (2,)",),
    "maximum(z, x)": ("maximum of shapes (3,) and (2,)",),
    "where(s < 1, z, x)": ("(3,)", "(2,)"),
    "where(z < x, z, z)": ("'z' of shape (3,) and 'x' of shape (2,)",),
    "dot(z, W)": ("(3,)", "(2, 3)"),
    "trace(W)": ("(2, 3)", "square"),
    "concat(W)": ("(2, 3)",),
    "outer(W, z)": ("(2, 3)",),
    "diag(T3)": ("(2, 3, 2)",),
    "W[2]": ("'W' of shape (2, 3)", "index 2", "out of bounds"),
    "z[0, 0]": ("2 indices", "(3,)"),
    "z[a]": ("no index",),
    "z[1.0]": ("no index",),
    "z[True]": ("no index",),
    "z[...]": ("no index",),
    "z[None]": ("no index",),
    "z[z < 1]": ("no index",),
    "z[1:b]": ("no index",),
    "z[::0]": ("step", "0"),
    "a[0]": ("'a' is a scalar",),
    "zeros(a)": ("no axis length",),
    "zeros(-1)": ("no axis length",),
    "ones(1000000000000)": ("no axis length",),
    "a < b": ("no value", "where(condition, u, v)"),
    "a and b": ("no value",),
    "not a": ("no value",),
    "a if s else b": ("where(condition, u, v)",),
    "where(s, a, b)": ("needs a condition",),
    "where(-s, a, b)": ("needs a condition",),
    "where(s == 1, a, b)": ("comparison ==", "< <= > >="),
    "where(s is a, a, b)": ("comparison is",),
    "where(s not in a, a, b)": ("comparison not in",),
    "[a, b]": ("concat",),
    "(a, b)": ("concat",),
    "lambda: a": ("defined",),
    "(a := b)": ("assigned",),
    "[i for i in z]": ("not of the language",),
    "(yield)": ("not of the language",),
    "await a": ("not of the language",),
    "a // b": ("operator //",),
    "a << b": ("operator <<",),
    "a % b": ("'%'",),
    "a ^ b": ("'^'", "**"),
    "a & b": ("'&'", "and"),
    "~a": ("'~'", "not"),
    "'a'": ("strings",),
    'f"{a}"': ("strings",),
    "{a}": ("'{'",),
    "a # b": ("'#'",),
    "a; b": ("';'",),
    "a\nb": ("'\\n'", "one line"),
    "a\tb": ("'\\t'", "spaces"),
    "a\0b": ("'\\x00'",),
    "α": ("'α'", "ASCII"),
    "ﬁeld": ("ASCII",),
    "a b": ("no expression",),
    "a +": ("no expression",),
    "(a": ("never closed",),
    "import os": ("no expression",),
    "a = b": ("no expression",),
    "True": ("no decimal number",),
    "None": ("no decimal number",),
    "...": ("no decimal number",),
    "0x10": ("no decimal number",),
    "1_000": ("no decimal number",),
    "1j": ("no decimal number",),
    "tan(a + pi/2)": ("cot",),
}
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
    "+".join(["(z+1)"] * 501): ("502 terms", "500"),
    "concat(" + ",".join(["a"] * 9000) + ")": ("8000 parts",),
    "a" * 20_001: ("20001 characters",),
}
ALL_REFUSED = {**REFUSED, **OUT_OF_BOUNDS}


@pytest.mark.parametrize("text", ALL_REFUSED, ids=lambda text: ascii(text[:60]))
def test_anything_else_is_refused(text: str):
    """The message names the key, says what is wrong and what to do, and shows the place."""
    problem, excerpt, carets = refusal(text).split("\n")
    assert problem.startswith("field.z: ")
    for words in ALL_REFUSED[text]:
        assert words in problem
    assert set(carets) <= {" ", "^"} and carets.endswith("^")
    assert carets.index("^") <= len(excerpt)


PLACES = {
    "-gama*a + b": (1, "gama"),
    "a*(b + W @ W)": (9, "@"),
    "a + sin(b, 2)": (4, "sin(b, 2)"),
    "1 + a/(b - b)": (5, "/"),
    "where(s < 1, a == 2, b)": (13, "a == 2"),
    "where(s < 1 == 2, a, b)": (12, "=="),
    "z[0] + z[3]": (7, "z[3]"),
    "a + b'": (5, "'"),
    "a + 1e999": (4, "1e999"),
}


@pytest.mark.parametrize("text", PLACES)
def test_carets_stand_under_the_place(text: str):
    _, excerpt, carets = refusal(text).split("\n")
    start, part = PLACES[text]
    assert excerpt == f"    {text}"
    assert carets == " " * (4 + start) + "^" * len(part)
    assert text[start:].startswith(part)


def test_the_excerpt_of_a_long_text_is_around_the_place():
    _, excerpt, carets = refusal("a + " * 100 + "gama" + " + b" * 100).split("\n")
    assert excerpt.startswith("    ...") and excerpt.endswith("...") and len(excerpt) < 120
    assert excerpt[carets.index("^") :].startswith("gama")


def test_a_whole_message():
    assert refusal("V @ tanh(z) + 1") == (
        "field.z: unknown name 'V'; declare it under [parameters] or [inputs]\n    V @ tanh(z) + 1\n    ^"
    )


@pytest.mark.parametrize("text", [None, 1, b"a", ["a"]])
def test_what_is_no_text_is_refused(text: Any):
    assert "write it as a string" in refusal(text)


def test_no_key_no_prefix():
    assert refusal("1/0", key="").startswith("a division by zero")


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


# ---------------------------------------------------------------- no text does anything else

TOKENS = [
    *[
        "a",
        "b",
        "s",
        "z",
        "y",
        "W",
        "A",
        "T3",
        "gamma",
        "nothing",
        "_x",
        "pi",
        "sin",
        "exp",
        "log",
        "sqrt",
        "where",
        "concat",
        "dot",
        "sum",
        "trace",
        "zeros",
        "eye",
        "T",
    ],
    *["0", "1", "2", "3", "9", "1e300", "1e-300", "0.1", "1e400", "00", "0x1", "1_0", "1j"],
    *[
        "+",
        "-",
        "*",
        "/",
        "**",
        "@",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        ":",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "and",
        "or",
        "not",
        "if",
        "else",
        "lambda",
        "for",
        "in",
        "is",
        ":=",
        "=",
        "//",
        "%",
        "^",
        "~",
        "&",
        "|",
        "'",
        '"',
        "#",
        "\\",
        ";",
        "{",
        "}",
    ],
    *(" ", "\t", "\n", "\0", "é", ".T", "(a", "a)", "[0]", "[-1:]"),
]


def check_outcome(text: str) -> None:
    """An expression of the vocabulary, or an error of the language; nothing else."""
    try:
        expression = read(text)
    except LanguageError as error:
        assert str(error).startswith("field.z: ")
        return
    assert isinstance(expression, (sp.Expr, Array))


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    check_outcome(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=12), st.sampled_from(["", " "]))
def test_any_tokens_are_read_or_refused(tokens: list[str], gap: str):
    check_outcome(gap.join(tokens))


@given(st.data())
def test_a_text_with_one_fault_is_read_or_refused(data: Any):
    text = data.draw(texts(LEAVES, data.draw(st.sampled_from(SHAPES)), kind=WILD))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    check_outcome(text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[end:])


def constants() -> st.SearchStrategy[str]:
    numbers = st.sampled_from(
        ["0", "1", "2", "9", "10", "100", "1e300", "1e-300", "0.1", "65537", "1e308", "pi", "pi/7", "1/3", "0.123456789", "1e-9", "7/5"]
    )

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        functions = st.sampled_from(["sin", "tan", "asin", "cosh", "tanh", "exp", "log", "sqrt", "abs", "sign", "erf", "sigmoid", "relu"])
        binary = st.builds(lambda u, sign, v: f"({u}){sign}({v})", inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner)
        choice = st.builds(lambda u, v, w: f"where({u} < {v}, {w}, 1)", inner, inner, inner)
        return st.builds(lambda name, u: f"{name}({u})", functions, inner) | binary | choice

    return st.recursive(numbers | st.sampled_from("ab"), larger, max_leaves=8)


@given(constants())
def test_constants_are_read_or_refused(text: str):
    """Towers of powers, huge and tiny numbers, cancellation: refused before SymPy works on them."""
    check_outcome(text)


def test_nothing_is_run(monkeypatch: pytest.MonkeyPatch):
    """Neither Python nor SymPy's own parser ever runs a text."""
    run: list[str] = []
    monkeypatch.setattr("builtins.eval", lambda *_: run.append("eval"))
    monkeypatch.setattr("builtins.exec", lambda *_: run.append("exec"))
    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", lambda *_, **__: run.append("parse_expr"))
    for text in (*STATED, *REFUSED):
        check_outcome(text)
    assert not run


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["a", "alpha", "hare0", "log_det", "A", "step", "solve", "E", "I", "x_"])
def test_a_name_may_be_declared(name: str):
    check_name(name, "a state", "s")
    assert is_name(name)
    assert parse(f"2*{name}", {name: a}) == 2 * a


@pytest.mark.parametrize("name", ["", "_a", "0a", "a b", "a.b", "é", "ﬁ", "a\n", *sorted(RESERVED)])
def test_a_name_may_not_be_declared(name: str):
    assert not is_name(name)
    with pytest.raises(LanguageError, match="cannot name a state"):
        check_name(name, "a state", "s")


def test_the_depth_has_its_name_for_itself():
    check_name("s", "the depth", "")
    with pytest.raises(LanguageError, match="name of the depth"):
        check_name("s", "a state", "s")


def test_reserved_names_are_keywords_functions_and_pi():
    assert {"lambda", "None", "pi", "sin", "where", "sumsq", "eye", "sqrt"} <= RESERVED
    assert not RESERVED & {"step", "solve", "place", "s", "T"}


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

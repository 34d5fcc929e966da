"""What is not of the language is refused, with which words, and where the carets stand; which names may be declared."""

from typing import Any

import pytest

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic.language import RESERVED, check_name, is_name, parse
from tests.symbolic.declared import a, refusal

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
    "maximum(z, x)": ("'z' of shape (3,) and 'x' of shape (2,)",),
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
    "'a'": ("names stand without quotes",),
    'f"{a}"': ("names stand without quotes",),
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


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:60]))
def test_anything_else_is_refused(text: str):
    """The message names the key, says what is wrong and what to do, and shows the place."""
    problem, excerpt, carets = refusal(text).split("\n")
    assert problem.startswith("field.z: ")
    for words in REFUSED[text]:
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

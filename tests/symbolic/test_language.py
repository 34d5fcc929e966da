"""The language of model files: what it reads, what it refuses and how, and that nothing else ever comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic.expressions import block
from odeanalysis.symbolic.language import parse
from tests.symbolic.strategies import texts

NAMES = {leaf.name: leaf for leaf in (block("W", 4, 2), block("b", 4), block("z", 2), block("s"), block("a"))}
REFUSED = {
    "gama*a": "unknown name 'gama'",
    "tann(z)": "unknown function 'tann'",
    "W @ b": "(4, 2)",
    "W + b": "(4,)",
    "z[5]": "out of bounds",
    "z.shape": ".shape",
    "__import__('os')": "__import__",
    "lambda: 0": "language",
    "[i for i in z]": "language",
    "f'{a}'": "language",
    "(1).__class__": "__class__",
    "a; a": "",
    "a if s else a": "language",
    "1/0": "zero",
    "9**9**9": "too large",
    "1e400": "",
    "0x10": "decimal",
    "'text'": '"\'" is not of the language; names stand without quotes',
    'sin("a")': "'\"' is not of the language; names stand without quotes",
    "s < 1": "",
    "where(a, 1, 2)": "",
    "sum(z, axis=0)": "",
    "a\x00": "",
    "": "",
    "(" * 300 + "a" + ")" * 300: "",
    "-" * 500 + "a": "",
    "a+" * 20_000 + "a": "",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20] or "empty")
def test_what_is_not_of_the_language_is_refused_with_its_key(text):
    """One message: the key, what is wrong, an excerpt."""
    with pytest.raises(LanguageError) as refused:
        parse(text, NAMES, key="field 'z'")
    assert "field 'z'" in str(refused.value) and REFUSED[text] in str(refused.value)


def test_the_caret_stands_under_the_place():
    with pytest.raises(LanguageError) as refused:
        parse("2*a + gama*s", NAMES, key="terminal")
    _, excerpt, caret = str(refused.value).splitlines()
    assert excerpt[caret.index("^") :].startswith("gama")


# operands whose shapes do not go together, and how they are named
OPERANDS = {
    "W @ b": ("'W' of shape (4, 2)", "'b' of shape (4,)"),
    "a @ z": ("'a' of shape ()", "'z' of shape (2,)"),
    "z + 2*b": ("'z' of shape (2,)", "'2*b' of shape (4,)"),
    "where(z < b, 1, 2)": ("'z' of shape (2,)", "'b' of shape (4,)"),
    "where(s < 1, z, b)": ("'s < 1' of shape ()", "'z' of shape (2,)", "'b' of shape (4,)"),
    "maximum(z, b)": ("'z' of shape (2,)", "'b' of shape (4,)"),
    "dot(z, W[0, :1])": ("'z' of shape (2,)", "'W[0, :1]' of shape (1,)"),
    "outer(z, W)": ("'z' of shape (2,)", "'W' of shape (4, 2)"),
    "concat(a, W)": ("'a' of shape ()", "'W' of shape (4, 2)"),
    "trace(W)": ("'W' of shape (4, 2)",),
    "diag(W)": ("'W' of shape (4, 2)",),
    "z[5]": ("'z' of shape (2,)",),
    "W[0, 0, 0]": ("'W' of shape (4, 2)",),
}


@pytest.mark.parametrize("text", OPERANDS)
def test_operands_are_named_with_their_shapes_once(text):
    with pytest.raises(LanguageError) as refused:
        parse(text, NAMES)
    problem = str(refused.value).splitlines()[0]
    assert all(problem.count(operand) == 1 for operand in OPERANDS[text])
    assert problem.count(" of shape ") == len(OPERANDS[text])
    for operand in OPERANDS[text]:
        shape = operand.partition(" of shape ")[2]
        assert problem.count(shape) == sum(other.endswith(shape) for other in OPERANDS[text])


@pytest.mark.parametrize("text", [*REFUSED, "(" + " + ".join("abcdefghijklmnopqrst") + ").real", "tanh(" + "a + " * 50 + "a, a)"])
def test_a_few_carets_are_enough(text):
    with pytest.raises(LanguageError) as refused:
        parse(text, NAMES)
    carets = str(refused.value).splitlines()[-1]
    assert carets.strip("^ ") == "" and 1 <= carets.count("^") <= 40


def test_the_carets_of_an_attribute_stand_under_its_name():
    with pytest.raises(LanguageError) as refused:
        parse("(a + s).real", NAMES)
    _, excerpt, carets = str(refused.value).splitlines()
    assert excerpt[carets.index("^") : len(carets)] == "real"


def test_decimals_are_exact():
    assert parse("0.1", NAMES) * 10 == 1
    assert parse("1e-3", NAMES) * 1000 == 1


def test_long_sums_are_no_deep_nesting():
    total = parse("+".join(f"a**{k}" for k in range(2, 400)), NAMES)
    assert len(total.args) == 398


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    """Nothing but a LanguageError comes out, whatever goes in."""
    try:
        parse(text, NAMES, key="fuzz")
    except LanguageError as refused:
        assert "fuzz" in str(refused)


@given(texts(NAMES.values(), (), 3), st.integers(0, 200), st.sampled_from("()[]+-*/@.,<>=:'\"\\ 0e_azW\x00\n"))
def test_a_damaged_expression_is_read_or_refused(text, place, letter):
    """A valid expression with one character exchanged."""
    place %= max(1, len(text))
    try:
        parse(text[:place] + letter + text[place + 1 :], NAMES, key="fuzz")
    except LanguageError as refused:
        assert "fuzz" in str(refused)

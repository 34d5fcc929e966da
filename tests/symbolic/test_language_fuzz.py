"""No text does anything but state an expression or be refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.symbolic.counted import at_most
from tests.symbolic.declared import LEAVES, SHAPES, read_or_refused
from tests.symbolic.strategies import WILD, texts
from tests.symbolic.test_language_bounds import CALLS
from tests.symbolic.test_language_read import STATED
from tests.symbolic.test_language_refused import REFUSED

NAMED = "a b s z y W A T3 gamma nothing _x pi sin exp log sqrt where concat dot sum trace zeros eye T"
NUMBERS = "0 1 2 3 9 1e300 1e-300 0.1 1e400 00 0x1 1_0 1j"
SIGNS = "+ - * / ** @ ( ) [ ] , . : < <= > >= == != and or not if else lambda for in is := = // % ^ ~ & | ' \" # \\ ; { }"
PIECES = (" ", "\t", "\n", "\0", "é", ".T", "(a", "a)", "[0]", "[-1:]")
TOKENS = [*NAMED.split(), *NUMBERS.split(), *SIGNS.split(), *PIECES]
CONSTANTS = "0 1 2 9 10 100 1e300 1e-300 0.1 65537 1e308 pi pi/7 1/3 0.123456789 1e-9 7/5"
FUNCTIONS = "sin tan asin acos cosh tanh exp log sqrt abs sign erf sigmoid relu"


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    read_or_refused(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=12), st.sampled_from(["", " "]))
def test_any_tokens_are_read_or_refused(tokens: list[str], gap: str):
    read_or_refused(gap.join(tokens))


@given(st.data())
def test_a_text_with_one_fault_is_read_or_refused(data: Any):
    text = data.draw(texts(LEAVES, data.draw(st.sampled_from(SHAPES)), kind=WILD))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    read_or_refused(text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[end:])


def constants() -> st.SearchStrategy[str]:
    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.builds(lambda u, sign, v: f"({u}){sign}({v})", inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner)
        choice = st.builds(lambda u, v, w: f"where({u} < {v}, {w}, 1)", inner, inner, inner)
        return st.builds(lambda name, u: f"{name}({u})", st.sampled_from(FUNCTIONS.split()), inner) | binary | choice

    return st.recursive(st.sampled_from([*CONSTANTS.split(), "a", "b"]), larger, max_leaves=8)


@given(constants())
def test_constants_are_read_or_refused(text: str):
    """Towers of powers, huge and tiny numbers, cancellation: refused before SymPy works on them."""
    with at_most(CALLS):
        read_or_refused(text)


def test_nothing_is_run(monkeypatch: pytest.MonkeyPatch):
    """Neither Python nor SymPy's own parser ever runs a text."""
    run: list[str] = []
    monkeypatch.setattr("builtins.eval", lambda *_: run.append("eval"))
    monkeypatch.setattr("builtins.exec", lambda *_: run.append("exec"))
    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", lambda *_, **__: run.append("parse_expr"))
    for text in (*STATED, *REFUSED):
        read_or_refused(text)
    assert not run

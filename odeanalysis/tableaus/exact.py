"""Exact numbers: how a method's file writes them, and which are accepted."""

from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError

Row = tuple[sp.Expr, ...]
Matrix = tuple[Row, ...]


def numbers(text: str) -> Row:
    """Rationals separated by white space: '1/3 -0.26 2' -> (1/3, -13/50, 2); a decimal is the rational it shows."""
    return tuple(sp.Rational(word) for word in text.split())


def rows(text: str) -> Matrix:
    """Rows of numbers separated by semicolons: '0; 1/4; 3/32 9/32' -> ((0,), (1/4,), (3/32, 9/32))."""
    return tuple(numbers(row) for row in text.split(";"))


def exact_number(value: Any, where: str) -> sp.Expr:
    """The value as a real rational or algebraic SymPy number; ModelError for floats, symbols and all else."""
    try:
        number = sp.sympify(value, strict=True)
    except sp.SympifyError:
        number = sp.nan
    if not (isinstance(number, sp.Rational) or _is_real_algebraic(number)):
        raise ModelError(f"{where} has {value!r}; give an exact real number: an integer, a Rational, or roots of them")
    return number


def exact_row(values: Any, where: str, length: int | None = None) -> Row:
    """At least one number and at most `length`, filled with zeros up to that length."""
    listed = tuple(exact_number(value, where) for value in _listed(values, where))
    stages = len(listed) if length is None else length
    if len(listed) > stages or stages == 0:
        raise ModelError(f"{where} has {len(listed)} entries for {stages} stages; give at most one for each stage")
    return listed + (sp.S.Zero,) * (stages - len(listed))


def exact_matrix(values: Any, where: str, length: int) -> Matrix:
    """Exactly `length` rows, each filled with zeros up to that length."""
    listed = _listed(values, where)
    if len(listed) != length:
        raise ModelError(f"{where} has {len(listed)} rows for {length} stages; give one row for each stage")
    return tuple(exact_row(row, f"row {i} of {where}", length) for i, row in enumerate(listed, 1))


def _is_real_algebraic(number: Any) -> bool:
    return isinstance(number, sp.Expr) and bool(number.is_algebraic and number.is_real)


def _listed(values: Any, where: str) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ModelError(f"{where} is {values!r}; give a tuple of exact numbers (`numbers` and `rows` read them from text)")
    return list(values)

"""Number literals as exact rationals: a decimal number is the shortest one that rounds to the same 64-bit number, as in Python."""

import ast
import math
import re
from typing import Any

import sympy as sp

from odeanalysis.symbolic.language.grammar import Grammar
from odeanalysis.symbolic.language.statement import Statement

DECIMAL = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def number(statement: Statement, node: ast.Constant, grammar: Grammar) -> Any:
    """The rational that a literal states."""
    source = statement.text[node.col_offset : node.end_col_offset]
    if not DECIMAL.fullmatch(source) or not isinstance(node.value, (int, float)):
        raise statement.at(node, f"{statement.show(node)} is no decimal number; write it like 2, 0.5 or 1e-3")
    if isinstance(node.value, float):
        return _decimal(statement, node, source)
    if node.value.bit_length() > grammar.bits:
        raise statement.at(node, f"{statement.show(node)} is too large a number; use a smaller one")
    return sp.Integer(node.value)


def _decimal(statement: Statement, node: ast.Constant, source: str) -> Any:
    value = node.value
    if not isinstance(value, float) or math.isinf(value):
        raise statement.at(node, f"{statement.show(node)} is too large for a 64-bit number; use a smaller one")
    if value == 0 and re.search("[1-9]", re.split("[eE]", source)[0]):
        raise statement.at(node, f"{statement.show(node)} is too small for a 64-bit number; write 0")
    return sp.Rational(repr(value))

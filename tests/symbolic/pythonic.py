"""What Python itself makes of a text of the language: over NumPy arrays, and over the operators of symbols and blocks.

Both are independent of the parser. NumPy has no `and`, `or`, `not` and no chained comparisons of arrays: they become its logical functions.
"""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

import odeanalysis as oda
from odeanalysis.symbolic.expressions import as_expression
from odeanalysis.symbolic.language.grammar import MODEL_FUNCTIONS
from odeanalysis.symbolic.rewrite import exact
from tests.targets.reference import FUNCTIONS

NUMPY: dict[str, Any] = {
    **{name: function for name, function in FUNCTIONS.items() if name in MODEL_FUNCTIONS},
    "sqrt": np.sqrt,
    "sum": np.sum,
    "sumsq": lambda x: np.sum(x * x),
    "dot": np.dot,
    "outer": np.outer,
    "trace": np.trace,
    "concat": lambda *parts: np.concatenate([np.atleast_1d(part) for part in parts]),
    "zeros": lambda *shape: np.zeros(shape),
    "ones": lambda *shape: np.ones(shape),
    "eye": np.eye,
    "diag": np.diag,
    "pi": np.pi,
    "_and": lambda *x: np.logical_and.reduce(np.broadcast_arrays(*x)),
    "_or": lambda *x: np.logical_or.reduce(np.broadcast_arrays(*x)),
    "_not": np.logical_not,
}


def by_numpy(text: str, values: Mapping[str, Any]) -> tuple[Any, float]:
    """The value of a text, and the largest number met on the way, to which rounding is relative."""
    largest = [1.0]

    def noted(value: Any) -> Any:
        largest.append(float(np.max(np.abs(value), initial=0)))
        return value

    with np.errstate(all="ignore"):
        return _run(_Logic(), text, {**NUMPY, **values, "_noted": noted}), max(largest)


def by_operators(text: str, names: Mapping[str, Any]) -> Any:
    """The expression that Python's operators and the public functions build; numbers are exact. Knows no `and`, `or`, `not`."""
    public = {name: getattr(oda, name) for name in MODEL_FUNCTIONS}
    return exact(_run(_Exact(), text, {**public, "pi": sp.pi, **names, "_exact": as_expression}))


def _run(change: ast.NodeTransformer, text: str, names: dict[str, Any]) -> Any:
    tree = ast.fix_missing_locations(change.visit(ast.parse(text, mode="eval")))
    return eval(compile(tree, text, "eval"), {"__builtins__": {}}, names)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Exact(ast.NodeTransformer):
    """Numbers become exact, but for indices, and sizes, which stay whole."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _call("_exact", node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self.visit(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id not in ("zeros", "ones", "eye"):
            node.args = [self.visit(argument) for argument in node.args]
        return node


class _Logic(ast.NodeTransformer):
    """Conditions become calls; every operation is noted."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _call("_noted", node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(argument) for argument in node.args]
        return _call("_noted", node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        return _call("_and" if isinstance(node.op, ast.And) else "_or", *node.values)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return _call("_not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        places = [node.left, *node.comparators]
        pairs = zip(places, node.ops, places[1:], strict=False)
        return _call("_and", *(ast.Compare(left, [op], [right]) for left, op, right in pairs))

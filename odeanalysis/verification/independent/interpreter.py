"""Stated expressions evaluated node by node with NumPy: no derivation, no emission, no sharing. The independent route stands on it."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

import numpy as np
import sympy as sp
from scipy import special

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES

ELEMENTARY: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "abs", "sign", "maximum", "minimum")
    },
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "erf": special.erf,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * special.ndtr(x),
    "silu": lambda x: x * special.expit(x),
    "step": lambda x: np.heaviside(x, 0),
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
}


def _places(item: Any) -> Any:
    """An item of a key as NumPy takes it: one place, or the places of a slice."""
    if not isinstance(item, sp.Tuple):
        return int(item)
    start, size, step = (int(cast(Any, part)) for part in item)
    return start + step * np.arange(size)


def _concat(*parts: Any) -> Any:
    return np.concatenate([np.atleast_1d(part) for part in parts])


RULES: dict[type, Callable[[Any, list[Any]], Any]] = {
    sp.Add: lambda node, x: sum(x),
    sp.Mul: lambda node, x: math.prod(x),
    sp.Pow: lambda node, x: np.float64(x[0]) ** x[1],
    nodes.Plus: lambda node, x: sum(x),
    nodes.Times: lambda node, x: math.prod(x),
    nodes.Power: lambda node, x: x[0] ** x[1],
    nodes.MatMul: lambda node, x: x[0] @ x[1],
    nodes.Outer: lambda node, x: np.multiply.outer(x[0], x[1]),
    nodes.Permute: lambda node, x: np.transpose(x[0], [int(axis) for axis in node.args[1]]),
    nodes.Concat: lambda node, x: _concat(*x),
    nodes.Slice: lambda node, x: _sliced(x[0], node.args[1]),
    nodes.Element: lambda node, x: x[0][tuple(int(i) for i in node.args[1:])],
    nodes.Full: lambda node, x: np.full([int(n) for n in node.shape], x[0]),
    nodes.Eye: lambda node, x: np.eye(int(node.shape[0])),
    nodes.Total: lambda node, x: np.sum(x[0]),
    nodes.Diag: lambda node, x: np.diag(x[0]),
    nodes.Diagonal: lambda node, x: np.diagonal(x[0]),
    nodes.Map: lambda node, x: ELEMENTARY[node.name](*x[1:]),
    scalars.where: lambda node, x: x[1] if x[0] else x[2],
    sp.StrictLessThan: lambda node, x: x[0] < x[1],
    sp.LessThan: lambda node, x: x[0] <= x[1],
    sp.StrictGreaterThan: lambda node, x: x[0] > x[1],
    sp.GreaterThan: lambda node, x: x[0] >= x[1],
    sp.And: lambda node, x: all(x),
    sp.Or: lambda node, x: any(x),
    sp.Not: lambda node, x: not x[0],
}


def _sliced(array: Any, items: Any) -> Any:
    """One axis after the other, so that places and slices mix as NumPy's basic keys do."""
    axis = 0
    for item in items:
        array = np.take(array, _places(item), axis=axis)
        axis += isinstance(item, sp.Tuple)
    return array


def evaluate(expression: Any, values: Mapping[str, Any]) -> Any:
    """The value of an expression, one sample at a time, for values by name."""
    return evaluator(expression)(values)


@lru_cache(maxsize=4096)
def evaluator(expression: Any) -> Callable[[Mapping[str, Any]], Any]:
    """The expression as a function of values by name: every node looks its rule up once, and calls it each time."""
    if isinstance(expression, (sp.Symbol, nodes.Block)):
        return itemgetter(expression.name)
    if isinstance(expression, (sp.Number, sp.NumberSymbol)):
        return _constant(float(expression))
    if isinstance(expression, (sp.Tuple, nodes.Str)):
        return _constant(None)
    if expression in (sp.true, sp.false):
        return _constant(bool(expression))
    found, arguments = _rule(expression), [evaluator(argument) for argument in expression.args]
    return lambda values: found(expression, [argument(values) for argument in arguments])


def _constant(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    return lambda values: value


def _rule(expression: Any) -> Callable[[Any, list[Any]], Any]:
    name = SCALAR_CLASSES.get(type(expression))
    if name is not None:
        return lambda node, x: ELEMENTARY[name](*x)
    if type(expression) not in RULES:
        raise DerivationError(f"the independent route cannot evaluate {type(expression).__name__}; add it to its table")
    return RULES[type(expression)]

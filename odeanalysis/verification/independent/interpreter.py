"""Stated expressions evaluated node by node with NumPy: no derivation, no emission, no sharing. The independent route stands on it."""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from operator import itemgetter
from typing import Any, cast

import numpy as np
import sympy as sp
from scipy import special

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES

Evaluator = Callable[[Mapping[str, Any]], Any]

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


def _sum(*terms: Any) -> Any:
    return reduce(operator.add, terms)


def _product(*factors: Any) -> Any:
    return reduce(operator.mul, factors)


def _always(function: Callable[..., Any]) -> Callable[[Any], Callable[..., Any]]:
    """The rule of nodes that all compute the same."""
    return lambda node: function


def _sliced(node: Any) -> Callable[[Any], Any]:
    """One axis after the other, so that places and slices mix as NumPy's basic keys do."""
    places = [_places(item) for item in node.args[1]]

    def part(array: Any) -> Any:
        axis = 0
        for place in places:
            array = np.take(array, place, axis=axis)
            axis += np.ndim(place)
        return array

    return part


def _entry(node: Any) -> Callable[..., Any]:
    place = tuple(map(int, node.args[1:]))
    return lambda array, *_: array[place]


def _permuted(node: Any) -> Callable[[Any], Any]:
    axes = [int(axis) for axis in node.args[1]]
    return lambda array: np.transpose(array, axes)


def _filled(node: Any) -> Callable[[Any], Any]:
    shape = [int(size) for size in node.shape]
    return lambda value: np.full(shape, value)


# what a node computes of the values of its arguments, but for keys, names and shapes
RULES: dict[type, Callable[[Any], Callable[..., Any]]] = {
    sp.Add: _always(_sum),
    sp.Mul: _always(_product),
    sp.Pow: _always(lambda base, exponent: np.float64(base) ** exponent),
    nodes.Plus: _always(_sum),
    nodes.Times: _always(_product),
    nodes.Power: _always(operator.pow),
    nodes.MatMul: _always(operator.matmul),
    nodes.Outer: _always(np.multiply.outer),
    nodes.Permute: _permuted,
    nodes.Concat: _always(_concat),
    nodes.Slice: _sliced,
    nodes.Element: _entry,
    nodes.Full: _filled,
    nodes.Eye: _always(lambda size: np.eye(int(size))),
    nodes.Total: _always(np.sum),
    nodes.Diag: _always(np.diag),
    nodes.Diagonal: _always(np.diagonal),
    nodes.Map: lambda node: ELEMENTARY[node.name],
    scalars.where: _always(lambda condition, then, other: then if condition else other),
    sp.StrictLessThan: _always(operator.lt),
    sp.LessThan: _always(operator.le),
    sp.StrictGreaterThan: _always(operator.gt),
    sp.GreaterThan: _always(operator.ge),
    sp.And: _always(lambda *all_of: all(all_of)),
    sp.Or: _always(lambda *any_of: any(any_of)),
    sp.Not: _always(operator.not_),
}


def evaluate(expression: Any, values: Mapping[str, Any]) -> Any:
    """The value of an expression, one sample at a time, for values by name."""
    return evaluator(expression)(values)


@lru_cache(maxsize=4096)
def evaluator(expression: Any) -> Evaluator:
    """The expression as a function of values by name: every node looks its rule up once, and calls it each time."""
    if isinstance(expression, (sp.Symbol, nodes.Block)):
        return itemgetter(expression.name)
    if isinstance(expression, (sp.Number, sp.NumberSymbol)):
        return _constant(float(expression))
    if expression in (sp.true, sp.false):
        return _constant(bool(expression))
    stated = [argument for argument in expression.args if not isinstance(argument, (sp.Tuple, nodes.Str))]
    return _applied(_rule(expression), [evaluator(argument) for argument in stated])


def _constant(value: Any) -> Evaluator:
    return lambda values: value


def _applied(function: Callable[..., Any], arguments: Sequence[Evaluator]) -> Evaluator:
    """A function of what its arguments are; one and two of them, as most nodes have, without a list."""
    if len(arguments) == 1:
        (only,) = arguments
        return lambda values: function(only(values))
    if len(arguments) == 2:
        first, second = arguments
        return lambda values: function(first(values), second(values))
    return lambda values: function(*[argument(values) for argument in arguments])


def _rule(expression: Any) -> Callable[..., Any]:
    name = SCALAR_CLASSES.get(type(expression))
    if name is not None:
        return ELEMENTARY[name]
    if type(expression) not in RULES:
        raise DerivationError(f"the independent route cannot evaluate {type(expression).__name__}; add it to its table")
    return RULES[type(expression)](expression)

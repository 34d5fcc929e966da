"""An interpreter of expressions for one sample, one NumPy call for each node: the ground truth for printed programs.

Batched programs are compared with this interpreter run on each sample by itself.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import shape_of
from tests.targets.formulas import sizes

Array = Any


def _each(function: Any) -> Any:
    return np.vectorize(function, otypes=[float])


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


MATH = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "erf")
FUNCTIONS: dict[str, Any] = {
    **{name: _each(getattr(math, name)) for name in MATH},
    "abs": _each(abs),
    "sign": _each(lambda x: (x > 0) - (x < 0)),
    "sigmoid": _each(_sigmoid),
    "softplus": _each(lambda x: max(x, 0) + math.log1p(math.exp(-abs(x)))),
    "relu": _each(lambda x: x if x > 0 else 0),
    "elu": _each(lambda x: x if x > 0 else math.expm1(x)),
    "gelu": _each(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    "silu": _each(lambda x: x * _sigmoid(x)),
    "step": _each(lambda x: x > 0),
    "maximum": _each(max),
    "minimum": _each(min),
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
}
RELATIONS = {
    sp.StrictLessThan: np.less,
    sp.LessThan: np.less_equal,
    sp.StrictGreaterThan: np.greater,
    sp.GreaterThan: np.greater_equal,
    sp.Equality: np.equal,
    sp.Unequality: np.not_equal,
}


def key_of(items: Any) -> tuple[Any, ...]:
    """The key as index arrays, one position after the other."""
    return np.ix_(*map(_positions, items))


def _positions(item: Any) -> list[int]:
    if not isinstance(item, sp.Tuple):
        return [int(item)]
    start, count, step = (int(str(number)) for number in item)
    return [start + k * step for k in range(count)]


def _place(value: Array, items: Any, shape: Any) -> Array:
    result = np.zeros([int(size) for size in shape])
    key = key_of(items)
    result[key] = np.reshape(value, [k.size for k in key])
    return result


def _slice(x: Array, items: Any) -> Array:
    kept = [len(_positions(item)) for item in items if isinstance(item, sp.Tuple)]
    return x[key_of(items)].reshape(kept)


def _sum_to(x: Array, shape: Any) -> Array:
    while x.ndim > len(shape):
        x = x.sum(axis=0)
    for axis, size in enumerate(shape):
        x = x.sum(axis=axis, keepdims=True) if size == 1 else x
    return x


RULES: dict[type, Any] = {
    sp.Add: lambda *x: sum(x),
    sp.Mul: lambda *x: math.prod(x),
    sp.Pow: np.power,
    sp.And: lambda *x: all(x),
    sp.Or: lambda *x: any(x),
    sp.Not: lambda x: not x,
    type(sp.true): lambda: True,
    type(sp.false): lambda: False,
    **RELATIONS,
    **{cls: FUNCTIONS[name] for cls, name in SCALAR_CLASSES.items()},
    scalars.where: np.where,
    nodes.Full: lambda value, shape: np.full([int(size) for size in shape], value),
    nodes.Eye: lambda size: np.eye(int(size)),
    nodes.Plus: lambda *x: sum(x),
    nodes.Times: lambda *x: math.prod(x),
    nodes.Power: np.power,
    nodes.Map: lambda name, *x: FUNCTIONS[name](*x),
    nodes.MatMul: np.matmul,
    nodes.Outer: np.outer,
    nodes.Permute: lambda x, axes: np.transpose(x, [int(axis) for axis in axes]),
    nodes.Concat: lambda *x: np.concatenate([np.atleast_1d(part) for part in x]),
    nodes.Slice: _slice,
    nodes.Element: lambda x, *items: x[tuple(map(int, items))],
    nodes.Place: _place,
    nodes.Diag: np.diag,
    nodes.Diagonal: np.diag,
    nodes.SumTo: _sum_to,
    nodes.Solve: np.linalg.solve,
    nodes.Total: np.sum,
    **dict.fromkeys((nodes.BatchSum, nodes.BatchTotal), lambda x: x),
}


def evaluate(node: Any, values: Mapping[Any, Array]) -> Array:
    """The value of an expression, given those of its leaves."""
    if node in values:
        return values[node]
    if isinstance(node, (sp.Tuple, sp.Integer)):
        return node if isinstance(node, sp.Tuple) else float(node)
    if isinstance(node, nodes.Str):
        return node.name
    if isinstance(node, (sp.Number, sp.NumberSymbol)):
        return float(node)
    arguments = [evaluate(argument, values) for argument in node.args]
    return RULES[type(node)](*arguments)


def run(program: Formula, values: Sequence[Array]) -> list[Array]:
    """The outputs of a formula for one sample."""
    known = dict(zip(program.inputs, values, strict=True))
    for leaf, expression in program.lets:
        known[leaf] = evaluate(expression, known)
    return [evaluate(expression, known) for _, expression in program.outputs]


def run_batched(program: Formula, batch: tuple[int, ...], values: Sequence[Array]) -> list[Array]:
    """The outputs for every sample of a batch, each computed by itself, with the batch axes in front."""
    ranks = [len(shape_of(leaf)) for leaf in program.inputs]
    full = [np.broadcast_to(v, batch + v.shape[v.ndim - rank :]) for v, rank in zip(values, ranks, strict=True)]
    results = [np.zeros(batch + sizes(shape)) for shape in program.shapes.values()]
    for sample in np.ndindex(*batch):
        for result, value in zip(results, run(program, [v[sample] for v in full]), strict=True):
            result[sample] = value
    return results

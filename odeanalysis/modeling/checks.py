"""Shared validators: each says what is wrong, with names and shapes, and what to do."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.language import check_name
from odeanalysis.symbolic.nodes import Block, Leaf, Map, shape_of
from odeanalysis.symbolic.rewrite import exact, leaves, walk
from odeanalysis.symbolic.shapes import Shape, show

TITLE_LIMIT = 100
NOT_FINITE = {sp.zoo, sp.nan, sp.oo, -sp.oo}


def title(name: Any) -> str:
    """A model's name: one plain line, because it enters the headers of generated code."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= TITLE_LIMIT:
        raise ModelError(f"name is {str(name)[:TITLE_LIMIT]!r}; give one line of 1 to {TITLE_LIMIT} printable characters")
    return name


def symbol(value: Any, what: str) -> sp.Symbol:
    """A scalar name."""
    found = leaf(value, what)
    if not isinstance(found, sp.Symbol):
        raise ModelError(f"{what} {found.name!r} has shape {show(found.shape)}; it must be a scalar")
    return found


def leaf(value: Any, what: str) -> Leaf:
    """A symbol (made real) or a block, named as the language allows."""
    if isinstance(value, Block):
        return value
    if isinstance(value, sp.Symbol):
        return sp.Symbol(value.name, real=True)
    raise ModelError(f"{what} {value!r} is no name; declare it with block(name, *shape) or a SymPy symbol")


def distinct(groups: Mapping[str, Iterable[Leaf]], depth: sp.Symbol, model: str) -> None:
    """Every name is allowed and stands for one thing only."""
    check_name(depth.name, "the depth", "")
    owners: dict[str, str] = {}
    for what, names in groups.items():
        for one in names:
            check_name(one.name, what, depth.name)
            if one.name in owners:
                both = f"both times as {what}" if owners[one.name] == what else f"as {owners[one.name]} and as {what}"
                raise ModelError(f"{model!r} declares {one.name!r} twice, {both}; rename one of them")
            owners[one.name] = what


def expression(value: Any, shape: Shape, known: Iterable[Leaf], where: str, declare: str) -> Any:
    """An exact expression of the wanted shape over known names, real and finite. Nothing is broadcast to the shape."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelError(f"{where} is {value}; give a finite number")
    try:
        result = exact(value)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error
    _check_names(result, set(known), where, declare)
    _check_real(result, where)
    if shape_of(result) != shape:
        raise ModelError(f"{where} has shape {show(shape_of(result))}, but needs {show(shape)}; write an expression of that shape")
    return result


def _check_names(result: Any, known: set[Leaf], where: str, declare: str) -> None:
    unknown = leaves(result) - known
    if not unknown:
        return
    shapes = {one.name: shape_of(one) for one in known}
    for one in sorted(unknown, key=str):
        if one.name in shapes and shapes[one.name] != shape_of(one):
            shown, declared = show(shape_of(one)), show(shapes[one.name])
            raise ModelError(f"{where} uses {one.name!r} with shape {shown}, where {one.name!r} has shape {declared}; use that one")
    names = sorted(one.name for one in unknown)
    are = "is" if len(names) == 1 else "are"
    raise ModelError(f"{where} uses {', '.join(map(repr, names))}, which {are} {declare}")


def _check_real(result: Any, where: str) -> None:
    nodes = set(walk([result]))
    if nodes & NOT_FINITE:
        raise ModelError(f"{where} is not finite: {result}; remove the division by zero")
    if sp.I in nodes:
        raise ModelError(f"{where} is not real: {result}; remove the root or the logarithm of a negative number")
    chosen = {node.args[1] for node in nodes if isinstance(node, Map) and node.name == "where"}
    loose = next((node for node in nodes if _is_comparison(node) and node not in chosen), None)
    if loose is not None or not isinstance(result, (sp.Expr, ex.Array)):
        shown = result if loose is None else loose
        raise ModelError(f"{where} has {shown}, a condition and no number; use where(condition, u, v)")


def _is_comparison(node: Any) -> bool:
    return isinstance(node, Map) and node.name in ("lt", "le")


def items(value: Any, what: str) -> tuple[Any, ...]:
    """Several things, as a tuple."""
    if isinstance(value, (str, sp.Basic, Mapping)) or not isinstance(value, Iterable):
        raise ModelError(f"{what} is {value!r}; give a list, with brackets also around a single entry")
    return tuple(value)


def pairs(value: Any, what: str) -> tuple[tuple[Any, Any], ...]:
    """The entries of a mapping, or of a sequence of pairs."""
    if isinstance(value, Mapping):
        return tuple(value.items())
    if not isinstance(value, Iterable) or isinstance(value, (str, sp.Basic)):
        raise ModelError(f"{what} is {value!r}; give a mapping from names")
    return tuple(_pair(one, f"{what} entry") for one in items(value, what))


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    found = items(value, what)
    if len(found) != 2:
        raise ModelError(f"{what} has {len(found)} parts; give two")
    return found[0], found[1]


def interval(value: Any, what: str) -> tuple[float, float]:
    """A range (low, high) of two finite numbers."""
    ends = _pair(value, what)
    try:
        low, high = map(float, ends)
    except (TypeError, ValueError, OverflowError) as error:
        shown = str(list(ends))[:TITLE_LIMIT]
        raise ModelError(f"{what} is {shown}; give two numbers [low, high]") from error
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ModelError(f"{what} is [{low}, {high}]; both ends must be finite")
    if low >= high:
        raise ModelError(f"{what} is [{low}, {high}]; the lower end must be below the upper one")
    return low, high

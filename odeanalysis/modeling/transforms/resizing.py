"""The same model at other shapes: what lets a network that is stated once take and give more coordinates."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.model import Model, Pairs, describe
from odeanalysis.modeling.transforms.transform import one_of
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Element, Leaf, Slice, shape_of
from odeanalysis.symbolic.rewrite import is_atom, rebuild
from odeanalysis.symbolic.shapes import Shape, Size, show

Leaves = Mapping[Leaf, Leaf]


def vector(model: Model, state: Any, kind: str) -> Leaf:
    """The state that a name or a leaf stands for, which has one axis. Raises ModelError where it does not."""
    found = one_of(state, model.states, "state", model)
    if len(shape_of(found)) != 1:
        raise ModelError(
            f"{kind} of {describe(found)} in {model.name!r}, which is no vector; declare it with one axis, as a vector of length n"
        )
    return found


def resized(model: Model, resize: Pairs) -> dict[Leaf, Leaf]:
    """Old leaf -> the leaf of the same name and its new shape, for parameters and inputs.

    resize: name (or leaf) -> shape, with as many axes as before; the coefficients of a name that varies with depth follow it.
    """
    found: dict[Leaf, Leaf] = {}
    for name, shape in checks.pairs(resize, f"resize of {model.name!r}"):
        old = one_of(name, (*model.varying, *model.names), "parameter or input", model)
        found[old] = _reshaped(old, checks.items(shape, f"resize of {old.name!r}"))
        for one in model.names:
            if one.name == old.name and one != old:
                found[one] = ex.block(one.name, shape_of(one)[0], *shape_of(found[old]))
    return found


def _reshaped(leaf: Leaf, shape: Shape) -> Leaf:
    if not shape or len(shape) != len(shape_of(leaf)):
        raise ModelError(f"resize gives {describe(leaf)} the shape {show(shape)}; change the lengths of its axes, not their number")
    return ex.block(leaf.name, *shape)


def shapes_from(given: Mapping[str, Any], where: str) -> dict[str, Shape]:
    """The key `resize` of a model file's table: name = shape."""
    stated = tables.table(given.get("resize", {}), f"{where}.resize")
    return {name: tables.shape(shape, f"{where}.resize.{name}") for name, shape in stated.items()}


@contextmanager
def fitting(what: str, more: Callable[[], str]) -> Iterator[None]:
    """Errors of shapes that do not fit any more say which change they come from, and how to mend them.

    more: -> what else to do, "" for nothing.
    """
    try:
        yield
    except ModelError as error:
        hints = "; ".join(filter(None, ["a name that changes with it gets its new shape under resize", more()]))
        raise ModelError(f"{what}: {error} ({hints})") from error


def parts(model: Model, changed: Leaves, argument: Mapping[Leaf, Any] | None = None) -> dict[str, Any]:
    """What the model is made of, over other leaves, and with another argument in place of a state in the field.

    changed: old leaf -> new leaf, for states, parameters, inputs and depth-varying names.  argument: state -> expression.
    """
    inside = {**changed, **(argument or {})}
    return {
        "field": {changed.get(z, z): replaced(f, inside) for z, f in model.field},
        "initial": {changed.get(z, z): replaced(h, changed) for z, h in model.initial},
        "parameters": tuple(changed.get(one, one) for one in model.parameters),
        "inputs": tuple(changed.get(one, one) for one in model.inputs),
        "functions": {changed.get(name, name): replaced(value, changed) for name, value in model.functions},
        "domain": tuple(replaced(end, changed) for end in model.domain),
        "breakpoints": tuple(replaced(depth, changed) for depth in model.breakpoints),
        "nodes": tuple(tuple(replaced(depth, changed) for depth in depths) for depths in model.nodes),
    }


# ---------------------------------------------------------------- expressions


def replaced(expression: Any, mapping: Mapping[Any, Any]) -> Any:
    """The expression with leaves replaced by what may have another shape.

    A slice that takes a whole axis goes on taking the whole axis; any other index or slice keeps the entries that it names.
    """
    return _replaced(expression, dict(mapping))


def _replaced(node: Any, known: dict[Any, Any]) -> Any:
    if node not in known:
        known[node] = node if is_atom(node) else _over(node, [_replaced(argument, known) for argument in node.args])
    return known[node]


def _over(node: Any, arguments: list[Any]) -> Any:
    base = arguments[0]
    if not isinstance(node, (Element, Slice)) or shape_of(base) == shape_of(node.args[0]):
        return rebuild(node, arguments)
    items = node.args[1:] if isinstance(node, Element) else node.args[1]
    sizes = zip(items, shape_of(node.args[0]), shape_of(base), strict=True)
    return ex.part(base, tuple(_item(item, old, new) for item, old, new in sizes))


def _item(item: Any, old: Size, new: Any) -> Any:
    """An index or a slice of an axis that had another length."""
    entries: Any = item if isinstance(item, sp.Tuple) else (item, 1, 1)
    first, count, step = entries
    if entries is item and count == old and abs(step) == 1:
        return sp.Tuple(0 if step > 0 else new - 1, new, step)
    last = max(first, first + (count - 1) * step) if isinstance(count, (int, sp.Integer)) else first
    if isinstance(new, int) and last >= new:
        raise ModelError(f"an expression takes entry {last} of an axis whose new length is {new}; write it without that entry")
    return item

"""The reverse sweep: one pass over a formula gives the derivatives of all inputs at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.calculus.activity import Activity
from odeanalysis.symbolic.calculus.rules import PULLBACKS, rule
from odeanalysis.symbolic.formula import Formula, Let, like, name_of, share
from odeanalysis.symbolic.nodes import Leaf, Map, shape_of
from odeanalysis.symbolic.rewrite import is_atom, is_leaf, leaves

Emit = Callable[[Leaf, Any], None]


def cotangent_of(name: str, expression: Any) -> Leaf:
    """The default input that carries the cotangent of an output."""
    return like(expression, f"_bar_{name}")


def vjp(
    formula: Formula,
    cotangents: Mapping[str, Any] | None = None,
    wrt: Iterable[Leaf] | None = None,
    name: str | None = None,
    source: str = "",
) -> Formula:
    """The vector-Jacobian product: `x_bar = sum_o (d o/d x)^T o_bar` for each input x.

    cotangents: output name -> expression (a leaf, a number); by default one new input `_bar_<output>` for each output; outputs that are
    not named have none.  wrt: the inputs whose derivatives are wanted (default: all).
    Returns a formula of the inputs, then the new leaves of the cotangents; its outputs are named after the inputs.
    """
    seeds = cotangents if cotangents is not None else {o: cotangent_of(o, e) for o, e in formula.outputs}
    targets = tuple(formula.inputs if wrt is None else wrt)
    lets, gradients = sweep(formula, seeds, targets)
    extra = sorted(leaves(*seeds.values()) - set(formula.inputs) - {leaf for leaf, _ in formula.lets}, key=name_of)
    outputs = {name_of(leaf): gradients[leaf] for leaf in targets}
    return share(name or f"{formula.name}_vjp", (*formula.inputs, *extra), (*formula.lets, *lets), outputs, source)


def sweep(formula: Formula, seeds: Mapping[str, Any], targets: tuple[Leaf, ...]) -> tuple[list[Let], dict[Leaf, Any]]:
    """The lets of the backward pass, and the cotangent of each target."""
    activity = Activity(formula.lets, targets)
    received: dict[Leaf, list[Any]] = {}

    def emit(leaf: Leaf, cotangent: Any) -> None:
        received.setdefault(leaf, []).append(cotangent)

    for output, expression in formula.outputs:
        if output in seeds:
            pull(expression, expression, seeds[output], emit, activity)
    lets: list[Let] = []
    for number, (leaf, expression) in enumerate(reversed(formula.lets)):
        if activity.of(leaf) and leaf in received:
            cotangent = _named(ex.add(*received.pop(leaf)), f"_c{number}", lets)
            pull(expression, leaf, cotangent, emit, activity)
    return lets, {leaf: _total(leaf, received.get(leaf, [])) for leaf in targets}


def _named(value: Any, name: str, lets: list[Let]) -> Any:
    if is_atom(value):
        return value
    leaf = like(value, f"{name}_{len(lets)}")
    lets.append((leaf, value))
    return leaf


def _total(leaf: Leaf, parts: list[Any]) -> Any:
    return ex.add(*parts) if parts else ex.full(sp.Integer(0), shape_of(leaf))


def pull(node: Any, out: Any, cotangent: Any, emit: Emit, activity: Activity) -> None:
    """Sends the cotangent of a node down to the leaves below it."""
    if ex.is_zero(cotangent) or not activity.of(node):
        return
    if is_leaf(node):
        emit(node, cotangent)
        return
    if is_switch(node):
        _pull_branches(node, cotangent, emit, activity)
        return
    pullback = rule(PULLBACKS, node)
    for i, argument in enumerate(node.args):
        if activity.of(argument):
            pull(argument, argument, pullback(node, out, cotangent, i), emit, activity)


def _pull_branches(node: Any, cotangent: Any, emit: Emit, activity: Activity) -> None:
    """A branch not taken may be undefined: its derivative is cut off behind it, where 0 times infinity can no longer arise."""
    choose = PULLBACKS[scalars.where]
    for i in (len(node.args) - 2, len(node.args) - 1):
        branch = node.args[i]
        whole = ex.sum_to(cotangent, shape_of(branch))
        pull(branch, branch, whole, lambda leaf, c, i=i: emit(leaf, choose(node, leaf, c, i)), activity)


def is_switch(node: Any) -> bool:
    """Whether a node is a `where`, on scalars or on arrays, whose condition is one scalar."""
    return isinstance(node, scalars.where) or (isinstance(node, Map) and node.name == "where" and shape_of(node.args[1]) == ())

"""The forward sweep: one pass over a formula moves it along one direction."""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.activity import Activity
from odeanalysis.symbolic.calculus.rules import PUSHES, rule
from odeanalysis.symbolic.formula import Formula, Let, like, name_of, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import is_atom, leaves


def tangent_of(leaf: Leaf) -> Leaf:
    """The default input that carries the tangent of an input."""
    return like(leaf, f"_dot_{name_of(leaf)}")


def jvp(formula: Formula, tangents: Mapping[Leaf, Any] | None = None, name: str | None = None, source: str = "") -> Formula:
    """The Jacobian-vector product: `o_dot = sum_x (d o/d x) x_dot` for each output o.

    tangents: input -> expression (a leaf, a number); by default one new input `_dot_<input>` for each input; inputs that are not named do
    not move. Returns a formula of the inputs, then the new leaves of the tangents; its outputs are named after the outputs.
    """
    moving = dict(tangents) if tangents is not None else {leaf: tangent_of(leaf) for leaf in formula.inputs}
    lets, outputs = push(formula, moving)
    extra = sorted(leaves(*moving.values()) - set(formula.inputs), key=name_of)
    return share(name or f"{formula.name}_jvp", (*formula.inputs, *extra), (*formula.lets, *lets), outputs, source)


def push(formula: Formula, tangents: Mapping[Leaf, Any]) -> tuple[list[Let], dict[str, Any]]:
    """The lets of the tangents, and the tangent of each output."""
    activity = Activity(formula.lets, tangents)
    known: dict[Any, Any] = dict(tangents)
    lets: list[Let] = []
    for number, (leaf, expression) in enumerate(formula.lets):
        if activity.of(leaf):
            value = tangent(expression, leaf, known, activity)
            known[leaf] = value if is_atom(value) else like(value, f"_d{number}")
            if not is_atom(value):
                lets.append((known[leaf], value))
    return lets, {output: tangent(e, e, known, activity) for output, e in formula.outputs}


def tangent(node: Any, out: Any, known: dict[Any, Any], activity: Activity) -> Any:
    """The tangent of a node, given those of the leaves below it."""
    if not activity.of(node):
        return ex.full(sp.Integer(0), shape_of(node))
    if node not in known:
        parts = [tangent(argument, argument, known, activity) if activity.of(argument) else None for argument in node.args]
        known[node] = rule(PUSHES, node)(node, out, parts)
    return known[node]

"""The double `where`: what a branch may not be asked outside its condition is asked at a harmless place instead.

where(c, sqrt(x), 0) -> where(c, sqrt(where(c, x, 1)), 0)

The value is the same. A backward pass through the text multiplies the slope of a branch that was not taken by zero, which is no
number where that slope is infinite: with a finite slope in its place the gradient is what `vjp` derives.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES, where
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import is_atom, rebuild, walk

Sides = tuple[tuple[Any, bool], ...]

# where the functions whose slopes may be infinite, or overflow, have finite ones
HARMLESS = {"log": 1, "asin": 0, "acos": 0, "tan": 0, "exp": 0, "sinh": 0, "cosh": 0}

# how nodes that work entry by entry are built again, also where scalars have become arrays
ENTRY_BY_ENTRY: dict[type, Callable[..., Any]] = {
    **dict.fromkeys((sp.Add, nodes.Plus), ex.add),
    **dict.fromkeys((sp.Mul, nodes.Times), ex.mul),
    **dict.fromkeys((sp.Pow, nodes.Power), ex.power),
    **{cls: FUNCTIONS[name] for cls, name in SCALAR_CLASSES.items()},
    nodes.Map: lambda name, *arguments: ex.elementwise(name.name, *arguments),
    nodes.Full: lambda value, shape: ex.mul(value, ex.ones(*shape)),
}


def guarded(formula: Formula) -> Formula:
    """The same formula, whose derivatives by any reverse sweep are numbers wherever those of the branches taken are."""
    roots = [expression for _, expression in (*formula.lets, *formula.outputs)]
    if not any(map(_is_choice, walk(roots))):
        return formula
    guard = _Guard(dict(formula.lets))
    lets = tuple((leaf, guard(expression, ())) for leaf, expression in formula.lets)
    return replace(formula, lets=lets, outputs=tuple((name, guard(expression, ())) for name, expression in formula.outputs))


class _Guard:
    """Rewrites expressions, given the conditions, each with the side on which a branch lies, under which they are asked for."""

    def __init__(self, definitions: dict[Any, Any]):
        self.definitions = definitions
        self.memo: dict[tuple[Any, Sides], Any] = {}
        self.steep: dict[Any, bool] = {}

    def __call__(self, node: Any, sides: Sides) -> Any:
        if (node, sides) not in self.memo:
            self.memo[node, sides] = self._rewritten(node, sides)
        return self.memo[node, sides]

    def _rewritten(self, node: Any, sides: Sides) -> Any:
        if node in self.definitions:
            return self(self.definitions[node], sides) if sides and self._is_steep(node) else node
        if is_atom(node) or isinstance(node, sp.logic.boolalg.Boolean):
            return node
        if _is_choice(node):
            return self._choice(node, sides)
        if type(node) not in ENTRY_BY_ENTRY:
            return self._whole(node, tuple(side for side in sides if shape_of(side[0]) == ()))
        arguments = [self(argument, sides) for argument in node.args]
        if sides and (found := harmless(node)):
            place, value = found
            arguments[place] = _asked(arguments[place], value, sides)
        return node if tuple(arguments) == node.args else ENTRY_BY_ENTRY[type(node)](*arguments)

    def _choice(self, node: Any, sides: Sides) -> Any:
        *_, condition, chosen, other = node.args
        return where(condition, self(chosen, (*sides, (condition, True))), self(other, (*sides, (condition, False))))

    def _whole(self, node: Any, sides: Sides) -> Any:
        """A node that mixes entries: only conditions on all of them reach below it."""
        arguments = [self(argument, sides) for argument in node.args]
        if isinstance(node, nodes.Solve) and sides:
            arguments[0] = _asked(arguments[0], ex.eye(node.shape[0]), sides)
        return rebuild(node, arguments)

    def _is_steep(self, leaf: Any) -> bool:
        """Whether anything in a definition, or in those it uses, may have to be asked elsewhere."""
        if leaf not in self.steep:
            below = list(walk([self.definitions[leaf]]))
            self.steep[leaf] = any(isinstance(node, nodes.Solve) or harmless(node) for node in below) or any(
                self._is_steep(node) for node in below if node in self.definitions
            )
        return self.steep[leaf]


def _is_choice(node: Any) -> bool:
    return isinstance(node, scalars.where) or (isinstance(node, nodes.Map) and node.name == "where")


def harmless(node: Any) -> tuple[int, Any] | None:
    """Which argument of a node decides whether its slopes are finite, and a value at which they are; None where they always are."""
    if isinstance(node, (sp.Pow, nodes.Power)):
        exponent = node.args[1]
        return None if isinstance(exponent, sp.Integer) and exponent > 0 else (0, sp.Integer(1))
    name = node.name if isinstance(node, nodes.Map) else SCALAR_CLASSES.get(type(node))
    place = 1 if isinstance(node, nodes.Map) else 0
    return (place, sp.Integer(HARMLESS[name])) if name in HARMLESS else None


def _asked(argument: Any, value: Any, sides: Sides) -> Any:
    """An argument where the conditions hold, a harmless value elsewhere."""
    for condition, holds in sides:
        argument = where(condition, argument, value) if holds else where(condition, value, argument)
    return argument

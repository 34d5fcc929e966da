"""Conditions on depth: read off, turned into flags that hold for a whole segment, with the depths at which they switch.

A condition on depth alone (`where(s < s1, u, v)`; abs, sign, relu, maximum, minimum of depth alone) splits the domain. Inside a segment
between break points it is constant, so formulas receive it as an input, its flag: a real name that is 1 where it holds, else 0.
A condition on the state is refused where the value jumps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp

from odeanalysis.errors import ModelError, TargetError
from odeanalysis.modeling.depths import switch
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES, where
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.printing.text import text
from odeanalysis.symbolic.rewrite import leaves, substitute, walk

ANYWHERE = ("objective.terminal", "objective.observations", "claims")  # what may jump in the state: it is never integrated
RELATIONS = (sp.StrictLessThan, sp.LessThan, sp.StrictGreaterThan, sp.GreaterThan)
KINKS: dict[str, Any] = {
    "abs": lambda x: where(x > 0, x, ex.negative(x)),
    "sign": lambda x: where(x > 0, 1, -1),
    "step": lambda x: where(x > 0, 1, 0),
    "relu": lambda x: where(x > 0, x, 0),
    "maximum": lambda u, v: where(u > v, u, v),
    "minimum": lambda u, v: where(u < v, u, v),
}


@dataclass(frozen=True)
class Piece:
    """A condition on depth alone, the flag that stands for it, and the depths at which it switches; none where they are listed by hand."""

    condition: Any
    flag: sp.Symbol
    depths: tuple[Any, ...]

    @property
    def gap(self) -> Any:
        """What is above 0 where the condition holds, and below 0 where it does not."""
        return self.condition.gts - self.condition.lts


@dataclass(frozen=True)
class Pieces:
    """What replaces the conditions of a problem: expression -> expression, and the pieces themselves."""

    items: tuple[Piece, ...]

    @property
    def flags(self) -> tuple[sp.Symbol, ...]:
        return tuple(piece.flag for piece in self.items)

    def apply(self, expression: Any) -> Any:
        """The expression with kinks in depth written as conditions, and conditions on depth as flags."""
        mapping = {piece.condition: piece.flag > sp.Rational(1, 2) for piece in self.items}
        return substitute(expression, mapping) if mapping else expression


@dataclass(frozen=True)
class Sides:
    """Who moves: the depth, what changes beside it (states, and data, of which each depth has its own), everything else."""

    depth: sp.Symbol
    states: frozenset[Leaf]

    def of_depth_alone(self, node: Any) -> bool:
        found = leaves(node)
        return self.depth in found and not found & self.states

    def of_state(self, node: Any) -> bool:
        return bool(leaves(node) & self.states)


def sides(problem: Problem) -> Sides:
    return Sides(problem.model.depth, frozenset((*problem.model.states, *problem.data)))


def open_kinks(expression: Any, sides: Sides) -> Any:
    """abs, sign, relu, maximum and minimum of depth alone as conditions, where the depth of the kink can be read off."""
    found = {}
    for node in walk([expression]):
        name = SCALAR_CLASSES.get(type(node))
        if name in KINKS and sides.of_depth_alone(node) and switch(_gap(node.args), sides.depth) is not None:
            found[node] = KINKS[name](*node.args)
    return substitute(expression, found) if found else expression


def _gap(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if len(arguments) == 1 else arguments[0] - arguments[1]


def find(problem: Problem, expressions: Iterable[tuple[str, Any]]) -> Pieces:
    """The pieces of all conditions in named expressions, in order. Raises ModelError where no gradient would be right."""
    movers = sides(problem)
    found: dict[Any, Piece] = {}
    for key, expression in expressions:
        refuse_jumps(problem, key, expression, movers)
        for relation in _relations(expression):
            if movers.of_depth_alone(relation) and relation not in found:
                flag = sp.Symbol(f"_piece{len(found) + 1}", real=True)
                found[relation] = Piece(relation, flag, _depths(problem, key, relation, movers.depth))
    return Pieces(tuple(found.values()))


def _relations(expression: Any) -> list[Any]:
    return sorted((node for node in walk([expression]) if isinstance(node, RELATIONS)), key=str)


def _depths(problem: Problem, key: str, relation: Any, depth: sp.Symbol) -> tuple[Any, ...]:
    found = switch(relation.lhs - relation.rhs, depth)
    if found is not None:
        return (found,)
    if problem.model.breakpoints:
        return ()
    raise ModelError(
        f"{key} of {problem.name!r} has the condition {shown(relation)}, from which no depth can be read off "
        f"(it is not affine in {depth}); list the depths at which it switches under breakpoints"
    )


def refuse_jumps(problem: Problem, key: str, expression: Any, sides: Sides) -> None:
    """A value that jumps when the state crosses something needs the jump's own term: refuse it rather than be wrong."""
    for node in walk([expression]):
        condition = _state_condition(node, sides)
        if condition is not None and not key.startswith(ANYWHERE) and not _continuous(node):
            raise ModelError(
                f"{key} of {problem.name!r} has {shown(node)}, which jumps when the state crosses {shown(condition)}; "
                "write it with relu, abs, maximum or minimum where it is continuous, or let the condition depend on depth alone"
            )
        _refuse_depth_sign(problem, key, node, sides)
        _refuse_array_condition(problem, key, node, sides)


def _refuse_array_condition(problem: Problem, key: str, node: Any, sides: Sides) -> None:
    if isinstance(node, nodes.Map) and node.name in ("lt", "le") and sides.depth in leaves(node):
        raise ModelError(
            f"{key} of {problem.name!r} compares arrays with the depth: {shown(node)}; "
            "write one scalar condition for each entry, joined by concat"
        )


def _state_condition(node: Any, sides: Sides) -> Any:
    """The condition on the state at which a node jumps; None where there is none."""
    if isinstance(node, scalars.where):
        return node.args[0] if sides.of_state(node.args[0]) else None
    if isinstance(node, nodes.Map) and node.name == "where":
        return node.args[1] if sides.of_state(node.args[1]) else None
    if _is_jump(node) and sides.of_state(node):
        return node.args[-1]
    return None


def bend(node: Any) -> Any:
    """What changes sign where the derivative of a node jumps but not its value; None where it does so nowhere."""
    if is_condition(node):
        return node.args[0].lhs - node.args[0].rhs
    if _kink(node) != "continuous":
        return None
    return _gap(node.args[1:] if isinstance(node, nodes.Map) else node.args)


def is_condition(node: Any) -> bool:
    """Whether a node is a scalar choice by one inequality."""
    return isinstance(node, scalars.where) and isinstance(node.args[0], RELATIONS)


def _is_jump(node: Any) -> bool:
    return _kink(node) == "jump"


def _kink(node: Any) -> str | None:
    name = node.name if isinstance(node, nodes.Map) else SCALAR_CLASSES.get(type(node))
    return FUNCTIONS[name].kink if name is not None and name in FUNCTIONS else None


def _refuse_depth_sign(problem: Problem, key: str, node: Any, sides: Sides) -> None:
    if not (_is_jump(node) and sides.of_depth_alone(node)):
        return
    raise ModelError(
        f"{key} of {problem.name!r} has {shown(node)}, a jump in depth whose place cannot be read off; "
        "write it as where(condition, 1, -1) and list its depths under breakpoints"
    )


def _continuous(node: Any) -> bool:
    """Whether both branches of a `where` agree where its one relation, solved for a scalar state, switches."""
    if not is_condition(node):
        return False
    relation, u, v = cast(Any, node.args)
    gap = relation.lhs - relation.rhs
    for name in sorted((one for one in leaves(gap) if isinstance(one, sp.Symbol)), key=str):
        if any(isinstance(part, (nodes.Array, nodes.ArrayScalar, scalars.Elementary)) for part in walk([gap, u, v])):
            return False
        slope = sp.diff(gap, name)
        if slope.is_number and slope != 0:
            edge = -gap.subs(name, 0) / slope
            return sp.simplify((u - v).subs(name, edge)) == 0
    return False


def shown(node: Any) -> str:
    """A node in the language of model files, where it belongs to it."""
    try:
        return text(node)
    except TargetError:
        return str(node)

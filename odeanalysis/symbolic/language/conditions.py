"""Conditions: of scalars SymPy's own, of arrays entry by entry; `and`, `or` and `not` of arrays become nested choices."""

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions
from odeanalysis.symbolic.nodes import Array

RELATIONS: dict[str, Any] = {
    "<": sp.StrictLessThan,
    "<=": sp.LessThan,
    ">": sp.StrictGreaterThan,
    ">=": sp.GreaterThan,
    "==": sp.Equality,
    "!=": sp.Unequality,
}
REFLECTED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
JOINS: dict[str, Any] = {"and": sp.And, "or": sp.Or, "not": sp.Not}
ELEMENTWISE = {"<": "lt", "<=": "le"}


@dataclass(frozen=True)
class Joined:
    """Conditions, some of them of arrays, joined by `and`, `or` or `not`."""

    word: str
    parts: tuple[Any, ...]


def compare(left: Any, operator: str, right: Any) -> Any:
    """`left < right`: one condition for scalars, one for each entry where an operand is an array."""
    if not isinstance(left, Array) and not isinstance(right, Array):
        return RELATIONS[operator](left, right)
    if operator in ELEMENTWISE:
        return ex.elementwise(ELEMENTWISE[operator], left, right)
    return ex.elementwise(ELEMENTWISE[REFLECTED[operator]], right, left)


def join(word: str, parts: list[Any]) -> Any:
    """Conditions joined by `and`, `or` or `not`."""
    if len(parts) == 1 and word != "not":
        return parts[0]
    return JOINS[word](*parts) if all(isinstance(part, Boolean) for part in parts) else Joined(word, tuple(parts))


def choose(condition: Any, chosen: Any, other: Any) -> Any:
    """`where` of a condition, joined or not."""
    if not isinstance(condition, Joined):
        return functions.where(condition, chosen, other)
    if condition.word == "not":
        return choose(condition.parts[0], other, chosen)
    for part in reversed(condition.parts):
        if condition.word == "and":
            chosen = choose(part, chosen, other)
        else:
            other = choose(part, chosen, other)
    return chosen if condition.word == "and" else other

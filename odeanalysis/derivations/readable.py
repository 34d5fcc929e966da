"""Formulas under the names that a reader would choose, with every condition in its place.

Generated names begin with an underscore, so that none is a user's. Here the costate of z is a_z, the derivative of the loss by the end
ell_S, an intermediate value t1, unless the user has such a name already; and a flag is the condition that it stands for.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import Any

import sympy as sp

from odeanalysis.derivations.parts import Parts, costate_of
from odeanalysis.symbolic.branches import merged
from odeanalysis.symbolic.calculus.reverse import cotangent_of
from odeanalysis.symbolic.formula import Formula, like, name_of, share
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute

COSTATES, SLOPES = ("a", "costate"), ("ell", "dell")
ENDS = {"start": "s0", "end": "S"}
HALF = sp.Rational(1, 2)


def readable(stated: Parts, formula: Formula) -> Formula:
    """A formula of a derivation as it is shown: the same values, by other names, without flags."""
    names = readable_names(stated)
    mapping = {**names, **dict(_conditions(stated))}
    memo: dict[Any, Any] = dict(mapping)

    def shown(expression: Any) -> Any:
        return merged(substitute(expression, {}, memo))

    flags = set(stated.pieces.flags)
    inputs = tuple(names.get(leaf, leaf) for leaf in formula.inputs if leaf not in flags)
    lets = [(leaf, shown(value)) for leaf, value in formula.lets]
    outputs = {name: shown(value) for name, value in formula.outputs}
    return _counted(share(formula.name, inputs, lets, outputs, formula.source), taken(stated))


def readable_names(stated: Parts) -> dict[Leaf, Leaf]:
    """What costates and the derivatives by the marks' depths are called."""
    known = taken(stated)
    costates = {costate_of(state): state.name for state in stated.states}
    slopes = {cotangent_of(name, depth): ENDS.get(name, name) for name, depth in stated.marks.outputs}
    return {**_named(costates, COSTATES, known), **_named(slopes, SLOPES, known)}


def taken(stated: Parts) -> set[str]:
    """The names of the user."""
    return {name_of(leaf) for leaf in (stated.depth, *stated.states, *stated.names, *stated.problem.data)}


def _named(tails: dict[Leaf, str], beginnings: tuple[str, ...], known: set[str]) -> dict[Leaf, Leaf]:
    """Names of one beginning, none of which is the user's."""
    numbered = (f"{beginnings[-1]}{i}" for i in count(2))
    first = next(one for one in chain(beginnings, numbered) if known.isdisjoint(f"{one}_{tail}" for tail in tails.values()))
    return {leaf: like(leaf, f"{first}_{tail}") for leaf, tail in tails.items()}


def _conditions(stated: Parts) -> Iterator[tuple[Any, Any]]:
    for piece in stated.pieces.items:
        yield piece.flag > HALF, piece.condition
        yield piece.flag <= HALF, sp.Not(piece.condition)


def _counted(formula: Formula, known: Iterable[str]) -> Formula:
    """The formula with its intermediate values called t1, t2, ..."""
    used = {*known, *map(name_of, formula.inputs)}
    fresh = (name for name in (f"t{i}" for i in count(1)) if name not in used)
    memo: dict[Any, Any] = {leaf: like(leaf, next(fresh)) for leaf, _ in formula.lets}
    lets = tuple((memo[leaf], substitute(value, {}, memo)) for leaf, value in formula.lets)
    outputs = tuple((name, substitute(value, {}, memo)) for name, value in formula.outputs)
    return Formula(formula.name, formula.inputs, lets, outputs, formula.source)

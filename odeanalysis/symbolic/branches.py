"""Choices put together: in a sum or a product, every `where` of one condition becomes a single one.

u where(c, p, q) + v where(c, r, t) -> where(c, u p + v r, u q + v t)

For readers: the value is the same, but what stood outside a branch now stands in both.
"""

from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import is_atom, rebuild, substitute, walk


def merged(expression: Any) -> Any:
    """The expression with the choices of each sum and product put together."""
    return _merged(expression, {})


def _merged(node: Any, memo: dict[Any, Any]) -> Any:
    if node not in memo:
        inner = node if is_atom(node) else rebuild(node, [_merged(part, memo) for part in node.args])
        memo[node] = _put_together(inner)
    return memo[node]


def _put_together(node: Any) -> Any:
    """A sum, or a product with several choices of one condition, with these as one."""
    if isinstance(node, (sp.Add, nodes.Plus)):
        return _sum(node)
    if isinstance(node, (sp.Mul, nodes.Times)):
        found = [condition_of(factor) for factor in node.args]
        repeated = next((one for one in found if one is not None and found.count(one) > 1), None)
        return node if repeated is None else _put_together(_chosen(repeated, [node], shape_of(node)))
    return node


def _sum(node: Any) -> Any:
    groups: dict[Any, list[Any]] = {}
    for term in node.args:
        condition = next((one for one in map(condition_of, _factors(term)) if one is not None), None)
        groups.setdefault(condition, []).append(term)
    alone = groups.pop(None, [])
    parts = [terms[0] if len(terms) == 1 else _chosen(condition, terms, shape_of(node)) for condition, terms in groups.items()]
    return node if len(parts) + len(alone) == len(node.args) else ex.add(*alone, *parts)


def _factors(term: Any) -> Iterable[Any]:
    return term.args if isinstance(term, (sp.Mul, nodes.Times)) else (term,)


def condition_of(node: Any) -> Any:
    """The condition of a choice; None for any other node."""
    if isinstance(node, scalars.where):
        return node.args[0]
    return node.args[1] if isinstance(node, nodes.Map) and node.name == "where" else None


def _chosen(condition: Any, terms: list[Any], shape: Any) -> Any:
    """The sum of terms as one choice; as no choice where both branches are the same."""
    branches = [merged(ex.add(*(_assuming(term, condition, holds) for term in terms))) for holds in (True, False)]
    found = branches[0] if branches[0] == branches[1] else where(condition, *branches)
    return found if shape_of(found) == shape else ex.mul(found, ex.ones(*shape))


def _assuming(expression: Any, condition: Any, holds: bool) -> Any:
    """The expression where a condition is known to hold, or not to."""
    choices = [node for node in walk([expression]) if condition_of(node) == condition]
    if not choices:
        return expression
    return _assuming(substitute(expression, {node: node.args[-2 if holds else -1] for node in choices}), condition, holds)

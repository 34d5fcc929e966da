"""Which parts of a formula move when some of its inputs do."""

from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.symbolic.nodes import Leaf, Map
from odeanalysis.symbolic.rewrite import is_atom


class Activity:
    """Answers for each node whether it depends on one of the moving leaves; conditions do not move."""

    def __init__(self, lets: Iterable[tuple[Leaf, Any]], moving: Iterable[Leaf]):
        self.known: dict[Any, bool] = dict.fromkeys(moving, True)
        for leaf, expression in lets:
            self.known[leaf] = self.of(expression)

    def of(self, node: Any) -> bool:
        if node not in self.known:
            still = is_atom(node) or is_condition(node)
            self.known[node] = not still and any(map(self.of, node.args))
        return self.known[node]


def is_condition(node: Any) -> bool:
    """Whether a node is true or false rather than a number: a relation, or a comparison of arrays."""
    return isinstance(node, sp.logic.boolalg.Boolean) or (isinstance(node, Map) and node.name in ("lt", "le"))

"""A formula in two parts, for inputs that are known later: what can be computed before, and what has to wait.

A derivative's formula holds the function's own intermediates; split at its cotangents, the first part computes the function and keeps
what the second part, the derivative, uses of it. Matrices that scalars mix are not kept but their scalars: products need not build them.
"""

from collections.abc import Iterable
from typing import Any

from odeanalysis.symbolic.formula import Formula, Let, share
from odeanalysis.symbolic.nodes import Leaf, Permute, Plus, Slice, Times, shape_of
from odeanalysis.symbolic.rewrite import leaves


def split(formula: Formula, late: Iterable[Leaf], first: Iterable[str]) -> tuple[Formula, Formula]:
    """(early, late): the outputs named `first`, which do without the late inputs, and all the others.

    The early formula has the early inputs, and after its own outputs those lets that are kept for the late one. The late one has the early
    inputs that it uses, what is kept, and the late inputs, in this order.
    """
    waiting, names = tuple(late), tuple(first)
    inputs = tuple(leaf for leaf in formula.inputs if leaf not in waiting)
    outputs = {name: formula.output[name] for name in names}
    rest = {name: value for name, value in formula.outputs if name not in outputs}
    before = _needed(formula.lets, outputs.values())
    mixtures = _mixtures(formula)
    after = _needed([let for let in formula.lets if let not in before or let[0] in mixtures], rest.values())
    used = leaves(*(value for _, value in after), *rest.values())
    kept = {leaf.name: leaf for leaf, _ in before if leaf in used and leaf not in mixtures}
    early = Formula(formula.name, inputs, tuple(before), (*outputs.items(), *kept.items()), formula.source)
    given = (*(leaf for leaf in inputs if leaf in used), *kept.values(), *waiting)
    return early, share(f"{formula.name}_late", given, after, rest, formula.source)


def _mixtures(formula: Formula) -> set[Leaf]:
    """The names of parts of inputs, and of what scalars mix of these."""
    found: set[Leaf] = set()

    def is_mixture(node: Any) -> bool:
        if isinstance(node, Plus):
            return all(map(is_mixture, node.args))
        if isinstance(node, Times):
            return len(node.args) == 2 and shape_of(node.args[0]) == () and is_mixture(node.args[1])
        return node in found or node in formula.inputs or (isinstance(node, (Slice, Permute)) and is_mixture(node.args[0]))

    for leaf, value in formula.lets:
        if len(shape_of(value)) > 1 and is_mixture(value):
            found.add(leaf)
    return found


def _needed(lets: Iterable[Let], outputs: Iterable[Any]) -> list[Let]:
    """Those of the lets that the outputs need."""
    wanted = leaves(*outputs)
    kept: list[Let] = []
    for leaf, value in reversed(tuple(lets)):
        if leaf in wanted:
            kept.append((leaf, value))
            wanted |= leaves(value)
    return kept[::-1]

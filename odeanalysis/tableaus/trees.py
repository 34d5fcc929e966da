"""Rooted trees: one for each elementary differential, so one for each order condition.

A tree is the sorted tuple of its root's branches, which are trees again: `()` is the single node, `((),)` two nodes in
a line, `((), ())` a root with two leaves. Source: Hairer, Norsett, Wanner, Solving ODEs I, II.2.
"""

from collections.abc import Iterator
from functools import cache
from math import prod
from typing import Any

Tree = tuple[Any, ...]


@cache
def rooted_trees(order: int) -> tuple[Tree, ...]:
    """All rooted trees with `order` nodes: 1, 1, 2, 4, 9, 20, 48, 115, ... of them."""
    if order == 1:
        return ((),)
    return tuple(sorted({grown for tree in rooted_trees(order - 1) for grown in _with_one_more_leaf(tree)}))


def size(tree: Tree) -> int:
    """The number of nodes."""
    return 1 + sum(map(size, tree))


def density(tree: Tree) -> int:
    """gamma(t): the product over all nodes of the size of the subtree that hangs there."""
    return size(tree) * prod(map(density, tree))


def _with_one_more_leaf(tree: Tree) -> Iterator[Tree]:
    yield tuple(sorted((*tree, ())))
    for i, branch in enumerate(tree):
        for grown in _with_one_more_leaf(branch):
            yield tuple(sorted((*tree[:i], grown, *tree[i + 1 :])))

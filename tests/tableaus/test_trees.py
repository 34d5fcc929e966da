"""Rooted trees: how many there are, and two identities that the densities of all trees of an order satisfy."""

from collections import Counter
from fractions import Fraction
from math import factorial, prod

import pytest

from odeanalysis.tableaus.trees import Tree, density, rooted_trees, size

COUNTS = (1, 1, 2, 4, 9, 20, 48, 115, 286)  # Hairer, Norsett, Wanner, Solving ODEs I, Table II.2.1


def symmetry(tree: Tree) -> int:
    """The number of ways in which the tree can be mapped onto itself."""
    return prod(factorial(count) * symmetry(branch) ** count for branch, count in Counter(tree).items())


@pytest.mark.parametrize(("order", "count"), list(enumerate(COUNTS, 1)))
def test_number_of_trees(order: int, count: int):
    trees = rooted_trees(order)
    assert len(trees) == len(set(trees)) == count
    assert {size(tree) for tree in trees} == {order}


@pytest.mark.parametrize("order", range(1, 9))
def test_trees_grow_in_as_many_ways_as_nodes_can_be_numbered(order: int):
    """Node k + 1 is hung on one of k nodes, in (n - 1)! ways; n!/(gamma(t) sigma(t)) of them give the tree t."""
    ways = [Fraction(factorial(order), density(tree) * symmetry(tree)) for tree in rooted_trees(order)]
    assert all(way.denominator == 1 for way in ways)
    assert sum(ways) == factorial(order - 1)


@pytest.mark.parametrize("order", range(1, 9))
def test_density_of_the_tall_and_of_the_bushy_tree(order: int):
    tall: Tree = ()
    for _ in range(order - 1):
        tall = (tall,)
    bushy = ((),) * (order - 1)
    assert {tall, bushy} <= set(rooted_trees(order))
    assert (density(tall), density(bushy)) == (factorial(order), order)

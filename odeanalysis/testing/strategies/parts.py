"""Random blocks and expressions of any shape: smooth, of linear growth at most, and of derivatives that stay of the order of one."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.testing.strategies.terms import KEPT, Shape, Strategy, Terms
from odeanalysis.verification.strategies.expressions import BOUNDED

KINKED = ("relu", "abs")
MOST = 2


def blocks(name: str = "z", *, rank: int | None = None, most: int = 3) -> st.SearchStrategy[Leaf]:
    """Blocks of a name: scalars, vectors and matrices, of at most so many rows and columns; the scalar is the simplest.

    rank: how many axes; default: up to two.
    """
    sizes = st.integers(1, most)
    ranks = range(3) if rank is None else (rank,)
    return st.one_of([st.builds(ex.block, st.just(name), *[sizes] * one) for one in ranks])


def expressions(
    names: Iterable[Leaf], shape: Shape = (), *, coefficients: Iterable[Leaf] = (), must: Leaf | None = None, kinks: bool = False
) -> Strategy:
    """Expressions of a shape: sums of one or two terms, each linear or bounded in the names, smooth unless kinks are asked for.

    names: in these the growth is linear at most, so that z' = f(z) has a solution at every depth.  coefficients: names whose products with
    the former may stand in it.  must: a coefficient or name that stands in it for certain.  kinks: also relu and abs, which are Lipschitz.
    """
    return _sums(Terms(tuple(names), tuple(coefficients), (*BOUNDED, *KINKED) if kinks else BOUNDED), shape, must)


@lru_cache(KEPT)
def _sums(terms: Terms, shape: Shape, must: Leaf | None) -> Strategy:
    """The strategy of `expressions`, made once: most of the time of drawing would go into making it again."""
    some = st.lists(terms.term(shape), min_size=1, max_size=MOST)
    if must is None:
        return some.map(lambda made: ex.add(*made))
    return st.tuples(terms.times(must, shape), some).map(lambda made: ex.add(made[0], *made[1]))


def fields(states: Iterable[Leaf], coefficients: Iterable[Leaf] = (), *, kinks: bool = False) -> st.SearchStrategy[dict[Leaf, Any]]:
    """The right sides of z' = f(s, z): state -> an expression of its shape, as `expressions` draws them, in all states and the depth."""
    known, others = tuple(states), (*coefficients, ex.depth)
    return st.fixed_dictionaries({state: expressions(known, sizes_of(state), coefficients=others, kinks=kinks) for state in known})


def sizes_of(leaf: Leaf) -> Shape:
    """The shape of a leaf whose sizes are numbers."""
    return tuple(int(size) for size in shape_of(leaf))

"""Random expressions whose solutions exist: linear growth at most, smooth, and of derivatives that stay of the order of one."""

from collections.abc import Iterable
from typing import Any

import sympy as sp
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.nodes import Leaf

BOUNDED = ("sin", "cos", "tanh", "sigmoid", "atan", "erf")
CONSTANTS = tuple(sp.Rational(k, 2) for k in (1, 2, -1, 3, -2, -3))


def constants() -> st.SearchStrategy[Any]:
    """Small numbers that are not zero."""
    return st.sampled_from(CONSTANTS)


def inner(names: Iterable[Leaf]) -> st.SearchStrategy[Any]:
    """Polynomials of degree two at most in scalar names: what bounded functions are taken of, and what costs are made of."""
    leaf = st.sampled_from(tuple(names))
    pairs = st.tuples(leaf, leaf)
    return st.one_of(leaf, pairs.map(_product), pairs.map(_sum), st.tuples(constants(), leaf).map(_product))


def bounded(names: Iterable[Leaf]) -> st.SearchStrategy[Any]:
    """A bounded function of a polynomial in names."""
    return st.tuples(st.sampled_from(BOUNDED), inner(names)).map(lambda made: FUNCTIONS[made[0]](made[1]))


def growing(names: Iterable[Leaf]) -> st.SearchStrategy[Any]:
    """A term that grows linearly at most: a name, a bounded function, or their product."""
    known = tuple(names)
    leaf = st.sampled_from(known)
    return st.one_of(leaf, bounded(known), st.tuples(leaf, bounded(known)).map(_product))


def sums(names: Iterable[Leaf], must: Leaf | None = None) -> st.SearchStrategy[Any]:
    """One or two growing terms, and, if wished, a bounded one in which a name stands for certain."""
    known = tuple(names)
    terms = st.lists(growing(known), min_size=1, max_size=2)
    if must is None:
        return terms.map(lambda made: ex.add(*made))
    return st.tuples(terms, bounded(known)).map(lambda made: ex.add(*made[0], ex.mul(must, made[1])))


def costs(names: Iterable[Leaf], seen: Iterable[Leaf]) -> st.SearchStrategy[Any]:
    """The square of one of the names `seen`, of its sum or of its product with a polynomial, or such a square with one more term."""
    known, one = tuple(names), st.sampled_from(tuple(seen))
    pairs = st.tuples(one, inner(known))
    square = st.one_of(one, pairs.map(_product), pairs.map(_sum)).map(lambda root: ex.power(root, 2))
    return st.one_of(square, st.tuples(square, growing(known)).map(_sum))


def _product(pair: tuple[Any, Any]) -> Any:
    return ex.mul(*pair)


def _sum(pair: tuple[Any, Any]) -> Any:
    return ex.add(*pair)

"""Terms of random expressions of any shape: linear in some names, bounded, or their products with coefficients; the simplest first."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.verification.strategies.expressions import CONSTANTS

Strategy = st.SearchStrategy[Any]
Shape = tuple[Any, ...]
KEPT = 512


@dataclass(frozen=True)
class Terms:
    """names: what terms are linear or bounded in.  coefficients: what may multiply those.  functions: Lipschitz, of one argument."""

    names: tuple[Leaf, ...]
    coefficients: tuple[Leaf, ...]
    functions: tuple[str, ...]

    def named(self, shape: Shape) -> list[Any]:
        """Linear functions of one name, and coefficients; the depth where there is neither."""
        return _named(self.names, self.coefficients, shape)

    def linear(self, shape: Shape) -> list[Any]:
        """The same, and numbers."""
        return [*self.named(shape), *(ex.mul(number, _ones(shape)) for number in CONSTANTS)]

    def bounded(self, shape: Shape) -> Strategy:
        """A function of a linear term, or of two, at each entry."""
        first, second = st.sampled_from(self.named(shape)), st.sampled_from([None, *self.linear(shape)])
        return st.tuples(st.sampled_from(self.functions), first, second).map(_applied)

    def term(self, shape: Shape) -> Strategy:
        """A linear or bounded term, or the product of a bounded one and a coefficient."""
        factors = [C for C in self.coefficients if self._fits(C, shape)]
        plain = [st.sampled_from(self.linear(shape)), self.bounded(shape)]
        return st.one_of(*plain, *([st.sampled_from(factors).flatmap(lambda factor: self.times(factor, shape))] if factors else []))

    def times(self, factor: Leaf, shape: Shape) -> Strategy:
        """A bounded term times a factor of any shape: at each entry, as a matrix, or as the sum of its entries."""
        size = shape_of(factor)
        if self._is_matrix(factor, shape):
            return self.bounded(size[1:]).map(lambda term: factor @ term)
        scale = factor if size in ((), shape) else ex.total(factor)
        return self.bounded(shape).map(lambda term: ex.mul(scale, term))

    def _fits(self, factor: Leaf, shape: Shape) -> bool:
        return shape_of(factor) in ((), shape) or self._is_matrix(factor, shape)

    def _is_matrix(self, factor: Leaf, shape: Shape) -> bool:
        size = shape_of(factor)
        return len(size) == 2 and len(shape) == 1 and size[:1] == shape


@lru_cache(KEPT)
def _named(names: tuple[Any, ...], coefficients: tuple[Any, ...], shape: Shape) -> list[Any]:
    own = [leaf for leaf in names if shape_of(leaf) == shape]
    scalars = [leaf for leaf in coefficients if shape_of(leaf) == ()]
    scaled = [ex.mul(scalar, leaf) for leaf in own for scalar in scalars]
    mapped = [C @ z for C in coefficients for z in names if _product(C, z) == shape]
    alone = [leaf for leaf in coefficients if shape_of(leaf) == shape != ()]
    spread = [_spread(leaf, shape) for leaf in (*(leaf for leaf in names if leaf not in own), *scalars)]
    return [*own, *scaled, *mapped, *alone, *spread] or [_spread(ex.depth, shape)]


def _product(matrix: Leaf, vector: Leaf) -> Shape | None:
    rows, columns = shape_of(matrix), shape_of(vector)
    return rows[:1] if len(rows) == 2 and len(columns) == 1 and rows[1:] == columns else None


def _ones(shape: Shape) -> Any:
    return ex.ones(*shape) if shape else 1


def _spread(leaf: Leaf, shape: Shape) -> Any:
    """A scalar, or the sum of an array's entries, at every entry."""
    return ex.mul(leaf if shape_of(leaf) == () else ex.total(leaf), _ones(shape))


def _applied(made: tuple[str, Any, Any]) -> Any:
    name, first, second = made
    return FUNCTIONS[name](first if second is None else ex.add(first, second))

"""The span of a basis with an inner product, in coordinates in which that product is the Euclidean one.

theta(s) = sum_j alpha_j psi_j(s),   G = L L^T,   y = L^T alpha,   |y|^2 = <theta, theta>
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.modeling.bases import Basis, Monomial
from odeanalysis.numerics.functional.family import Family, family
from odeanalysis.numerics.functional.gradient import FunctionalGradient
from odeanalysis.numerics.functional.inner_products import cross_gram, independent, solve
from odeanalysis.numerics.gradients.program import Array


@dataclass(frozen=True, eq=False)
class Span:
    """Functions on the domain of a gradient, shared by the samples or, where each has its own, with a leading axis for them.

    gram: of the inner product, [p, p] or [B, p, p].  shape: of the coefficients, [B?, p, *shape].
    """

    functions: Family
    gram: Array
    shape: tuple[int, ...]

    @property
    def flat(self) -> tuple[int, ...]:
        """The coefficients with one axis for the entries of a value: [B?, p, c]."""
        lead = self.gram.ndim - 1
        return (*self.shape[:lead], int(np.prod(self.shape[lead:])))

    @cached_property
    def factor(self) -> Array:
        return np.linalg.cholesky(self.gram)

    def point(self, coefficients: Array) -> Array:
        """y of coefficients."""
        return np.ravel(np.swapaxes(self.factor, -1, -2) @ coefficients.reshape(self.flat))

    def coefficients(self, y: Array) -> Array:
        """The coefficients of y."""
        return np.linalg.solve(np.swapaxes(self.factor, -1, -2), y.reshape(self.flat)).reshape(self.shape)

    def slope(self, projection: Array) -> Array:
        """The derivative in y, of that in the coefficients."""
        return np.ravel(np.linalg.solve(self.factor, projection.reshape(self.flat)))


def span(gradient: FunctionalGradient, basis: Basis, inner: str) -> Span:
    """The span of a basis on the domain of a gradient. Raises ModelError for functions that are dependent to rounding."""
    functions = family(gradient.run.setting, basis, inner)
    gram = independent(_of(gradient, cross_gram(functions, functions, gradient.ends)))
    return Span(functions, gram, (*gram.shape[:-1], *gradient.shape))


def constant(gradient: FunctionalGradient, basis: Basis, value: Array) -> Array:
    """The coefficients of the best approximation of a constant function, of value [B?, *shape], in L2."""
    return _approximation(gradient, basis, Monomial(1), np.expand_dims(value, int(gradient.own)))


def reexpressed(gradient: FunctionalGradient, basis: Basis, coefficients: Array, other: Basis) -> Array:
    """The coefficients of the best approximation, in L2, of a function of the span of one basis in that of another."""
    return _approximation(gradient, other, basis, coefficients)


def _approximation(gradient: FunctionalGradient, basis: Basis, origin: Basis, coefficients: Array) -> Array:
    setting = gradient.run.setting
    functions, given = family(setting, basis), family(setting, origin)
    products = _of(gradient, cross_gram(functions, given, gradient.ends))
    moments = np.einsum("...pq,...qc->...pc", products, coefficients.reshape((*products.shape[:-2], products.shape[-1], -1)))
    gram = _of(gradient, cross_gram(functions, functions, gradient.ends))
    return solve(gram, moments.reshape((*gram.shape[:-1], *gradient.shape)))


def _of(gradient: FunctionalGradient, matrices: Array) -> Array:
    """The matrices of each sample, or the one that all share."""
    return matrices if gradient.own else matrices[0]

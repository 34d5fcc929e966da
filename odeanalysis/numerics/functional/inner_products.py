"""Inner products of functions of depth: Gram matrices by quadrature, best approximations, and Green's function of the H1 product."""

from collections.abc import Callable

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.functional.density import Test
from odeanalysis.numerics.functional.family import Family
from odeanalysis.numerics.functional.quadrature import edges, over_unit
from odeanalysis.numerics.gradients.program import Array

DEPENDENT = 1e13


def cross_gram(left: Family, right: Family, ends: Array) -> Array:
    """The matrices int sum_k psi_i^(k) phi_j^(k) |ds| of two families between ends [B, 2]: [B, p, q]; k runs over the orders they have."""
    low, high = edges(np.concatenate([left.breakpoints, right.breakpoints], axis=1), *ends.T)
    orders = range(min(len(left.orders), len(right.orders)))

    def folded(u: float, part: Callable[[Array], Array] = np.asarray) -> Array:
        depth, weight = low + u * (high - low), high - low
        return np.sum([np.einsum("bk,bkp,bkq->bpq", weight, part(left(depth, k)), part(right(depth, k))) for k in orders], axis=0)

    return over_unit(folded, float(folded(0.5, np.abs).max(initial=0)), "the Gram matrix")


def independent(gram: Array) -> Array:
    """The Gram matrices [..., p, p], once they are known to be regular. Raises ModelError where the functions are dependent to rounding."""
    condition = float(np.max(np.linalg.cond(gram)))
    if not condition < DEPENDENT:
        raise ModelError(
            f"the functions are dependent on this domain to rounding: their Gram matrix has the condition number {condition:.1e}; "
            "use fewer functions, or orthogonal ones"
        )
    return gram


def solve(gram: Array, right: Array) -> Array:
    """The coefficients c with G c = right: [..., p, p] and [..., p, *shape]. Raises ModelError as `independent`."""
    flat = right.reshape(*gram.shape[:-1], int(np.prod(right.shape[gram.ndim - 1 :])))
    return np.linalg.solve(independent(gram), flat).reshape(right.shape)


def green(ends: Array, at: Array, length: float) -> Test:
    """The representers K(s_m, .) of the values at depths s_m [M] in the H1 product between ends [B, 2]: depths [B, k] -> [B, k, M].

        K(s, t) = cosh((min(s, t) - a)/L) cosh((b - max(s, t))/L) / (L sinh((b - a)/L))

    Raises ModelError for a length that is not above 0, a domain without length, and depths outside it.
    """
    a, b = ends[:, 0, None, None], ends[:, 1, None, None]
    if not (np.isfinite(length) and length > 0):
        raise ModelError(f"length is {length}; give a finite depth above 0")
    if not (a < b).all() or not ((a <= at) & (at <= b)).all():
        raise ModelError(f"the H1 representer at depths from {at.min()} to {at.max()} needs a domain of some length that contains them")

    def kernel(depths: Array) -> Array:
        t = depths[..., None]
        below, above, whole = (np.minimum(t, at) - a) / length, (b - np.maximum(t, at)) / length, (b - a) / length
        # the exponentials of the hyperbolic functions gathered: none overflows
        grown = np.exp(below + above - whole) * (1 + np.exp(-2 * below)) * (1 + np.exp(-2 * above))
        return grown / (2 * length * -np.expm1(-2 * whole))

    return kernel

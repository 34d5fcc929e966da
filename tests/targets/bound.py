"""A network whose formula is known, bound to NumPy: y[i, j] = tanh(w0 v[i] u[j] + w1 u[j]) + w2 v[i]^2."""

from collections.abc import Callable
from typing import Any

import numpy as np

from odeanalysis.modeling.networks import Declared, Network
from odeanalysis.numerics.networks import OnArrays
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets.callables import compile_numpy

Array = np.ndarray
NET = Network("net", [(3,), (2,)], (2, 3), size=3)
WEIGHTS = NET.weights


def KNOWN(u: Any, v: Any, w: Any) -> Any:
    """The network at expressions, its weights among them."""
    return ex.apply("net", (), (2, 3), u, v, w)


def stated(u: Any, v: Any, w: Any) -> Any:
    """The same, of nodes that have rules of their own."""
    column = ex.mul(w[2], ex.outer(ex.power(v, 2), ex.ones(3)))
    return ex.add(fn.tanh(ex.add(ex.mul(w[0], ex.outer(v, u)), ex.mul(w[1], u))), column)


class ByHand:
    """Values and derivatives, written by hand."""

    def call(self, u: Array, v: Array, w: Array) -> Array:
        return np.tanh(w[0] * v[:, :, None] * u[:, None] + w[1] * u[:, None]) + w[2] * v[:, :, None] ** 2

    def slope(self, u: Array, v: Array, w: Array) -> Array:
        return 1 - np.tanh(w[0] * v[:, :, None] * u[:, None] + w[1] * u[:, None]) ** 2

    def vjp(self, arrays: Any, cotangent: Array) -> tuple[Array, ...]:
        u, v, w = arrays
        inner = cotangent * self.slope(u, v, w)
        at_v = (inner * w[0] * u[:, None]).sum(2) + (cotangent * 2 * w[2] * v[:, :, None]).sum(2)
        row = inner * u[:, None]
        weights = np.array([(row * v[:, :, None]).sum(), row.sum(), (cotangent * v[:, :, None] ** 2).sum()])
        return (inner * (w[0] * v[:, :, None] + w[1])).sum(1), at_v, weights

    def jvp(self, arrays: Any, tangents: Any) -> Array:
        (u, v, w), (du, dv, dw) = arrays, tangents
        u, v, du, dv = u[:, None], v[:, :, None], du[:, None], dv[:, :, None]
        inner = w[0] * (dv * u + v * du) + w[1] * du + dw[0] * v * u + dw[1] * u
        return self.slope(*arrays) * inner + 2 * w[2] * v * dv + dw[2] * v**2


DECLARED = Declared("net", ((3,), (2,), (3,)), (2, 3), True)
ON_ARRAYS = {"net": OnArrays(DECLARED, ByHand())}


def bound(program: Formula) -> Callable[..., tuple[Any, ...]]:
    """A formula as a function of its inputs alone: its networks are given."""
    function, networks = compile_numpy(program), [ON_ARRAYS[name] for name in program.networks]
    return lambda *values: function(*values, *networks)

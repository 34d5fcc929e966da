"""Random flows: networks z' = V tanh(W z + b), z(0) = x in R^n, whose weights are constant, spectral or piecewise constant in depth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.bases import Fourier
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import tanh
from odeanalysis.symbolic.nodes import shape_of

CONSTANT, SPECTRAL, STACKED = "constant", "spectral", "stacked"
VARYING = (SPECTRAL, STACKED)
WEIGHTS = ("W", "b", "V")
BASIS = Fourier(3, period=1)
NODES = (0, sp.Rational(2, 5), 1)
SIZE = 0.6


@dataclass(frozen=True)
class Flow:
    """A map x -> z(S): a model with one vector state `z` that starts at its input `x`, and values for all other names.

    rate: a Lipschitz constant of the field in z, at every depth.
    """

    title: str
    model: Model
    values: Mapping[str, Any]
    rate: float

    @property
    def dimension(self) -> int:
        (size,) = shape_of(self.model.states[0])
        return int(size)


@st.composite
def flows(draw: st.DrawFn, n: int, kinds: Iterable[str] = VARYING) -> Flow:
    """A flow of R^n over [0, 1] whose weights depend on depth in one of the ways `kinds`."""
    kind, width, seed = draw(st.sampled_from(tuple(kinds))), draw(st.integers(2, 3)), draw(st.integers(0, 999))
    model, random = network(n, width, kind), np.random.default_rng(seed)
    values = {leaf.name: SIZE * random.standard_normal([int(size) for size in shape_of(leaf)]) for leaf in model.parameters}
    return Flow(f"{kind} network of width {width} in R^{n}, weights {seed}", model, values, largest(values["V"]) * largest(values["W"]))


def network(n: int, width: int, kind: str) -> Model:
    """z' = V tanh(W z + b), z(0) = x over [0, 1]."""
    z, x = ex.block("z", n), ex.block("x", n)
    W, b, V = ex.block("W", width, n), ex.block("b", width), ex.block("V", n, width)
    return VARIED[kind](Model({z: V @ tanh(W @ z + b)}, {z: x}, (0, 1), (W, b, V), (x,), name=f"{kind}_network"))


VARIED = {
    CONSTANT: lambda model: model,
    SPECTRAL: lambda model: galerkin(model, dict.fromkeys(WEIGHTS, BASIS)),
    STACKED: lambda model: stacked(model, WEIGHTS, NODES),
}


def largest(weight: np.ndarray) -> float:
    """A bound on the spectral norm at every depth: the coefficients' norms added up, since no function of the bases exceeds 1."""
    pieces = weight if weight.ndim == 3 else weight[None]
    return float(sum(np.linalg.norm(piece, 2) for piece in pieces))

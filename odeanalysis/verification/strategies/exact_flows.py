"""Flows whose maps are known: linear ones, turns, and fields that see the data."""

from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import data_control, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.strategies.flows import Flow

J = np.array([[0.0, -1.0], [1.0, 0.0]])


def linear(n: int, end: Any = 1) -> Model:
    """z' = A z, z(0) = x over [0, end]."""
    z, x, A = ex.block("z", n), ex.block("x", n), ex.block("A", n, n)
    return Model({z: A @ z}, {z: x}, (0, end), (A,), (x,), name="linear")


def stacked_linear(title: str, generators: np.ndarray, nodes: tuple[Any, ...] = (0, 1)) -> Flow:
    """z' = A z, where A[i] holds between nodes i and i + 1.  generators: [pieces, n, n]."""
    model = stacked(linear(generators.shape[-1], nodes[-1]), ("A",), nodes)
    return Flow(title, model, {"A": generators}, float(max(np.linalg.norm(one, 2) for one in generators)))


def turning(n: int, contraction: float) -> Flow:
    """Half a turn in each plane of two coordinates, exp(pi J) = -1; in odd dimensions the last coordinate contracts at a rate."""
    A = np.zeros((n, n))
    for i in range(0, n - 1, 2):
        A[i : i + 2, i : i + 2] = np.pi * J
    if n % 2:
        A[-1, -1] = -contraction
    return stacked_linear(f"half a turn in R^{n}", A[None])


def pulled(n: int, rate: float, pull: float) -> Flow:
    """z' = -rate z - pull x, z(0) = x: a field that sees the data."""
    model = data_control(linear(n), "z", "x", resize={"A": (n, 2 * n)})
    A = np.hstack([-rate * np.eye(n), -pull * np.eye(n)])
    return Flow(f"z' = -({rate:.4g} z + {pull:.4g} x) in R^{n}", model, {"A": A}, rate)


def swept(strength: float) -> Flow:
    """z' = (strength abs(x)^2, 0), z(0) = x in R^2: data far out are carried away from those near 0."""
    z, x = ex.block("z", 2), ex.block("x", 2)
    model = Model({z: ex.concat(strength * ex.sumsq(x), 0)}, {z: x}, (0, 1), (), (x,), name="swept")
    return Flow(f"z' = ({strength:g} |x|^2, 0)", model, {}, 0.0)

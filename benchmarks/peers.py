"""The same derivation by others, where they are installed: df/dz and the vector-Jacobian product of a two-layer network."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import sympy as sp

import odeanalysis as oda

SHAPES = {"W1": lambda n: (n, 2), "b1": lambda n: (n,), "W2": lambda n: (2, n), "b2": lambda n: (2,)}


def weights(width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape(width)) for name, shape in SHAPES.items()}


def ours(width: int, tag: str = "") -> Callable[..., np.ndarray]:
    """The cotangent of z: derived, emitted, compiled."""
    z = oda.block(f"z{tag}", 2)
    W1, b1, W2, b2 = (oda.block(f"{name}{tag}", *shape(width)) for name, shape in SHAPES.items())
    field = oda.formula("field", (z, W1, b1, W2, b2), {"f": W2 @ oda.tanh(W1 @ z + b1) + b2})
    run = oda.compile_numpy(oda.vjp(field, wrt=(z,)))
    oda.compile_numpy(oda.jacobian(field, "f", z))
    return lambda given, bar, **w: run(given, w["W1"], w["b1"], w["W2"], w["b2"], bar)[0]


def casadi(width: int, kind: str = "MX") -> Callable[..., np.ndarray]:
    """CasADi's symbolic Jacobian and reverse product, as a callable."""
    ca = import_module("casadi")
    new = getattr(ca, kind).sym
    z, bar = new("z", 2), new("bar", 2)
    shapes = {name: shape(width) for name, shape in SHAPES.items()}
    w = {name: new(name, *shape) for name, shape in shapes.items()}
    field = w["W2"] @ ca.tanh(w["W1"] @ z + w["b1"]) + w["b2"]
    run = ca.Function("vjp", [z, bar, *w.values()], [ca.jtimes(field, z, bar, True)])
    ca.Function("jacobian", [z, *w.values()], [ca.jacobian(field, z)])
    return lambda given, cotangent, **values: np.asarray(run(given, cotangent, *values.values())).ravel()


def sympy_expanded(width: int) -> Callable[..., np.ndarray]:
    """SymPy's own derivative, entry by entry, made a function by lambdify."""
    z = sp.symbols("z:2", real=True)
    bar = sp.symbols("bar:2", real=True)
    shapes = {name: shape(width) for name, shape in SHAPES.items()}
    w = {name: sp.symbols(f"{name}_:{int(np.prod(shape))}", real=True) for name, shape in shapes.items()}
    hidden = [sp.tanh(w["W1"][2 * i] * z[0] + w["W1"][2 * i + 1] * z[1] + w["b1"][i]) for i in range(width)]
    field = [sum(w["W2"][k * width + i] * hidden[i] for i in range(width)) + w["b2"][k] for k in range(2)]
    product = [sum(bar[k] * sp.diff(field[k], entry) for k in range(2)) for entry in z]
    run = sp.lambdify([z, bar, *w.values()], product, "numpy", cse=True)
    return lambda given, cotangent, **values: np.array(run(given, cotangent, *(v.ravel() for v in values.values())))


PEERS: dict[str, Callable[[int], Callable[..., np.ndarray]]] = {
    "SymPy expanded": sympy_expanded,
    **({"CasADi MX": lambda n: casadi(n, "MX"), "CasADi SX": lambda n: casadi(n, "SX")} if find_spec("casadi") else {}),
}


def agree(width: int) -> float:
    """The worst difference between our product and each peer's, at random values: checked before anything is timed."""
    rng = np.random.default_rng(1)
    given, bar, values = rng.standard_normal(2), rng.standard_normal(2), weights(width)
    reference = ours(width)(given, bar, **values)
    return max(float(np.max(np.abs(peer(width)(given, bar, **values) - reference))) for peer in PEERS.values())

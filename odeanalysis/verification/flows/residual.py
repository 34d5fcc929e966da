"""Residual networks in NumPy alone, each beside the flow that is to be the limit of its layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy as sp

from odeanalysis.derivations.solution import evaluate, solution
from odeanalysis.modeling.bases import Hat
from odeanalysis.modeling.transforms import galerkin
from odeanalysis.verification.strategies.exact_flows import J, linear
from odeanalysis.verification.strategies.flows import BASIS, CONSTANT, WEIGHTS, Flow, network

KNOTS = tuple(sp.Rational(k, 4) for k in range(5))

Array = np.ndarray


@dataclass(frozen=True)
class Residual:
    """A residual network z <- z + scale block(z, weights of the layer).

    weights: depths [N] -> the arrays of the layers, each with a leading axis N.  block: z [B, n], the arrays of a layer -> [B, n].
    exact: the matrix of a linear flow, by the ways in which it is known.
    """

    flow: Flow
    weights: Callable[[Array], tuple[Array, ...]]
    block: Callable[..., Array]
    exact: Mapping[str, Array] = field(default_factory=dict)

    def output(self, x: Array, layers: int, scale: float) -> Array:
        """What so many layers make of x [B, n]; layer k has the weights of depth k/layers."""
        z = x
        with np.errstate(all="ignore"):
            for one in zip(*self.weights(np.arange(layers) / layers), strict=True):
                z = z + scale * self.block(z, *one)
        return z


def waves(depths: Array) -> Array:
    """1, cos(2 pi s), sin(2 pi s): [N, 3]."""
    return np.stack([np.ones_like(depths), np.cos(2 * np.pi * depths), np.sin(2 * np.pi * depths)], axis=1)


def spectral(flow: Flow) -> Residual:
    """The layers of a drawn network: each weight is its series at the layer's depth."""

    def weights(depths: Array) -> tuple[Array, ...]:
        return tuple(np.tensordot(waves(depths), flow.values[name], axes=1) for name in WEIGHTS)

    return Residual(flow, weights, lambda z, W, b, V: np.tanh(z @ W.T + b) @ V.T)


def vanilla(flow: Flow) -> Flow:
    """A drawn network whose weights are the means over depth of those of a spectral one."""
    _, width, n = flow.values["W"].shape
    means = {name: flow.values[name][0] for name in WEIGHTS}
    return Flow(f"means over depth of the {flow.title}", network(n, width, CONSTANT), means, flow.rate)


def growing(rates: Array) -> Residual:
    """z' = theta(s) z with theta = a + b cos(2 pi s) + c sin(2 pi s), solved in closed form.  rates: a, b, c."""
    flow = Flow("z' = theta(s) z", galerkin(linear(1), {"A": BASIS}), {"A": rates[:, None, None]}, float(np.sum(np.abs(rates))))
    closed, (A, x) = solution(flow.model), flow.model.names
    assert closed is not None
    growth = evaluate(closed, closed[flow.model.states[0]].items[0], {A: flow.values["A"], x: [1], flow.model.depth: 1})
    return Residual(
        flow, lambda depths: (waves(depths) @ rates,), lambda z, rate: rate * z, {"derived solution": np.array([[float(growth)]])}
    )


def turning_then_stretching() -> Residual:
    """Half a turn, then a stretch, with weights that rise to 4 and fall again: exp(diag(0, ln 2)) exp(pi J) = diag(-1, -2)."""
    turn, stretch = 4 * np.pi * J, np.diag([0.0, 4 * np.log(2)])
    knots, values = np.array(KNOTS, dtype=float), np.array([0 * turn, turn, 0 * turn, stretch, 0 * turn])
    flow = Flow("half a turn, then a stretch", galerkin(linear(2), {"A": Hat(KNOTS)}), {"A": values}, 4 * np.pi)

    def weights(depths: Array) -> tuple[Array, ...]:
        hats = np.stack([np.interp(depths, knots, unit) for unit in np.eye(len(knots))], axis=1)
        return (np.tensordot(hats, values, axes=1),)

    return Residual(flow, weights, lambda z, A: z @ A.T, {"closed form": np.diag([-1.0, -2.0])})

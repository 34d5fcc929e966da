"""Sec. 3: piecewise constant parameters are a stack of flows, and Galerkin's method with indicator functions."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.modeling.bases import Indicator
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.expressions import block, sumsq
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.figure import Figure, convergence
from odeanalysis.verification.flows.paths import WAYS, by_solver
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.flows import CONSTANT, NODES, STACKED, WEIGHTS, Flow, flows, network

ID = "stacked-equivalence"
CLOSE = 1e-9
FINE = Settings("dopri8", rtol=1e-12, atol=1e-13)
COUNTS = (15, 30, 60, 120, 240)
NEAR = 0.1
JUMP = 0.3
INDICATORS, COMPOSED = "discrete adjoint, indicators", "SciPy, differences of the composition"


def _proof() -> Iterator[Step]:
    """The integral splits at the nodes, and two linear flows compose to that of the piecewise constant field."""
    s, c, S = sp.symbols("s c S", positive=True)
    split = sp.Integral(sp.Piecewise((1, s < c), (2, True)), (s, 0, c + S))
    yield identity("an integral over [0, c + S] is the sum over [0, c] and [c, c + S]", split, c + 2 * S)
    first, second, z0 = sp.symbols("theta_0 theta_1 z_0", real=True)
    flow = z0 * sp.exp(first * c) * sp.exp(second * S)
    whole = z0 * sp.exp(first * c + second * S)
    yield identity("z' = theta_i z: the composed flows are the flow of both pieces", flow, whole)
    yield identity("and so are their derivatives in theta_0", sp.Derivative(flow, first), c * whole)
    indicators = sp.Piecewise((1, s < c), (0, True)), sp.Piecewise((0, s < c), (1, True))
    theta = first * indicators[0] + second * indicators[1]
    yield identity("sum theta_i 1_i is theta_0 before c", sp.refine(theta.subs(s, c / 2)), first)
    yield identity("and theta_1 behind it", theta.subs(s, 2 * c), second)


# ---------------------------------------------------------------- measurement


def _pieces(one: Flow) -> list[Flow]:
    """The flows of constant parameters that a stacked one is made of, each on its interval."""
    n, width = one.dimension, int(one.values["b"].shape[-1])
    constant = network(n, width, CONSTANT)
    return [
        Flow(f"piece {i}", constant.with_(domain=ends), {name: one.values[name][i] for name in WEIGHTS}, one.rate)
        for i, ends in enumerate(pairwise(NODES))
    ]


def composed(pieces: list[Flow], x: Array, way: str) -> Array:
    """phi_p o ... o phi_1 (x), by our solver or by SciPy."""
    for piece in pieces:
        x = WAYS[way](piece, x)[:, 0]
    return x


def _spectral(one: Flow) -> Flow:
    """The same as a sum of indicator functions."""
    n, width = one.dimension, int(one.values["b"].shape[-1])
    model = galerkin(network(n, width, CONSTANT), dict.fromkeys(WEIGHTS, Indicator(NODES)))
    return Flow(f"{one.title}, indicators", model, one.values, one.rate)


def _states(one: Flow, x: Array, pieces: list[Flow]) -> list[Gap]:
    found = by_solver(one, x)[:, 0]
    ways = {way: composed(pieces, x, way) for way in WAYS}
    return [Gap(f"state of {one.title}", way, float(np.max(np.abs(found - known))), CLOSE) for way, known in ways.items()]


def _gradients(one: Flow, x: Array) -> list[Gap]:
    """The gradients of abs(z(S))^2 in all weights: stacked, as indicators, and by differences of the composition."""
    loss = [Problem(flow.model, Objective(sumsq(flow.model.states[0]))) for flow in (one, _spectral(one))]
    found, other = (DiscreteAdjoint().gradients(solve_problem(problem, {**one.values, "x": x}, FINE)) for problem in loss)
    title = f"gradient of {one.title}"
    return [
        *(Gap(f"{title} in {name}", INDICATORS, float(np.max(np.abs(found[name] - other[name]))), CLOSE) for name in WEIGHTS),
        *(Gap(f"{title} in {name}", COMPOSED, _along(one, x, name, found[name]), CLOSE) for name in WEIGHTS),
    ]


def _along(one: Flow, x: Array, name: str, gradient: Array) -> float:
    """The gap of a gradient along its own sign pattern from extrapolated differences of the composed flows' loss."""
    direction = np.where(np.arange(gradient.size).reshape(gradient.shape) % 2, -1.0, 1.0)

    def loss(step: float) -> float:
        values = {**one.values, name: one.values[name] + step * direction}
        ends = composed(_pieces(Flow(one.title, one.model, values, one.rate)), x, "SciPy")
        return float(np.mean(np.sum(ends**2, axis=1)))

    coarse, fine = ((loss(step) - loss(-step)) / (2 * step) for step in (2e-3, 1e-3))
    return abs((4 * fine - coarse) / 3 - float(np.sum(gradient * direction)))


def _turned(one: Flow, x: Array) -> list[Gap]:
    """The sabotage: the pieces in the wrong order."""
    found = by_solver(one, x)[:, 0]
    pieces = _pieces(one)
    values = [piece.values for piece in reversed(pieces)]
    wrong = [Flow(piece.title, piece.model, value, piece.rate) for piece, value in zip(pieces, values, strict=True)]
    ways = {way: composed(wrong, x, way) for way in WAYS}
    return [Gap(f"pieces of {one.title} turned round", way, float(np.max(np.abs(found - known))), CLOSE) for way, known in ways.items()]


# ---------------------------------------------------------------- restarts


def _rk4(theta: Any, start: float, end: float, z: float, count: int) -> float:
    """Classical Runge-Kutta steps of z' = theta(s) z."""
    h = (end - start) / count
    for k in range(count):
        s = start + k * h
        k1 = theta(s) * z
        k2 = theta(s + h / 2) * (z + h / 2 * k1)
        k3 = theta(s + h / 2) * (z + h / 2 * k2)
        z += h / 6 * (k1 + 2 * k2 + 2 * k3 + theta(s + h) * (z + h * k3))
    return z


def _looked_up(s: float) -> float:
    return 1.0 if s < JUMP else -2.0


def errors() -> dict[str, list[float]]:
    """z' = theta(s) z, which jumps at 0.3: steps that start afresh with theta bound to the piece, that look it up, and that go across."""
    exact = float(np.exp(JUMP - 2 * (1 - JUMP)))
    made = {
        "restarted, bound": lambda n: _rk4(lambda s: -2.0, JUMP, 1, _rk4(lambda s: 1.0, 0, JUMP, 1.0, n), n),
        "restarted, looked up": lambda n: _rk4(_looked_up, JUMP, 1, _rk4(_looked_up, 0, JUMP, 1.0, n), n),
        "across the node": lambda n: _rk4(_looked_up, 0, 1, 1.0, 2 * n),
    }
    return {name: [abs(solved(n) - exact) for n in COUNTS] for name, solved in made.items()}


ORDERS = {"restarted, bound": 4.0, "restarted, looked up": 1.0, "across the node": 1.0}


def _orders(found: dict[str, list[float]]) -> Iterator[Check]:
    """The orders of a method of order 4, fitted over all step sizes."""
    for name, error in found.items():
        order = -float(np.polyfit(np.log(COUNTS), np.log(error), 1)[0])
        yield within(f"order of RK4, {name}: distance from {ORDERS[name]:g}", abs(order - ORDERS[name]), NEAR)


def _figure(found: dict[str, list[float]]) -> Figure:
    return convergence("RK4 at a node of a piecewise constant parameter", 1 / np.array(COUNTS), found, ORDERS)


def _measure(seed: int) -> Evidence:
    states, gradients, wrong = [], [], []
    for n in (1, 2):
        x = np.random.default_rng([stream(seed, ID), n]).standard_normal((2, n))
        for one in draw(flows(n, (STACKED,)), 2, stream(seed, f"{ID} {n}")):
            states += _states(one, x, _pieces(one))
            gradients += _gradients(one, x)
            wrong += _turned(one, x)
    found, right = errors(), Form((*states, *gradients))
    return Evidence(right, Form(tuple(wrong)), printed=Form(tuple(states)), extra=tuple(_orders(found)), figures=(_figure(found),))


def _shown() -> Problem:
    z, theta = block("z"), block("theta")
    return Problem(stacked(Model({z: theta * z}, {z: 1}, (0, 1), (theta,)), ["theta"], (0, JUMP, 1)), Objective(terminal=z**2))


STACKED_EQUIVALENCE = Claim(
    id=ID,
    title="A piecewise constant parameter is a stack of flows",
    source="Massaroli et al. 2020, Sec. 3",
    printed=(
        "It is easy to see how evaluating this model is equivalent to stacking p Neural ODEs with constant parameters, z(S) = h_x(x) + "
        "sum_{i=0}^{p-1} int_{s_i}^{s_{i+1}} f_{theta_i}(tau, x, z(tau)) dtau"
    ),
    corrected=(
        "states and gradients are those of the composed flows, and those of Galerkin's method with indicator functions; a solver must "
        "restart at the nodes with theta_i bound to its interval: RK4 across a node, or with theta looked up by depth, is of order 1"
    ),
    hypotheses=("f is Lipschitz in the state on each piece",),
    prove=_proof,
    measure=_measure,
    shown=_shown,
)

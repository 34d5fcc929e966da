"""Sec. 5: what paths of a scalar flow cannot do is change their order; that they visit no common points is false."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import flow
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import cos
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS, by_solver
from odeanalysis.verification.proof import Step, identity, positive
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.exact_flows import pulled
from odeanalysis.verification.strategies.flows import CONSTANT, Flow, flows, network

ID = "order-preservation"
DRAWN, STARTS = 4, 7
DEPTHS = np.linspace(0, 1, 17)
# paths are solved to 1e-10 of their size, and neighbours may be a hundredth of it apart, or less where a flow contracts
CLOSE = 1e-7
SHARP = 1e-6
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    s, t, tau, x, d0 = sp.symbols("s t tau x d_0", real=True)
    f, z, d, m = (sp.Function(name, real=True) for name in ("f", "z", "d", "m"))
    between, start, growth = z(s) + tau * d(s), sp.Symbol("d_0", positive=True), sp.Symbol("M", real=True)
    yield identity(
        "the slope between two paths: f(z + d) - f(z) = m d with m = int_0^1 f_z(z + tau d) dtau",
        sp.Derivative(f(between), tau),
        d(s) * sp.diff(f(t), t).subs(t, between),
    )
    gap = d0 * sp.exp(sp.Integral(m(t), (t, 0, s)))
    yield identity("so that their distance is d(s) = d_0 exp(int m), for it solves d' = m d", sp.Derivative(gap, s), m(s) * gap)
    yield positive("which keeps its sign, with M = int m: from above stays above", start * sp.exp(growth))
    yield from _reflection()
    yield identity("z = x + sin s solves z' = cos s", sp.Derivative(x + sp.sin(s), s), sp.cos(s))
    half = sp.Rational(1, 2)
    yield identity("the path of 0 visits 1/2 at s = pi/6, where that of 1/2 begins", sp.sin(sp.pi / 6, evaluate=False), half)


def _reflection() -> Iterator[Step]:
    u, x = sp.symbols("u_1:4", real=True), sp.symbols("x_1:4", real=True)
    pairs = sp.Add(*((u[i] - u[j]) * (x[i] - x[j]) for i, j in ((0, 1), (0, 2), (1, 2))))
    yield identity(
        "an increasing map has Cov(phi(x), x) >= 0: it is the mean of (u_i - u_j)(x_i - x_j) over pairs, none of them negative",
        pairs,
        3 * sp.Add(*(a * b for a, b in zip(u, x, strict=True))) - sp.Add(*u) * sp.Add(*x),
    )
    mean_u, mean_x, square_u, square_x, both = sp.symbols("E_u E_x E_uu E_xx E_ux", real=True)
    variances = (square_x - mean_x**2) + (square_u - mean_u**2)
    yield identity(
        "E (phi(x) + x)^2 = Var x + Var phi(x) + 2 Cov(phi(x), x) + (E phi(x) + E x)^2 is Var x at least",
        square_u + 2 * both + square_x,
        variances + 2 * (both - mean_u * mean_x) + (mean_u + mean_x) ** 2,
    )
    k = sp.Symbol("k", positive=True)
    yield identity("and no more: z' = -k z has (e^-k + 1)^2 E x^2, which falls to E x^2", sp.Limit((sp.exp(-k) + 1) ** 2, k, sp.oo), 1)


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True)
class Bundle:
    """Paths of a scalar flow from increasing starting values x [B], by each way: [B, M]."""

    flow: Flow
    x: np.ndarray
    paths: dict[str, np.ndarray]

    def gaps(self, measured: Callable[["Bundle", np.ndarray], float]) -> tuple[Gap, ...]:
        return tuple(Gap(self.flow.title, way, measured(self, paths), CLOSE) for way, paths in self.paths.items())


def bundle(flow: Flow, x: np.ndarray) -> Bundle:
    return Bundle(flow, x, {way: solve(flow, x[:, None], DEPTHS)[:, :, 0] for way, solve in WAYS.items()})


def crossing(seen: Bundle, paths: np.ndarray) -> float:
    """How far neighbours at one depth come closer than e^{-rate s} times their first distance; 1 where they meet, more where they cross."""
    kept = np.diff(paths, axis=0) / np.diff(seen.x)[:, None]
    return float(max(0, np.max(1 - kept * np.exp(seen.flow.rate * DEPTHS))))


def common(seen: Bundle, paths: np.ndarray) -> float:
    """The length of the longest interval that two neighbours both visit, at whatever depths."""
    low, high = paths.min(axis=1), paths.max(axis=1)
    return float(max(0, np.max(np.minimum(high[1:], high[:-1]) - np.maximum(low[1:], low[:-1]))))


def _increments(seen: Bundle) -> Iterator[Gap]:
    """phi(y) - phi(x) = int_x^y exp(log det) du: the map is the integral of a derivative that is positive."""
    low, high = seen.x[:-1, None], seen.x[1:, None]
    inside = (low + high) / 2 + (high - low) / 2 * NODES
    grown = replace(seen.flow, model=flow(seen.flow.model, "z", "log_det"))
    derivative = np.exp(by_solver(grown, inside.reshape(-1, 1), state="log_det")).reshape(inside.shape)
    rises = (high - low)[:, 0] / 2 * (derivative @ WEIGHTS)
    for way, paths in seen.paths.items():
        miss = float(np.max(np.abs(np.diff(paths[:, -1]) / rises - 1)))
        yield Gap(f"increments of the map, {seen.flow.title}", way, miss, SHARP)


def _floor(seen: Bundle) -> Check:
    """The best mean squared error on the reflection, in units of the variance of x."""
    error = np.mean((seen.paths["solver"][:, -1] + seen.x) ** 2)
    return within(f"Var x against the mean squared error on the reflection: {seen.flow.title}", float(np.var(seen.x) / error), 1.0)


# ---------------------------------------------------------------- counterexample


def waves() -> st.SearchStrategy[tuple[int, float]]:
    """z' = k cos s over [0, 1], and a distance between two starting values."""
    return st.tuples(st.integers(1, 3), st.sampled_from((0.5, 1.0, 2.0)))


def _wave(amplitude: int) -> Flow:
    z, x = ex.block("z", 1), ex.block("x", 1)
    field = amplitude * cos(ex.depth)
    return Flow(f"z' = {field}", Model({z: ex.concat(field)}, {z: x}, (0, 1), (), (x,), name="wave"), {}, 0.0)


def _pair(amplitude: int, distance: float) -> Bundle:
    return bundle(_wave(amplitude), np.array([0.0, distance]))


def _counterexample(seed: int) -> dict[str, Any] | None:
    found = smallest(waves(), lambda one: Form(_pair(*one).gaps(common)).fails, seed)
    if found is None:
        return None
    (amplitude, distance), seen = found, _pair(*found)
    return {
        "field": seen.flow.title,
        "domain": [0, 1],
        "starting values": [0.0, distance],
        "common point": distance,
        "depths at which the paths visit it": [float(np.arcsin(distance / amplitude)), 0.0],
        "length of the interval that both visit": {
            "closed form": float(amplitude * np.sin(1) - distance),
            **{way: common(seen, paths) for way, paths in seen.paths.items()},
        },
        "least distance at one depth": distance,
    }


def _figures(drawn: Bundle) -> tuple[Figure, Figure]:
    s = np.linspace(0, 1, 60)
    waves = tuple(line(f"z' = cos s from {x:g}", s, x + np.sin(s)) for x in (0.0, 0.5))
    paths = tuple(line(f"from {x:.2f}", DEPTHS, path) for x, path in zip(drawn.x, drawn.paths["solver"], strict=True))
    return (
        Figure("Two paths that keep their order and visit common points", "s", "z", (*waves, line("z = 1/2", s, 0.5, "dashed"))),
        Figure(f"Paths of a drawn flow: {drawn.flow.title}", "s", "z", paths),
    )


def _measure(seed: int) -> Evidence:
    x = np.sort(random(seed, ID).normal(scale=1.5, size=STARTS))
    theta = float(random(seed, f"{ID} theta").uniform(1, 3))
    drawn = [bundle(one, x) for one in draw(flows(1), DRAWN, stream(seed, ID))]
    ordered = [gap for one in drawn for gap in one.gaps(crossing)]
    return Evidence(
        corrected=Form((*ordered, *(gap for one in drawn for gap in _increments(one)))),
        sabotaged=Form(bundle(pulled(1, theta, theta), x).gaps(crossing)),
        printed=Form(tuple(gap for one in (*drawn, _pair(1, 0.5)) for gap in one.gaps(common))),
        restored=Form(tuple(ordered)),
        counterexample=_counterexample(seed),
        extra=tuple(map(_floor, drawn)),
        figures=_figures(drawn[0]),
    )


def _shown() -> Problem:
    """The reflection by a scalar network, with log det D phi, which keeps its order, as a state."""
    model = flow(network(1, 2, CONSTANT), "z", "log_det")
    return Problem(model, Objective(terminal=ex.sumsq(ex.add(model.states[0], model.inputs[0]))))


ORDER_PRESERVATION = Claim(
    id=ID,
    title="Paths of a scalar flow keep their order",
    source="Massaroli et al. 2020, Sec. 5",
    printed=(
        "While it is indeed true that two distinct trajectories can never intersect in the state-space in the one-dimensional case, this "
        "does not necessarily hold in general."
    ),
    corrected=(
        "at no depth do two distinct paths meet, for fields that vary with depth too: phi_s is strictly increasing in x. With h_x and h_y "
        "the identity no model whose field does not see x represents the reflection: Cov(phi(x), -x) <= 0, and E (phi(x) + x)^2 >= Var x"
    ),
    hypotheses=(
        "paths are compared at one depth: as sets of points, those of 0 and 1/2 along z' = cos s intersect",
        "solutions are unique (f Lipschitz in z with a constant that is integrable over depth)",
        "n_z = 1, and the field does not depend on x: z' = -theta (z + x) reverses the order",
    ),
    prove=_proof,
    measure=_measure,
    shown=_shown,
    rests_on=(
        Theorem(
            "Uniqueness of solutions (Picard-Lindeloef)",
            "Coddington and Levinson 1955, ch. 1 and 2",
            "neighbours stay exp(-L s) times their distance apart, with the Lipschitz constant L of the drawn field",
        ),
    ),
)

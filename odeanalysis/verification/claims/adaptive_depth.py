"""Sec. 5.2: depths of every sample's own, and the gradient with respect to what chooses them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import sympy as sp

from odeanalysis.modeling.transforms import unit_domain
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.verification.claim import Check, Claim, Evidence, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.measure import CLOSE, FULL, TIGHT, Instance, evidence, instance, relative
from odeanalysis.verification.proof import Step, derivation_holds, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn, own_depths

ID = "adaptive-depth"
DRAWN = 5


def _problems(seed: int) -> list[Drawn]:
    return draw(own_depths(), DRAWN, stream(seed, ID))


def _drawn(seed: int) -> Iterator[Instance]:
    for one in _problems(seed):
        yield from (instance(one, name) for name in ("q", "p", "x"))


def _proof() -> Iterator[Step]:
    """Differentiation under the integral sign, on a field whose flow is known, and the change of variable."""
    sigma, x, w, tau = sp.symbols("sigma x omega tau", real=True)
    g = w * x
    z = x * sp.exp(tau)
    loss = sp.Integral(z**2, (tau, 0, g)) + (x * sp.exp(g)) ** 2
    costate = 2 * x * sp.exp(g)
    end = (x * sp.exp(g)) ** 2 + costate * x * sp.exp(g)
    yield identity("z' = z, l = L = z^2: (l + a f) dg/domega at the end", sp.Derivative(loss, w), end * x)
    y = x * sp.exp(sigma * g)
    yield identity("the change of variable s = sigma g, exact for g < 0 too", sp.Derivative(y, sigma), g * y)
    yield identity("it brings the running cost to [0, 1]", sp.Integral(z**2, (tau, 0, g)), sp.Integral(g * y**2, (sigma, 0, 1)))
    yield from derivation_holds([("depths of their own", _problems(0)[0].problem)])


def _forms(seed: int) -> Iterator[Check]:
    """The domain [0, g] and the change of variable to [0, 1] give the same value and gradients."""
    for one in _problems(seed):
        runs = [solve_problem(problem, one.values, TIGHT) for problem in (one.problem, unit_domain(one.problem))]
        yield within(f"the change of variable keeps the value: {one.title}", abs(runs[0].value - runs[1].value), CLOSE)
        for route in (ContinuousAdjoint(), DiscreteAdjoint()):
            found, other = (route.gradients(run) for run in runs)
            miss = max(relative(found[name], other[name], max(1.0, float(np.max(np.abs(other[name]))))) for name in found)
            yield within(f"the change of variable keeps the gradient, {route.name}: {one.title}", miss, CLOSE)


def _figure(drawn: Drawn) -> Figure:
    """Where the samples' paths end, by x."""
    x = np.linspace(-1, 1, 41)
    run = solve_problem(drawn.problem, {**drawn.values, "x": x})
    depths = np.tanh(drawn.values["q"] * x + drawn.values["p"] / 2)
    return Figure(f"Ends of the paths: {drawn.title}", "x", "", (line("depth g(x)", x, depths), line("z at its end", x, run.final["z"])))


def _measure(seed: int) -> Evidence:
    measured = evidence(_drawn(seed), sabotaged={**FULL, "domain": 0.0})
    figures = (*measured.figures, _figure(_problems(seed)[-1]))
    return replace(measured, printed=measured.corrected, extra=tuple(_forms(seed)), figures=figures)


ADAPTIVE_DEPTH = Claim(
    id=ID,
    title="With a depth of every sample's own, the gradient gains the Hamiltonian at the end",
    source="Massaroli et al. 2020, Sec. 5.2 (differentiation under the integral sign)",
    printed=(
        "we define the general adaptive depth class as Neural ODEs performing the mapping x -> phi_{g_omega(x)}(x), i.e. leading to "
        "y^ = h_y(h_x(x) + int_0^{g_omega(x)} f_{theta(s)}(tau, x, z(tau)) dtau)"
    ),
    corrected=(
        "with theta(tau) under the integral and h_y around the flow: dell/domega = (l(S) + a(S)^T f(S) + dL/ds_end) dg/domega at S = g(x); "
        "dell/dx gains the same factor times dg/dx; the gradient in theta is Prop. 1 in full on [0, g(x)], signed where g(x) < 0"
    ),
    hypotheses=("f and l are continuous at the end", "g is C^1; a penalty int l abs(ds) has a kink at g = 0"),
    prove=_proof,
    measure=_measure,
    shown=lambda: _problems(0)[0].problem,
)

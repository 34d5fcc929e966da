"""Thm. 1: the gradient with respect to a function of depth."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp

from odeanalysis.modeling.bases import Basis, Fourier, Legendre
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.numerics.functional.gradient import FunctionalGradient, functional_gradient
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.measure import Instance, gaps, instance, scale, smallest_refutation, terms, truths
from odeanalysis.verification.proof import Step, derivation_holds, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn, problems
from odeanalysis.verification.strategies.varied import NODES, VARIATIONS, Variation, small_functions, varied

ID = "functional-gradient"
DRAWN = 4
SAME = 1e-10
FINE = Settings("dopri8", rtol=1e-12, atol=1e-13)
# steps that resolve the variations, of which the solution itself knows nothing
RESOLVED = Settings("dopri8", steps=32)
SPANS: tuple[Basis | tuple, ...] = (Fourier(3, 1), Legendre(3), NODES[0])


def _proof() -> Iterator[Step]:
    """The Riesz representer on z' = theta(s) z, L = z^2, and why theta in L2 alone is not enough."""
    s, t, e, z0 = sp.symbols("s t epsilon z_0", real=True)
    theta, v = sp.Function("theta", real=True), sp.Function("v", real=True)
    S = sp.Symbol("S", positive=True)
    end = z0 * sp.exp(sp.Integral(theta(t) + e * v(t), (t, 0, S)))
    path = z0 * sp.exp(sp.Integral(theta(t), (t, 0, s)))
    costate = 2 * end.subs(e, 0) ** 2 / path
    yield identity("a(s) = 2 z(S)^2/z(s) solves a' = -theta a", sp.Derivative(costate, s), -theta(s) * costate)
    directional = sp.diff(end**2, e).subs(e, 0)
    yield identity("D ell[v] = int a f_theta v ds, with f_theta = z", directional, 2 * end.subs(e, 0) ** 2 * sp.Integral(v(t), (t, 0, S)))
    size = sp.Symbol("s", positive=True)
    yield identity("theta = s^(-2/5) is in L2(0, 1)", sp.Integral(size ** sp.Rational(-4, 5), (size, 0, 1)), 5)
    cut = sp.Symbol("delta", positive=True)
    grown = sp.integrate(size ** sp.Rational(-6, 5), (size, cut, 1))
    yield identity(
        "but z' = theta^3 has no solution from 0: its integral from delta grows like 5 delta^(-1/5)",
        grown,
        5 * cut ** sp.Rational(-1, 5) - 5,
    )
    yield from derivation_holds([(one.title, one.problem) for one in draw(problems(), 1, stream(0, ID))])


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True)
class Tested:
    """A drawn problem with its gradient in function space, and one variation."""

    drawn: Drawn
    gradient: FunctionalGradient
    variation: Variation

    @property
    def instance(self) -> Instance:
        one = instance(varied(self.drawn, self.variation), "eps")
        return Instance(f"{self.drawn.title}; along v = {self.variation.title}", one.problem, one.values, one.name)

    @property
    def found(self) -> Array:
        """int <dell/dtheta, v> ds, with the point masses."""
        return np.asarray(self.gradient.against(self.variation.function, self.variation.jumps))

    @property
    def size(self) -> float:
        """The mean of |dell/dtheta| over depth: the size of D ell[v] where nothing cancels in it."""
        return float(np.mean(np.abs(self.gradient(_depths(self.drawn)))))


def _depths(drawn: Drawn) -> Array:
    low, high = sorted(map(float, drawn.problem.model.domain))
    return np.linspace(low, high, 101)


def _tested(seed: int) -> Iterator[Tested]:
    for i, one in enumerate(draw(problems(), DRAWN, stream(seed, ID))):
        gradient = functional_gradient(one.problem, one.values, "p")
        for variation in (VARIATIONS[i % len(VARIATIONS)], VARIATIONS[(i + 2) % len(VARIATIONS)]):
            yield Tested(one, gradient, variation)


def _projections(seed: int) -> Iterator[Check]:
    """Projected onto a basis or onto pieces, without another solve, it is the spectral or stacked gradient there."""
    one = draw(problems(), DRAWN, stream(seed, ID))[-1]
    gradient = functional_gradient(one.problem, one.values, "p", rtol=1e-12)
    for span in SPANS:
        model = galerkin(one.problem.model, {"p": span}) if isinstance(span, Basis) else stacked(one.problem.model, ["p"], span)
        problem = Problem(model, one.problem.objective, one.problem.reduction)
        there = solve_problem(problem, {**one.values, "p": _constant(one.values["p"], span)}, FINE)
        known = ContinuousAdjoint().gradients(there)["p"]
        miss = float(np.max(np.abs(gradient.project(span) - known)) / max(1.0, float(np.max(np.abs(known)))))
        yield within(f"the projection is the gradient in the coefficients, {span}: {one.title}", miss, SAME)


def _constant(value: float, span: Basis | tuple) -> Array:
    """The coefficients of a constant: the first function of the bases here is 1, and so is the sum of all pieces."""
    return value * (np.eye(span.terms)[0] if isinstance(span, Basis) else np.ones(len(span) - 1))


def _figure(one: Tested) -> Figure:
    depths = _depths(one.drawn)
    return Figure(f"(dell/dp)(s): {one.drawn.title}", "s", "", (line("gradient", depths, one.gradient(depths)),))


def _measure(seed: int) -> Evidence:
    right, wrong, printed, shown = [], [], [], []
    for one in _tested(seed):
        stated, parts = one.instance, terms(one.instance)
        truth, size = truths(stated, RESOLVED), max(scale(parts), one.size)
        right += gaps(stated, one.found, truth, size)
        wrong += gaps(stated, one.found - 2 * parts["field"], truth, size)
        printed += gaps(stated, parts["field"], truth, size)
        shown.append(one)
    return Evidence(
        Form(tuple(right)),
        Form(tuple(wrong)),
        printed=Form(tuple(printed)),
        restored=Form(tuple(right)),
        counterexample=smallest_refutation({"field": 1.0}, stream(seed, ID), small_functions(), "eps"),
        extra=tuple(_projections(seed)),
        figures=(_figure(shown[-1]),),
    )


FUNCTIONAL_GRADIENT = Claim(
    id=ID,
    title="The gradient with respect to a function of depth is a(s)^T df/dtheta + dl/dtheta",
    source="Massaroli et al. 2020, Thm. 1",
    printed=(
        "Consider the loss function (2) and let theta(s) in L_2(S -> R^{n_theta}). Then, sensitivity of ell with respect to theta(s) (i.e. "
        "directional derivative in functional space) is dell/dtheta(s) = a^T(s) df_theta(s)/dtheta(s) where a(s) satisfies "
        "a'^T(s) = -a^T(s) df_theta(s)/dz - dell/dz, a^T(S) = dell/dz(S)"
    ),
    corrected=(
        "(dell/dtheta)(s) = a(s)^T df/dtheta(s) + dl/dtheta(s), the Riesz representer: D ell[v] = int <dell/dtheta, v> ds for every "
        "variation v; a name that also stands in h, L or L_i has point masses there besides"
    ),
    hypotheses=(
        "f, l measurable in s and C^1 in (z, theta); for |z| <= R: |f_theta|, |l_theta| <= c_R (1 + |theta|), |f_z|, |l_z| <= "
        "c_R (1 + |theta|^2); |f| <= c (1 + |theta|^2)(1 + |z|), |l| <= c_R (1 + |theta|^2)",
        "theta in L2 alone does not make the problem well posed: f = theta^3 with theta = s^(-2/5)",
        "costs may contain theta, as the regularizers of Sec. 6 do",
    ),
    prove=_proof,
    measure=_measure,
    shown=lambda: draw(problems(), 1, stream(0, ID))[0].problem,
)

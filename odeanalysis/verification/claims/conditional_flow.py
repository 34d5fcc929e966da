"""Sec. 5.1: a flow whose field sees the prior sample is no change of variables by its divergence."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from scipy.stats import norm

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import tanh
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.conditional import (
    Conditioned,
    backward,
    density,
    masses_below,
    measured_densities,
    printed_density,
    sabotaged_density,
)
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.problems import numbers

ID = "conditional-flow"
CLOSE, EXACT = 1e-7, 1e-9
POINTS = (-0.3, 0.8)
Density = Callable[[Conditioned, float], float]
Z, C, P, Q = (ex.block(name) for name in ("z", "c", "p", "q"))


def _model(field: ex.Array) -> Model:
    return Model({Z: field}, {Z: C}, (0, 1), (P, Q), (C,), name="conditioned")


def pulled(theta: float) -> Conditioned:
    """Equation (9) with the sample as its data: z' = -theta (z + c), z(0) = c."""
    return Conditioned(f"z' = -theta (z + c), theta = {theta:g}", _model(-P * (Z + C)), {"p": theta, "q": 0.0})


@st.composite
def bent(draw: st.DrawFn) -> Conditioned:
    """z' = p tanh(z) + q c: maps that fold for some values."""
    p, q = draw(numbers()), draw(st.sampled_from((-2.5, -0.5, 0.6, 1.2)))
    return Conditioned(f"z' = p tanh z + q c, p = {p:g}, q = {q:g}", _model(P * tanh(Z) + Q * C), {"p": p, "q": q})


@st.composite
def labelled(draw: st.DrawFn) -> Conditioned:
    """A field that sees a label p, which does not depend on the sample: z' = q tanh(z) + p."""
    p, q = draw(numbers()), draw(numbers())
    return Conditioned(f"z' = q tanh z + label, label = {p:g}, q = {q:g}", _model(Q * tanh(Z) + P), {"p": p, "q": q})


def _proof() -> Iterator[Step]:
    s, x, c = sp.symbols("s x c", real=True)
    theta, m = sp.Symbol("theta", positive=True), sp.Symbol("m", positive=True)
    z = (2 * sp.exp(-theta * s) - 1) * c
    J = sp.diff(z, c)
    yield identity("(9) run forward: the path from c", sp.Derivative(z, s), -theta * (z + c))
    yield identity("the total derivative obeys J' = f_z J + f_c, with f_z = f_c = -theta", sp.Derivative(J, s), -theta * J - theta)
    yield identity("from J(0) = 1", sp.Subs(J, s, 0), 1)
    yield identity("to J(1) = 2 e^{-theta} - 1", sp.Subs(J, s, 1), 2 * sp.exp(-theta) - 1)
    yield identity("where the divergence alone gives", sp.exp(sp.Integral(-theta, (s, 0, 1))), sp.exp(-theta))
    yield identity("at theta = ln 2 all samples end at 0, and there is no density", sp.Subs(z, (s, theta), (1, sp.log(2))), 0)
    normal = sp.exp(-((x / m) ** 2) / 2) / sp.sqrt(2 * sp.pi)
    mass = sp.Integral(normal * sp.exp(theta), (x, -sp.oo, sp.oo))
    yield identity("the mass of the printed density q(x/m) e^theta, m = abs J(1)", mass, m * sp.exp(theta))
    yield identity(
        "is abs(2 - e^theta), not 1: m e^theta for m = 2 e^{-theta} - 1", (2 * sp.exp(-theta) - 1) * sp.exp(theta), 2 - sp.exp(theta)
    )
    yield identity("q(x/m)/m has the mass 1", sp.Integral(normal / m, (x, -sp.oo, sp.oo)), 1)
    back = (2 * sp.exp(theta * (1 - s)) - 1) * c
    yield identity("run backward from z(1) = c", sp.Derivative(back, s), -theta * (back + c))
    yield identity("it ends with J(0) = 2 e^theta - 1", sp.Subs(sp.diff(back, c), s, 0), 2 * sp.exp(theta) - 1)


@dataclass(frozen=True)
class Point:
    """A point of a model's range, and the density there by each way."""

    model: Conditioned
    x: float
    known: dict[str, float]

    def gaps(self, by: Density) -> list[Gap]:
        found, title = by(self.model, self.x), f"density at {self.x:g}, {self.model.title}"
        return [Gap(title, way, abs(found - known), CLOSE) for way, known in self.known.items()]


def _points(models: Iterable[Conditioned]) -> list[Point]:
    return [Point(one, x, measured_densities(one, x)) for one in models for x in POINTS]


def _form(points: Iterable[Point], by: Density) -> Form:
    return Form(tuple(gap for point in points for gap in point.gaps(by)))


def printed_mass(theta: float) -> float:
    """The mass of the printed density of (9): q(x/m) e^theta over all x."""
    return abs(2 * np.exp(-theta) - 1) * np.exp(theta)


def _counterexample(seed: int) -> dict[str, object] | None:
    """The simplest theta for which the printed density of (9) has not the mass 1."""
    theta = smallest(st.integers(1, 3), lambda value: abs(printed_mass(value) - 1) > 1e-3, seed)
    if theta is None:
        return None
    one, x = pulled(theta), 0.5
    return {
        "field": f"z' = -{theta} (z + c)",
        "initial": "z(0) = c, c standard normal",
        "mass of the printed density": float(printed_mass(theta)),
        "x": x,
        "printed density": printed_density(one, x),
        **{f"density, {way}": p for way, p in measured_densities(one, x).items()},
    }


def _extra(seed: int) -> Iterator[Check]:
    """A label is harmless; an interval's probability; the collapse at theta = ln 2."""
    for point in _points(draw(labelled(), 1, stream(seed, ID))):
        miss = max(gap.measured for gap in point.gaps(printed_density))
        yield within(f"with an independent label the printed density is right at {point.x:g}: {point.model.title}", miss, CLOSE)
    one = pulled(0.3)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    mass = float(weights @ [density(one, float(at)) for at in nodes / 2]) / 2
    known = float(np.diff(masses_below(one.by_scipy, np.array([-0.5, 0.5])))[0])
    yield within(f"P(|z| <= 1/2) is the integral of the density: {one.title}", abs(mass - known), EXACT)
    ends = pulled(float(np.log(2))).ends(np.array([-2.0, 0.5, 3.0]))
    yield within("at theta = ln 2 all samples end at 0", float(np.max(np.abs(ends))), EXACT)


def _figure(one: Conditioned) -> Figure:
    """The density of (9), as it is and as it is printed."""
    x = np.linspace(-2, 2, 81)
    m = abs(2 * np.exp(-one.values["p"]) - 1)
    lines = (line("density", x, norm.pdf(x / m) / m), line("printed", x, norm.pdf(x / m) * np.exp(one.values["p"]), "dashed"))
    return Figure(f"Density of z(1), {one.title}", "x", "p", lines)


def _measure(seed: int) -> Evidence:
    bents = draw(bent(), 2, stream(seed, ID))
    injective = _points((pulled(0.3), backward(pulled(0.4))))
    points = [*injective, *_points((*bents, backward(bents[0])))]
    return Evidence(
        _form(points, density),
        _form(points, sabotaged_density),
        printed=_form(points, printed_density),
        restored=_form(injective, printed_density),
        counterexample=_counterexample(stream(seed, ID)),
        extra=tuple(_extra(seed)),
        figures=(_figure(pulled(0.3)),),
    )


CONDITIONAL_FLOW = Claim(
    id=ID,
    title="The density of a flow that is conditioned on its prior sample is given by its divergence",
    source="Massaroli et al. 2020, Sec. 5.1",
    printed=(
        "We train one-dimensional, data-controlled CNFs to approximate two different data distributions p_1, p_2 by sampling from two "
        "distinct priors q_1, q_2 and conditioning the vector field with the samples z_S of the prior distributions"
    ),
    corrected=(
        "J' = f_z J + f_c with J(S) = I, and p(x) = sum over all z_S with G(z_S) = x of q(z_S)/|det J(0)|, G: z_S -> z(0); one term only "
        "if G is injective, no density where det J = 0 on a set of positive mass; conditioning on an independent label is fine"
    ),
    hypotheses=("f is C^1", "G takes a value at finitely many z_S, and det J(0) does not vanish there"),
    prove=_proof,
    measure=_measure,
    shown=lambda: Problem(total_jacobian(pulled(0.3).model, "z", "c", "J"), Objective(terminal=Z**2)),
)

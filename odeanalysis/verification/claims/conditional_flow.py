"""Sec. 5.1: a flow whose field sees the prior sample is no change of variables by its divergence."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from scipy.optimize.elementwise import find_root
from scipy.stats import norm

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import tanh
from odeanalysis.verification.claim import MISSING, Check, Claim, Evidence, Form, Gap, Theorem, refused, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.conditional import (
    Conditioned,
    backward,
    density,
    masses_below,
    masses_beside,
    measured_densities,
    preimages,
    printed_density,
    sabotaged_density,
)
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.problems import numbers

ID = "conditional-flow"
# a density is a difference of masses, which are known to 1e-12, over steps that are small beside the width of the narrowest map
CLOSE, EXACT = 1e-7, 1e-9
POINTS = (-0.3, 0.8)
FOLDS, FAR = 2, 7.0
SHRINKING = 10.0 ** -np.arange(4, 7)
POWER = 1e-3
FINER = np.linspace(-FAR, FAR, 1121)
STEP, SMOOTH, SINGULAR = 1e-2, 1e-6, 1e-4
Density = Callable[[Conditioned, float], float]
Z, C, P, Q = (ex.block(name) for name in ("z", "c", "p", "q"))


def _model(field: ex.Array) -> Model:
    return Model({Z: field}, {Z: C}, (0, 1), (P, Q), (C,), name="conditioned")


def pulled(theta: float) -> Conditioned:
    """Equation (9) with the sample as its data: z' = -theta (z + c), z(0) = c."""
    return Conditioned(f"z' = -theta (z + c), theta = {theta:g}", _model(-P * (Z + C)), {"p": theta, "q": 0.0})


@st.composite
def bent(draw: st.DrawFn) -> Conditioned:
    """z' = p tanh(z) + q c: increasing and decreasing maps, that do not fold."""
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


# ---------------------------------------------------------------- folds


@st.composite
def folding(draw: st.DrawFn) -> Conditioned:
    """z' = p tanh z + q c with the total derivative of one sign at c = 0 and of the other one far out: it vanishes in between."""
    p, q = draw(st.sampled_from(((0.9, -1.2), (0.8, -1.25), (0.7, -1.2), (-0.9, -0.75), (-0.8, -0.8), (-0.7, -0.85))))
    return Conditioned(f"z' = p tanh z + q c, p = {p:g}, q = {q:g}", _model(P * tanh(Z) + Q * C), {"p": p, "q": q})


def fold(one: Conditioned) -> float:
    """The starting value c > 0 at which J vanishes."""
    return float(find_root(one.jacobians, (np.array([1e-3]), np.array([FAR]))).x[0])


def _inside(one: Conditioned) -> Point:
    """Half way to the fold from 0, where the map has three preimages; steps are small beside the way that is left."""
    x = float(one.ends(np.array([fold(one)]))[0]) / 2
    return Point(one, x, measured_densities(one, x, abs(x) / 16))


def _growth(one: Conditioned, c: float) -> dict[str, float]:
    """The power of the length with which the mass of an interval beside G(c), over its length, grows as it shrinks, by each map."""
    found = {way: masses_beside(mapped, c, c / 4, SHRINKING) for way, mapped in {"solver": one.ends, "SciPy": one.by_scipy}.items()}
    return {way: float(np.polyfit(np.log(SHRINKING), np.log(masses / SHRINKING), 1)[0]) for way, masses in found.items()}


def _unbounded(one: Conditioned, c: float) -> list[Gap]:
    """Beside the fold the density is that of a square root: its mean over an interval grows like length^(-1/2)."""
    title = f"the density beside the image of c = {c:.3f}, {one.title}"
    return [Gap(title, way, abs(power + 0.5), POWER) for way, power in _growth(one, c).items()]


# ---------------------------------------------------------------- the theorem on which it rests


def _hypotheses(point: Point) -> Iterator[Check]:
    """G is C^1, it has the value x at the c that are found and nowhere else, and J does not vanish at any of them."""
    one, c = point.model, preimages(point.model, point.x)
    title = f"G(c) = {point.x:g}, {one.title}"
    more = int(np.count_nonzero(np.diff(np.sign(one.ends(FINER) - point.x)))) - len(c)
    yield within(f"hypothesis, values c that a grid eight times as fine finds besides: {title}", abs(more), MISSING)
    if len(c):
        coarse, fine = ((one.by_scipy(c + h) - one.by_scipy(c - h)) / (2 * h) for h in (STEP, STEP / 2))
        missed, least = np.max(np.abs((4 * fine - coarse) / 3 - one.jacobians(c))), float(np.min(np.abs(one.jacobians(c))))
        yield within(f"hypothesis, J against differences of SciPy's map: {title}", float(missed), SMOOTH)
        yield within(f"hypothesis, {SINGULAR:g} over the least |J|: {title}", SINGULAR / least, 1)


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
    folded = draw(folding(), FOLDS, stream(seed, ID))[-1]
    drawn = [*_points((*bents, backward(bents[0]))), _inside(folded)]
    points = [*injective, *drawn]
    ordinary = Form(tuple(_unbounded(folded, 2 * fold(folded))))
    return Evidence(
        Form((*_form(points, density).gaps, *_unbounded(folded, fold(folded)))),
        _form(points, sabotaged_density),
        printed=_form(points, printed_density),
        restored=_form(injective, printed_density),
        counterexample=_counterexample(stream(seed, ID)),
        extra=(
            *_extra(seed),
            *(check for point in drawn for check in _hypotheses(point)),
            refused("a density that is bounded is refused where J does not vanish", ordinary),
        ),
        figures=(_figure(pulled(0.3)),),
    )


CONDITIONAL_FLOW = Claim(
    id=ID,
    title="The density of a flow that is conditioned on its prior sample is given by its divergence",
    source="Massaroli et al. 2020, Sec. 5.1",
    printed=(
        "log p_theta(x) = log q(phi_S(x)) + log det |nabla phi_S(x)| where the log determinant of the Jacobian is computed via the fluid "
        "mechanics identity d/ds log det |nabla phi_s(x)| = nabla . f_{theta(t)}(s, phi_s(x)) (...) We train one-dimensional, "
        "data-controlled CNFs to approximate two different data distributions p_1, p_2 by sampling from two distinct priors q_1, q_2 and "
        "conditioning the vector field with the samples z_S of the prior distributions"
    ),
    corrected=(
        "J' = f_z J + f_c with J(S) = I, and p(x) = sum over all z_S with G(z_S) = x of q(z_S)/|det J(0)|, G: z_S -> z(0); one term only "
        "if G is injective; p is unbounded beside the images of points at which det J = 0, and there is none where det J = 0 on a set of "
        "positive mass; conditioning on an independent label is fine"
    ),
    hypotheses=("f is C^1", "G takes a value at finitely many z_S, and det J(0) does not vanish there"),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "Change of variables (the area formula): where G is C^1 and no preimage of x is critical, p(x) = sum q(z_S)/|det DG(z_S)|",
            "Evans and Gariepy 2015, ch. 3",
            "at each point: J against differences of SciPy's map, the preimages counted on a finer grid, the least |J|; consequence: the "
            "derivative of the distribution function, and the mass of an interval",
        ),
    ),
    shown=lambda: Problem(total_jacobian(pulled(0.3).model, "z", "c", "J"), Objective(terminal=Z**2)),
)

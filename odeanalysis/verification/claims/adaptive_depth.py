"""Sec. 5.2: depths of every sample's own, and the gradient with respect to what chooses them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.transforms import unit_domain
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, refused, within
from odeanalysis.verification.claims.instances import Family
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.independent.interpreter import evaluate
from odeanalysis.verification.measure import (
    CLOSE,
    FULL,
    TIGHT,
    combine,
    evidence,
    gaps,
    instance,
    relative,
    scale,
    terms,
    truths,
)
from odeanalysis.verification.one_sided import ACROSS, Kink
from odeanalysis.verification.proof import Step, derivation_holds, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn, of_no_length, own_depths, penalising, turning_back

ID = "adaptive-depth"
FAMILY = Family(ID, own_depths(), ("q", "p", "x"))
PENALISED, KINKS = 2, 3


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
    yield from derivation_holds([("depths of their own", FAMILY.shown())])


def _forms(seed: int) -> Iterator[Check]:
    """The domain [0, g] and the change of variable to [0, 1] give the same value and gradients."""
    for one in FAMILY.problems(seed):
        runs = [solve_problem(problem, one.values, TIGHT) for problem in (one.problem, unit_domain(one.problem))]
        yield within(f"the change of variable keeps the value: {one.title}", abs(runs[0].value - runs[1].value), CLOSE)
        for route in (ContinuousAdjoint(), DiscreteAdjoint()):
            found, other = (route.gradients(run) for run in runs)
            miss = max(relative(found[name], other[name], max(1.0, float(np.max(np.abs(other[name]))))) for name in found)
            yield within(f"the change of variable keeps the gradient, {route.name}: {one.title}", miss, CLOSE)


# ---------------------------------------------------------------- penalties, int l abs(ds)


def _penalties(seed: int) -> tuple[Form, Form]:
    """Gradients of problems with int l abs(ds), and those with int l ds in the same place."""
    right, wrong = [], []
    for one in draw(turning_back(), PENALISED, stream(seed, ID)):
        for name in ("q", "x"):
            stated, signed = instance(Drawn(penalising(one.problem), one.values), name), instance(one, name)
            stated = replace(stated, title=f"int l |ds|, l = {one.problem.objective.running}: {stated.title}")
            parts, truth = terms(stated), truths(stated)
            right += gaps(stated, combine(parts, FULL), truth, scale(parts))
            wrong += gaps(stated, combine(terms(signed), FULL), truth, scale(parts))
    return Form(tuple(right)), Form(tuple(wrong))


@dataclass(frozen=True, eq=False)
class Ending:
    """A problem on a domain [0, q] of no length: a penalty has a kink in q there, the signed cost has none."""

    stated: Drawn

    @property
    def title(self) -> str:
        return f"no length: {self.stated.title}, l = {self.stated.problem.objective.running}"

    @property
    def jump(self) -> float:
        """2 l at s0."""
        (z, start), *_ = self.stated.problem.model.initial
        values = {**self.stated.values, self.stated.problem.model.depth.name: 0.0}
        return 2 * float(evaluate(self.stated.problem.objective.running, {**values, z.name: evaluate(start, values)}))

    def kink(self, problem: Problem) -> Kink:
        return Kink(problem, self.stated.values, "q")

    @property
    def penalised(self) -> list[Gap]:
        return self.kink(penalising(self.stated.problem)).gaps(self.title, self.jump)

    @property
    def signed(self) -> list[Gap]:
        return self.kink(self.stated.problem).gaps(self.title, self.jump)

    @property
    def middle(self) -> Check:
        """What is computed at the kink itself is the mean of both sides."""
        kink = self.kink(penalising(self.stated.problem))
        mean = (kink.by_scipy(1) + kink.by_scipy(-1)) / 2
        missed = abs(kink.by_adjoint(0.0) - mean) / max(1.0, abs(mean))
        return within(f"at the kink the gradient is the mean of both sides, {self.title}", missed, ACROSS)


# ---------------------------------------------------------------- the report


def _figure(drawn: Drawn) -> Figure:
    """Where the samples' paths end, by x."""
    x = np.linspace(-1, 1, 41)
    run = solve_problem(drawn.problem, {**drawn.values, "x": x})
    depths = np.tanh(drawn.values["q"] * x + drawn.values["p"] / 2)
    return Figure(f"Ends of the paths: {drawn.title}", "x", "", (line("depth g(x)", x, depths), line("z at its end", x, run.final["z"])))


def _measure(seed: int) -> Evidence:
    measured, (penalties, signed) = evidence(FAMILY.instances(seed), sabotaged={**FULL, "domain": 0.0}), _penalties(seed)
    endings = [Ending(one) for one in draw(of_no_length(), KINKS, stream(seed, ID))]
    right = Form((*measured.corrected.gaps, *penalties.gaps, *(gap for one in endings for gap in one.penalised)))
    extra = (
        refused("int l ds is refused as a penalty", signed),
        refused("int l ds has no kink", Form(tuple(gap for one in endings for gap in one.signed))),
        *(one.middle for one in endings),
        *_forms(seed),
    )
    figures = (*measured.figures, _figure(FAMILY.problems(seed)[-1]))
    return replace(measured, corrected=right, extra=extra, figures=figures)


ADAPTIVE_DEPTH = Claim(
    id=ID,
    title="With a depth of every sample's own, the gradient gains the Hamiltonian at the end",
    source="Massaroli et al. 2020, Sec. 5.2, which leaves the differentiation under the integral sign to an appendix",
    printed=None,
    corrected=(
        "with theta(tau) for the printed theta(s) under the integral, and h_y around the flow: "
        "dell/domega = (l(S) + a(S)^T f(S) + dL/ds_end) dg/domega at S = g(x); dell/dx gains the same factor times dg/dx; the gradient in "
        "theta is Prop. 1 in full on [0, g(x)]. Where g(x) < 0, int l ds is signed, a reward for l >= 0; a penalty is int l abs(ds), with "
        "sign(g) l in ell, in H, in the costate and at the end, and its derivatives from both sides of g = 0 are 2 l apart"
    ),
    hypotheses=("f and l are continuous at the end", "g is C^1, and g(x) is not 0 where the cost is int l abs(ds), which has a kink there"),
    prove=_proof,
    measure=_measure,
    shown=FAMILY.shown,
)

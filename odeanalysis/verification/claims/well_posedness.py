"""Sec. 2: a Lipschitz field has one solution on the whole domain, where its Lipschitz constant is integrable over depth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.errors import SolveError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS, by_solver
from odeanalysis.verification.flows.picard import DEPTHS, fixed, iterated
from odeanalysis.verification.proof import Step, dsolved, fact, identity
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.flows import Flow
from odeanalysis.verification.strategies.scalar_fields import Scalar, as_flow, at_each_depth, continuous, lipschitz

ID = "well-posedness"
DRAWN, REFUTING = 5, 2
# two paths that are 4e-10 apart spread as fast as the field allows, and rounding of s^{-q} near 0 with them
ONE = 1e-6
EXISTS = 1e-6
HALF = 0.5 + 1e-9
ROUNDING = 1 + 1e-9
ENDS_AT = 1e-2
STEPS, FAINT = 12, 1e-10
EARLY, LATE = float(DEPTHS[0, 2]), float(DEPTHS[-1, -1])

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    s, t, s0, c, eps = sp.symbols("s t s_0 c epsilon", positive=True)
    L, u = (sp.Function(name, real=True) for name in ("L", "u"))
    total = sp.Integral(L(t), (t, s0, s))
    yield identity(
        "Picard's map halves distances in the norm sup e^{-2 int L} |z|, as int L e^{2 int L} = (e^{2 int L} - 1)/2: one fixed point",
        sp.Derivative(sp.exp(2 * total) / 2, s),
        L(s) * sp.exp(2 * total),
    )
    yield identity(
        "Gronwall: where |z - w|' <= L |z - w|, e^{-int L} |z - w| does not grow, so that solutions that meet are one",
        sp.Derivative(sp.exp(-total) * u(s), s),
        sp.exp(-total) * (sp.Derivative(u(s), s) - L(s) * u(s)),
    )
    yield from _refutation(s, c, eps)
    y = sp.Function("y")
    z = dsolved(y(s).diff(s) - y(s) ** 2, y(s), {y(0): c})
    yield identity("SymPy solves z' = z^2 from c by", z, c / (1 - c * s))
    yield identity("it satisfies the equation", sp.Derivative(z, s), z**2)
    yield fact("and ends at s = 1/c", sp.limit(1 / z, s, 1 / c) == 0, sp.latex(sp.Eq(sp.Limit(1 / z, s, 1 / c), 0)))
    z = dsolved(y(s).diff(s) - 2 * sp.sqrt(y(s)), y(s), {y(0): 0})
    yield identity("SymPy solves z' = 2 sqrt|z| from 0 by", z, s**2)
    yield identity("it satisfies the equation, as z = 0 does, from the same start", sp.Derivative(z, s), 2 * sp.sqrt(z))


def _refutation(s: sp.Symbol, c: sp.Symbol, eps: sp.Symbol) -> Iterator[Step]:
    theta = s ** -sp.Rational(1, 3)
    yield identity("theta = s^(-1/3) is in L2(0, 1)", sp.Integral(theta**2, (s, 0, 1)), 3)
    yield identity("theta^3 z is Lipschitz in z at each depth, with the constant 1/s", theta**3, 1 / s)
    y = sp.Function("y")
    z = dsolved(y(s).diff(s) - theta**3 * y(s), y(s), {y(1): c})
    yield identity("SymPy solves z' = theta^3 z, z(1) = c, by", z, c * s)
    yield identity("it satisfies the equation, for every c", sp.Derivative(z, s), theta**3 * z)
    yield identity("and starts at 0", sp.Limit(z, s, 0), 0)
    diverges = sp.Limit(sp.Integral(1 / s, (s, eps, 1)), eps, 0)
    yield fact("the constant is not integrable", sp.limit(-sp.log(eps), eps, 0) == sp.oo, rf"{sp.latex(diverges)} = \infty")


# ---------------------------------------------------------------- measurement


def _found(one: Scalar) -> list[tuple[np.ndarray, float]]:
    """What Picard's iteration finds from two paths: the one that stays, and the one that leaves as fast as the field allows."""
    return [fixed(one.right, one.start, path) for path in (np.full(DEPTHS.shape, one.start), one.start + one.leaving(DEPTHS))]


@dataclass(frozen=True)
class Solutions:
    """What was found of the solutions of one problem: how far they are apart, and how far Picard's is from being one."""

    title: str
    apart: dict[str, float]
    missed: dict[str, float]

    def unique(self) -> list[Gap]:
        return [Gap(f"one solution, {self.title}", way, gap, ONE) for way, gap in self.apart.items()]

    def exists(self) -> list[Gap]:
        return [Gap(f"it exists on all of the domain, {self.title}", way, gap, EXISTS) for way, gap in self.missed.items()]


def solutions(one: Scalar) -> Solutions:
    """Picard's from two paths; by each solver two that are `EARLY` apart at the depth `EARLY`, and the one that passes Picard's there."""
    (first, moved), (second, too) = _found(one)
    starts, flow = np.array([[one.start], [one.start + EARLY], [first[0, 2]]]), as_flow(one, EARLY, LATE)
    apart, missed = (
        {"Picard's iteration, from two paths": _sup(first - second)},
        {"Picard's iteration, what it moves": max(moved, too)},
    )
    for way, solve in WAYS.items():
        ends = solve(flow, starts)[:, 0, 0]
        apart[f"{way}, two paths {EARLY:.0e} apart at that depth"] = abs(float(ends[0] - ends[1]))
        missed[way] = abs(float(ends[2] - first[-1, -1]))
    return Solutions(one.title, apart, missed)


def _sup(gap: np.ndarray) -> float:
    return float(np.max(np.abs(gap)))


def _hypothesis(one: Scalar, rng: np.random.Generator) -> Check:
    """|f(s, z) - f(s, w)| <= L(s) |z - w|."""
    s, z, w = rng.uniform(0, 1, 200), rng.normal(scale=2, size=200), rng.normal(scale=2, size=200)
    ratio = np.max(np.abs(one.right(s, z) - one.right(s, w)) / np.maximum(one.lipschitz(s) * np.abs(z - w), np.finfo(float).tiny))
    return within(f"hypothesis, |f(z) - f(w)| over L |z - w|: {one.title}", float(ratio), ROUNDING)


def _contraction(one: Scalar) -> Check:
    """Picard's map halves distances in the norm sup e^{-2 int L} |z|, until rounding is all that is left."""
    weight = np.exp(-2 * (one.gained(DEPTHS) - one.gained(np.zeros(1))))
    paths = np.array(iterated(one.right, one.start, one.start + one.leaving(DEPTHS), STEPS))
    sizes = np.max(weight * np.abs(np.diff(paths, axis=0)), axis=(1, 2))
    return within(f"consequence, Picard's map contracts: {one.title}", float(np.max(sizes[1:] / np.maximum(sizes[:-1], FAINT))), HALF)


def _blow_up(rng: np.random.Generator) -> Check:
    """z' = k z^2 from z0 ends at s = 1/(k z0)."""
    k, start = rng.uniform(0.5, 2, size=2)
    z, x = ex.block("z", 1), ex.block("x", 1)
    flow = Flow("z' = k z^2", Model({z: float(k) * z * z}, {z: x}, (0, 10), (), (x,), name="blow_up"), {}, np.inf)
    try:
        by_solver(flow, np.array([[start]]))
        reached = 10.0
    except SolveError as error:
        reached = np.inf if error.depth is None else float(error.depth)
    title = f"locally Lipschitz is not enough: z' = {k:.3f} z^2 from {start:.3f} ends at {1 / (k * start):.4f}; relative distance, solver"
    return within(title, abs(reached * k * start - 1), ENDS_AT)


def _counterexample(seed: int) -> dict[str, Any] | None:
    one = smallest(at_each_depth(), lambda one: Form(tuple(solutions(one).unique())).fails, seed)
    if one is None:
        return None
    rate = one.terms[0].before
    return {
        "field": one.title,
        "with theta in L2": f"f = {_factor(rate)}theta^3 z, theta = s^(-1/3), int theta^2 over [0, 1] = 3",
        "solutions": f"z = c s{_power(rate)} for every c",
        "depth": LATE,
        "two of them there, Picard's iteration": [float(path[-1, -1]) for path, _ in _found(one)],
        "distance of solutions": solutions(one).apart,
    }


def _factor(number: Any) -> str:
    return "" if number == 1 else f"{number} "


def _power(number: Any) -> str:
    return "" if number == 1 else f"^({number})"


def _figure() -> Figure:
    s = np.linspace(0, 1, 30)
    fan = tuple(line(f"z' = z/s, z = {c:g} s", s, c * s) for c in (-1, 0, 1, 2))
    return Figure(
        "Many solutions from one point, of a field that is Lipschitz at each depth",
        "s",
        "z",
        (*fan, line("z' = 2 sqrt|z|", s, s**2, "dashed")),
    )


def _measure(seed: int) -> Evidence:
    drawn, rng = draw(lipschitz(), DRAWN, stream(seed, ID)), random(seed, ID)
    found = [solutions(one) for one in drawn]
    unique = [gap for one in found for gap in one.unique()]
    right = Form((*unique, *(gap for one in found for gap in one.exists())))
    refuting = [gap for one in draw(at_each_depth(), REFUTING, stream(seed, ID)) for gap in solutions(one).unique()]
    return Evidence(
        corrected=right,
        sabotaged=Form(tuple(solutions(continuous(sp.Integer(int(rng.integers(1, 4))))).unique())),
        printed=Form((*unique, *refuting)),
        restored=right,
        counterexample=_counterexample(seed),
        extra=(*(_hypothesis(one, rng) for one in drawn), *map(_contraction, drawn), _blow_up(rng)),
        figures=(_figure(),),
    )


def _shown() -> Problem:
    """f = theta^3 z with theta = s^(-1/3), from a depth above 0: the costate, too, obeys an equation that is singular at 0."""
    z, x, theta = (ex.block(name) for name in ("z", "x", "theta"))
    functions = {theta: ex.depth ** sp.Rational(-1, 3)}
    model = Model({z: ex.mul(ex.power(theta, 3), z)}, {z: x}, (sp.Rational(1, 100), 1), (), (x,), functions, name="singular")
    return Problem(model, Objective(terminal=ex.power(z, 2)))


WELL_POSEDNESS = Claim(
    id=ID,
    title="A Lipschitz field has one solution on the whole domain",
    source="Massaroli et al. 2020, Sec. 2",
    printed=(
        "If f_theta(s) is Lipschitz, for each x_k the initial value problem in (1) admits a unique solution z defined in the whole S."
    ),
    corrected=(
        "if f(., x, z) is measurable in depth, |f(s, x, z) - f(s, x, w)| <= L(s) |z - w| for all z and w, and L and f(., x, 0) are "
        "integrable over S, the initial value problem has one absolutely continuous solution on the whole S"
    ),
    hypotheses=(
        "L is integrable: theta in L2 does not make it so, as f = theta^3 z with theta = s^(-1/3) shows",
        "Lipschitz for all z: z' = z^2 from 1 ends at s = 1",
        "not merely continuous: z' = 2 sqrt|z| from 0 has the solutions 0 and s^2",
    ),
    prove=_proof,
    measure=_measure,
    shown=_shown,
    rests_on=(
        Theorem(
            "Picard-Lindeloef in Caratheodory's form, by Banach's fixed point theorem",
            "Coddington and Levinson 1955, ch. 2; Hale 1980, I.5",
            "Lipschitz bounds at random points of each drawn field; Picard's map halves distances in the weighted norm",
        ),
    ),
)

"""Cor. 2: the gradient with respect to the pieces of a piecewise constant parameter, and to the nodes between them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import sympy as sp

from odeanalysis.modeling.model import Observation
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import power
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, refused
from odeanalysis.verification.claims.instances import Family
from odeanalysis.verification.costates import Seen
from odeanalysis.verification.independent.interpreter import evaluate
from odeanalysis.verification.measure import TIGHT, evidence, exchanged
from odeanalysis.verification.proof import Step, derivation_holds, identity
from odeanalysis.verification.strategies.drawing import stream
from odeanalysis.verification.strategies.problems import Drawn
from odeanalysis.verification.strategies.varied import piecewise, small_piecewise

ID = "stacked-gradient"
FAMILY, SEEN = Family(ID, piecewise(), ("p", "q")), 2


def _proof() -> Iterator[Step]:
    """z' = theta(s) z, L = z^2 with two pieces: the costate is continuous at the node, whose own gradient is a jump of H."""
    z0, t = sp.symbols("z_0 t", real=True)
    first, second = sp.symbols("theta_0 theta_1", real=True)
    c, S = sp.symbols("c S", positive=True)
    end = z0 * sp.exp(first * c + second * (S - c))
    before = z0 * sp.exp(first * t)
    costate = 2 * end**2 / before
    yield identity("a = 2 z(S)^2/z solves a' = -theta_0 a", sp.Derivative(costate, t), -first * costate)
    yield identity(
        "dell/dtheta_0 = int_0^c a f_theta ds, f_theta = z",
        sp.Derivative(end**2, first),
        sp.Integral(sp.expand(costate * before), (t, 0, c)),
    )
    yield identity("dell/dtheta_1 = int_c^S a f_theta ds", sp.Derivative(end**2, second), 2 * end**2 * (S - c))
    node = costate.subs(t, c) * before.subs(t, c) * (first - second)
    yield identity("the node: dell/dc = a(c) (f_0 - f_1)", sp.Derivative(end**2, c), node)
    yield from derivation_holds([("a stacked parameter", FAMILY.shown())])


# ---------------------------------------------------------------- the costate at the nodes


def _across(one: Drawn, paid: bool = False) -> tuple[list[Gap], Check]:
    """The jump of the costate at the first inner node, where, if wished, a cost is paid."""
    node, objective = one.problem.model.nodes[0][1], one.problem.objective
    costs = (*objective.observations, Observation((node,), power(one.problem.model.states[0], 2))) if paid else objective.observations
    problem = replace(one.problem, objective=replace(objective, observations=costs))
    depth = float(evaluate(node, one.values))
    return Seen(one.title, solve_problem(problem, one.values, TIGHT)).across(depth)


def _measure(seed: int) -> Evidence:
    measured, seen = evidence(FAMILY.instances(seed), exchanged, {"field": 1.0}, stream(seed, ID), small_piecewise()), FAMILY.problems(seed)
    gaps, agreed = zip(*map(_across, seen[-SEEN:]), strict=True)
    right = Form((*measured.corrected.gaps, *chain.from_iterable(gaps)))
    jumps = refused("a cost at the node makes the costate jump", Form(tuple(_across(seen[-1], paid=True)[0])))
    return replace(measured, corrected=right, restored=right, extra=(*agreed, jumps))


STACKED_GRADIENT = Claim(
    id=ID,
    title="The gradient with respect to a piece is the function's gradient, integrated over its interval",
    source="Massaroli et al. 2020, Cor. 2",
    printed=(
        "Under the assumptions of Theorem 1, if theta(s) = theta_i for all s in [s_i, s_{i+1}], dell/dtheta_i = - int_{s_{i+1}}^{s_i} "
        "a^T(tau) df_{theta_i}/dtheta_i dtau where a(s) satisfies a'^T(s) = -a^T(s) df_{theta_i}/dz - dell/dz, s in [s_i, s_{i+1}], "
        "a^T(S) = dell/dz(S)"
    ),
    corrected=(
        "dell/dtheta_i = int_{s_i}^{s_{i+1}} (a^T df/dtheta_i + dl/dtheta_i) ds, a continuous at the nodes, the terminal condition only at "
        "S; a node has dell/ds_i = a(s_i)^T (f_{i-1} - f_i) + l_{i-1} - l_i"
    ),
    hypotheses=("f and l are C^1 in the state and in theta on each piece", "costs may contain theta, as the regularizers of Sec. 6 do"),
    prove=_proof,
    measure=_measure,
    shown=FAMILY.shown,
)

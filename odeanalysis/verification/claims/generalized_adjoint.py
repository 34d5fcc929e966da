"""Prop. 1: the gradient with respect to constant parameters."""

from collections.abc import Iterator
from dataclasses import replace

import sympy as sp

from odeanalysis.derivations.solution import evaluate, gradient, solution
from odeanalysis.errors import DerivationError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.verification.claim import Check, Claim, Evidence, within
from odeanalysis.verification.claims.instances import costly_growth
from odeanalysis.verification.measure import CLOSE, FULL, TIGHT, Instance, evidence, instance
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import networks, problems

ID = "generalized-adjoint"
PROBLEMS, NETWORKS = 8, 2
THETA, HALF = 0.7, sp.Rational(1, 2)


def _drawn(seed: int) -> Iterator[Instance]:
    yield costly_growth()
    yield from (instance(one, "p") for one in draw(problems(moving_ends=True), PROBLEMS, stream(seed, ID)))
    for one in draw(networks(), NETWORKS, stream(seed, ID)):
        yield from (instance(one, name) for name in ("W", "V", "U"))


def _stated() -> Iterator[tuple[str, Problem]]:
    yield "z' = theta z, l = theta^2 z^2", costly_growth().problem
    yield from ((one.title, one.problem) for one in draw(problems(moving_ends=True), 2, stream(0, ID)))
    yield from (("a network", one.problem) for one in draw(networks(), 1, stream(0, ID)))


def _closed_forms() -> Iterator[Check]:
    """Models of each class that has a closed form, on which the gradient is known exactly."""
    z, theta = block("z"), block("theta")
    stated = {
        "affine": (theta * z + 1, depth * z),
        "linear": (theta * depth * (z + 2), sp.Integer(0)),
        "separable": (theta * z * (1 - z), sp.Integer(0)),
    }
    for kind, (field, running) in stated.items():
        problem = Problem(Model({z: field}, {z: HALF + theta / 5}, (0, 1), (theta,), name=kind), Objective(theta * z**2, running))
        solved = solution(problem)
        if solved is None:
            raise DerivationError(f"the {kind} model {field} has no closed form any more")
        exact = float(evaluate(solved, gradient(solved)[theta].scalar, {theta: THETA}))
        found = ContinuousAdjoint().gradients(solve_problem(problem, {"theta": THETA}, TIGHT))["theta"]
        yield within(f"gap to the gradient of the closed form, {kind}: z' = {field}", abs(float(found) - exact), CLOSE)


def _measure(seed: int) -> Evidence:
    measured = evidence(_drawn(seed), sabotaged={**FULL, "field": -1.0}, printed={"field": 1.0}, seed=stream(seed, ID))
    return replace(measured, extra=tuple(_closed_forms()))


GENERALIZED_ADJOINT = Claim(
    id=ID,
    title="The generalized adjoint gives the gradient with respect to constant parameters",
    source="Massaroli et al. 2020, Prop. 1",
    printed=(
        "Consider the loss function (2). Then, dell/dtheta = int_S a^T(tau) df_theta/dtheta dtau where a(s) satisfies "
        "a'^T(s) = -a^T df_theta/dz - dl/dz, a^T(S) = dL/dz(S)"
    ),
    corrected="dell/dtheta = dL/dtheta + a(s0)^T dh/dtheta + int_{s0}^{S} (a^T df/dtheta + dl/dtheta) ds",
    hypotheses=(
        "f, l, L and h are C^1 in the state and in theta",
        "the solution exists on all of [s0, S]",
        "costs and the initial value may contain theta, as the regularizers of Sec. 6 do",
    ),
    prove=lambda: derivation_holds(_stated()),
    measure=_measure,
    shown=lambda: costly_growth().problem,
)

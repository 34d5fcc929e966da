"""Prop. 1: the gradient with respect to constant parameters."""

from collections.abc import Iterator

from odeanalysis.modeling.model import Problem
from odeanalysis.verification.claim import Claim, Evidence
from odeanalysis.verification.claims.instances import costly_growth
from odeanalysis.verification.measure import FULL, Instance, evidence, instance
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import networks, problems

ID = "generalized-adjoint"
PROBLEMS, NETWORKS = 8, 2


def _drawn(seed: int) -> Iterator[Instance]:
    yield costly_growth()
    yield from (instance(one, "p") for one in draw(problems(moving_ends=True), PROBLEMS, stream(seed, ID)))
    for one in draw(networks(), NETWORKS, stream(seed, ID)):
        yield from (instance(one, name) for name in ("W", "V", "U"))


def _stated() -> Iterator[tuple[str, Problem]]:
    yield "z' = theta z, l = theta^2 z^2", costly_growth().problem
    yield from ((one.title, one.problem) for one in draw(problems(moving_ends=True), 2, stream(0, ID)))
    yield from (("a network", one.problem) for one in draw(networks(), 1, stream(0, ID)))


def _measure(seed: int) -> Evidence:
    return evidence(_drawn(seed), sabotaged={**FULL, "field": -1.0}, printed={"field": 1.0}, seed=stream(seed, ID))


GENERALIZED_ADJOINT = Claim(
    id=ID,
    title="The generalized adjoint gives the gradient with respect to constant parameters",
    source="Massaroli et al. 2020, Prop. 1",
    printed=(
        "Consider the loss function (2). Then, dl/dtheta = int_S a^T(tau) df_theta/dtheta dtau where a(s) satisfies "
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

"""Prop. 1: the gradient with respect to constant parameters."""

from odeanalysis.verification.claim import Claim, Evidence
from odeanalysis.verification.claims.gradient_proof import derivation_holds
from odeanalysis.verification.claims.instances import costly_growth, network, parameter_everywhere, random
from odeanalysis.verification.measure import FULL, evidence

ID = "generalized-adjoint"


def _proof():
    rng = random(0, ID)
    return derivation_holds(costly_growth(), parameter_everywhere(rng), network(rng, "W"))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    instances = [costly_growth(), parameter_everywhere(rng), network(rng, "W"), network(rng, "U")]
    return evidence(instances, sabotaged={**FULL, "field": -1.0}, printed={"field": 1.0})


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
    prove=_proof,
    measure=_measure,
)

"""The gradient with respect to the data, which reaches the loss through h, f, l and L."""

from odeanalysis.verification.claim import Claim, Evidence
from odeanalysis.verification.claims.gradient_proof import derivation_holds
from odeanalysis.verification.claims.instances import network, random
from odeanalysis.verification.measure import FULL, evidence

ID = "input-gradient"


def _proof():
    return derivation_holds(network(random(0, ID), "x"))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    return evidence([network(rng, "x"), network(rng, "x", kinetic=False)], sabotaged={**FULL, "field": 0.0})


INPUT_GRADIENT = Claim(
    id=ID,
    title="The gradient with respect to the data passes through the field as well as through the initial value",
    source="not printed; needed for data control (eq. 10)",
    printed=None,
    corrected="dell/dx = dL/dx + a(s0)^T dh/dx + int_{s0}^{S} (a^T df/dx + dl/dx) ds",
    hypotheses=("f, l, L and h are C^1 in the state and in x",),
    prove=_proof,
    measure=_measure,
)

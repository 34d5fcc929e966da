"""The gradient with respect to the ends of the domain."""

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.symbolic.functions import sin
from odeanalysis.verification.claim import Claim, Evidence
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.measure import FULL, Instance, evidence, instance
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import FORWARD, Drawn, problems

ID = "end-depth"
DRAWN = 12


def _ends(name: str, start: float, end: float) -> Instance:
    """z' = sin(z) + s with costs that mention the ends, forward and backward."""
    z, first, last = block("z"), block("first"), block("last")
    objective = Objective(terminal=z**2 * depth, running=z**2 / (1 + (last - first) ** 2))
    model = Model({z: sin(z) + depth}, {z: 1 + depth**2}, (first, last), (first, last), name="ends")
    way = "forward" if start < end else "backward"
    return Instance(f"z' = sin z + s, {way}, gradient in {name}", Problem(model, objective), {"first": start, "last": end}, name)


def _drawn(seed: int) -> list[Instance]:
    rng = random(seed, ID)
    start, end = float(rng.uniform(0, 0.3)), float(rng.uniform(0.8, 1.2))
    stated = [_ends(name, *ends) for name in ("first", "last") for ends in ((start, end), (end, start))]
    moving = [one for one in draw(problems(moving_ends=True), DRAWN, stream(seed, ID)) if _moves(one)]
    return stated + [instance(one, "q") for one in moving]


def _moves(drawn: Drawn) -> bool:
    """Whether the ends of a domain depend on q."""
    return set(drawn.problem.model.domain) != set(FORWARD)


def _measure(seed: int) -> Evidence:
    return evidence(_drawn(seed), sabotaged={**FULL, "domain": -1.0})


END_DEPTH = Claim(
    id=ID,
    title="The gradient with respect to the ends is the Hamiltonian there",
    source="not printed; needed for adaptive depth (Sec. 5.2)",
    printed=None,
    corrected=(
        "dell/dS = l(S) + a(S)^T f(S) + dL/ds_end + a(s0)^T dh/dS + int (a^T df/dS + dl/dS) ds; "
        "dell/ds0 = -(l(s0) + a(s0)^T f(s0)) + a(s0)^T dh/ds0 + dL/ds0 + int (a^T df/ds0 + dl/ds0) ds"
    ),
    hypotheses=("f and l are continuous at the ends", "the domain may run backward; integrals are signed"),
    prove=lambda: derivation_holds([("ends that costs mention", _ends("last", 0.1, 1.0).problem)]),
    measure=_measure,
    shown=lambda: _ends("last", 0.1, 1.0).problem,
)

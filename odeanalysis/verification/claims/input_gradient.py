"""The gradient with respect to the data, which reaches the loss through h, f, l and L."""

from collections.abc import Iterator

from odeanalysis.modeling.model import Problem
from odeanalysis.verification.claim import Claim
from odeanalysis.verification.measure import FULL, Instance, evidence, instance
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import SIGNAL, Drawn, networks, problems

ID = "input-gradient"
PROBLEMS, NETWORKS = 8, 2


def _drawn(seed: int) -> Iterator[Instance]:
    for one in (*draw(networks(), NETWORKS, stream(seed, ID)), *draw(problems(), PROBLEMS, stream(seed, ID))):
        yield from (instance(one, name) for name in ("x", SIGNAL.name) if name in one.values)


def _network() -> Drawn:
    return draw(networks(), 1, stream(0, ID))[0]


def _stated() -> Iterator[tuple[str, Problem]]:
    yield "a network", _network().problem
    yield from ((one.title, one.problem) for one in draw(problems(), 2, stream(0, ID)))


INPUT_GRADIENT = Claim(
    id=ID,
    title="The gradient with respect to the data passes through the field as well as through the initial value",
    source="not printed; needed for data control (eq. 10)",
    printed=None,
    corrected="dell/dx = dL/dx + a(s0)^T dh/dx + int_{s0}^{S} (a^T df/dx + dl/dx) ds",
    hypotheses=("f, l, L and h are C^1 in the state and in x",),
    prove=lambda: derivation_holds(_stated()),
    measure=lambda seed: evidence(_drawn(seed), sabotaged={**FULL, "field": 0.0}),
    shown=lambda: _network().problem,
)

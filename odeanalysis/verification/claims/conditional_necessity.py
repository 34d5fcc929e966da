"""Fig. 4: exchanging two normal distributions needs a flow that sees the data, as a coupling; as a density of the mixture it does not."""

from collections.abc import Iterator

import numpy as np
import sympy as sp
from scipy.stats import norm

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.conditional import Conditioned, backward
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.flows import CONSTANT, VARYING, Flow, flows

ID = "conditional-necessity"
DRAWN = 5
MEDIANS = np.array([[-1.0], [1.0]])
SPREAD = 0.5
GRID = np.linspace(-3, 3, 61)
CLOSE = 1e-9
Z, C, P, Q = (ex.block(name) for name in ("z", "c", "p", "q"))


def exchange(speed: float, direction: str = "forward") -> Conditioned:
    """z' = speed c, which starts at its sample c; forward from z(0) = c, or in the paper's direction, back from z(1) = c."""
    model = Model({Z: P * C}, {Z: C}, (0, 1), (P, Q), (C,), name="exchange")
    one = Conditioned(f"z' = {speed:g} z_S", model, {"p": speed, "q": 0.0})
    return one if direction == "forward" else backward(one)


def _proof() -> Iterator[Step]:
    s, c, m = sp.symbols("s c m", real=True)
    sigma = sp.Symbol("sigma", positive=True)
    path = c - 2 * c * s
    yield identity("z' = -2 z_S forward from z(0) = z_S", sp.Derivative(path, s), -2 * c)
    yield identity("ends at -z_S", sp.Subs(path, s, 1), -c)
    back = c + 2 * c * (s - 1)
    yield identity("z' = 2 z_S back from z(1) = z_S", sp.Derivative(back, s), 2 * c)
    yield identity("ends at -z_S, too", sp.Subs(back, s, 0), -c)

    def normal(x, mean):
        return sp.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * sp.sqrt(2 * sp.pi))

    yield identity("-z_S of N(m, sigma^2) is N(-m, sigma^2)", normal(-c, m), normal(c, -m))
    yield identity("an increasing map from N(-1, .) to N(1, .) of equal variance keeps quantiles: x + 2", normal(c + 2, 1), normal(c, -1))
    yield identity("from N(1, .) to N(-1, .) it is x - 2", normal(c - 2, -1), normal(c, 1))
    mixture = normal(c, 1) + normal(c, -1)
    yield identity("the mixture of equal weights is its own mirror image: the identity fits it", sp.Subs(mixture, c, -c), mixture)


def misses(one: Flow) -> dict[str, float]:
    """How far the medians of the two pushed distributions stay from those wanted: max of abs(phi(-1) - 1), abs(phi(1) + 1)."""
    return {way: float(np.max(np.abs(by(one, MEDIANS)[:, 0] + MEDIANS))) for way, by in WAYS.items()}


def _floor(drawn: list[Flow]) -> list[Gap]:
    """phi is increasing, so that one of the two medians is missed by 1 at least: by how much less it is missed."""
    title = "one median missed by 1 or more"
    return [Gap(f"{title}, {one.title}", way, max(0.0, 1 - miss), CLOSE) for one in drawn for way, miss in misses(one).items()]


def mapped(one: Conditioned) -> dict[str, Array]:
    """Both distributions' quantiles, carried along: [2, N]."""
    quantiles = MEDIANS + SPREAD * norm.ppf(np.linspace(0.01, 0.99, 15))
    return {way: by(quantiles.ravel()).reshape(quantiles.shape) for way, by in {"solver": one.ends, "SciPy": one.by_scipy}.items()}


def _coupled(title: str, one: Conditioned) -> list[Gap]:
    """The quantiles of N(-1, .) end among those of N(1, .), and those of N(1, .) among those of N(-1, .)."""
    wanted = -MEDIANS + SPREAD * norm.ppf(np.linspace(0.01, 0.99, 15))
    return [Gap(title, way, float(np.max(np.abs(np.sort(found, axis=1) - wanted))), CLOSE) for way, found in mapped(one).items()]


def _mixture() -> list[Gap]:
    """The print read as one on densities: no unconditional flow brings the mixture to the exchanged mixture. The identity does."""
    still = Model({Z: 0}, {Z: C}, (0, 1), (), (C,), name="still")
    ends = {"solver": solve_problem(Problem(still, Objective()), {"c": GRID}).final["z"], "closed form": GRID}
    before, after = (norm.cdf(GRID, mean, SPREAD) for mean in (-1, 1))
    title = "the mixture's distribution cannot be reached by the identity"
    return [Gap(title, way, 1 - float(np.max(np.abs((before + after) / 2 - _mixed(found)))), CLOSE) for way, found in ends.items()]


def _mixed(x: Array) -> Array:
    """The distribution function of the exchanged mixture."""
    return (norm.cdf(x, 1, SPREAD) + norm.cdf(x, -1, SPREAD)) / 2


def _unequal() -> Iterator[Check]:
    """With spreads 1/2 and 1/4 the map -z_S keeps the wrong one: it misses the wanted quantiles by the difference of the spreads."""
    found = exchange(-2).by_scipy(np.array([-1 + SPREAD]))[0]
    yield within(
        "with spreads 1/2 and 1/4, -z_S misses by their difference: what is left of it", abs(abs(found - (1 - 0.25)) - 0.25), CLOSE
    )


def _figure() -> Figure:
    """The paths of z' = -2 z_S, which cross."""
    s = np.linspace(0, 1, 20)
    starts = (-1.4, -1.0, -0.6, 0.6, 1.0, 1.4)
    return Figure("Paths of z' = -2 z_S", "s", "z", tuple(line(f"z_S = {c:g}", s, c - 2 * c * s) for c in starts))


def _measure(seed: int) -> Evidence:
    drawn = draw(flows(1, (CONSTANT, *VARYING)), DRAWN, stream(seed, ID))
    right = Form(
        (
            *_floor(drawn),
            *_coupled("z' = -2 z_S, forward", exchange(-2)),
            *_coupled("z' = 2 z_S, back from z(1) = z_S", exchange(2, "backward")),
        )
    )
    wrong = Form(tuple(_coupled("z' = -2 z_S, back from z(1) = z_S", exchange(-2, "backward"))))
    return Evidence(
        right,
        wrong,
        printed=Form((*_floor(drawn), *_mixture())),
        restored=Form(tuple(_floor(drawn))),
        counterexample={
            "prior": "1/2 N(-1, 1/4) + 1/2 N(1, 1/4)",
            "target": "1/2 N(1, 1/4) + 1/2 N(-1, 1/4), the same density",
            "field": "z' = 0, an unconditional flow",
            "largest distance of the distribution functions": {gap.way: 1 - gap.measured for gap in _mixture()},
        },
        extra=tuple(_unequal()),
        figures=(_figure(),),
    )


CONDITIONAL_NECESSITY = Claim(
    id=ID,
    title="Exchanging two normal distributions is inaccessible to an unconditional flow",
    source="Massaroli et al. 2020, Sec. 5.1 and Fig. 4",
    printed="This task is inaccessible to standard CNFs as it requires crossing flows in z.",
    corrected=(
        "as a coupling: no increasing map takes N(-1, .) to N(1, .) and N(1, .) to N(-1, .), and one median is missed by 1 at least; a "
        "field that sees z_S does it exactly (z' = -2 z_S forward, z' = 2 z_S back from z(1) = z_S); the density of the mixture is fitted "
        "by the identity"
    ),
    hypotheses=("samples keep their label: the task is a coupling", "equal variances, and for the mixture equal weights"),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "order preservation of scalar flows",
            "Picard-Lindelof",
            "phi(-1) < phi(1), so that abs(phi(-1) - 1) < 1 and abs(phi(1) + 1) < 1 exclude each other; checked on drawn flows",
        ),
    ),
    shown=lambda: Problem(exchange(-2).model, Objective(terminal=(Z + C) ** 2)),
)

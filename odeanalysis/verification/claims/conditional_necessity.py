"""Fig. 4: exchanging two normal distributions needs a flow that sees the data, as a coupling; as a density of the mixture it does not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from scipy.stats import norm

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, refused, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.conditional import Conditioned, backward
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.exact_flows import pulled
from odeanalysis.verification.strategies.flows import CONSTANT, VARYING, Flow, flows

ID = "conditional-necessity"
DRAWN = 5
GRID = np.linspace(-4, 4, 33)
CLOSE = 1e-9
FITTED = 1e-3  # distribution functions that are nearer than this count as one
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


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True)
class Task:
    """N(-mean, spread^2) is to become N(mean, spread^2), and the other way round; weight: of the first in the mixture."""

    mean: float = 1.0
    spread: float = 0.5
    weight: float = 0.5

    def __str__(self) -> str:
        return f"N({-self.mean:g}, {self.spread:g}^2) and N({self.mean:g}, {self.spread:g}^2)"

    @property
    def medians(self) -> Array:
        return np.array([[-self.mean], [self.mean]])

    @property
    def quantiles(self) -> Array:
        """Of both distributions: [2, N]."""
        return self.medians + self.spread * norm.ppf(np.linspace(0.01, 0.99, 15))

    def below(self, x: Array) -> Array:
        """The distribution function of the mixture before the exchange; after it, that of the opposite weights."""
        parts = norm.cdf(x, -self.mean, self.spread), norm.cdf(x, self.mean, self.spread)
        return self.weight * parts[0] + (1 - self.weight) * parts[1]


def tasks() -> st.SearchStrategy[Task]:
    """Means and spreads, in the equal weights for which the mixture does not change."""
    return st.builds(Task, st.sampled_from((1.0, 0.5, 1.5, 2.0)), st.sampled_from((0.5, 0.25, 1.0)))


def misses(one: Flow, task: Task) -> dict[str, float]:
    """How far the medians of the two pushed distributions stay from those wanted, the larger of both, in units of the mean."""
    return {way: float(np.max(np.abs(by(one, task.medians)[:, 0] + task.medians))) / task.mean for way, by in WAYS.items()}


def _floor(one: Flow, task: Task) -> list[Gap]:
    """phi is increasing, so that one of the two medians is missed by the mean at least: by how much less it is missed."""
    title = f"one median of {task} is missed by the mean or more, {one.title}"
    return [Gap(title, way, max(0.0, 1 - miss), CLOSE) for way, miss in misses(one, task).items()]


def mapped(one: Conditioned, task: Task) -> dict[str, Array]:
    """Both distributions' quantiles, carried along: [2, N]."""
    quantiles = task.quantiles
    return {way: by(quantiles.ravel()).reshape(quantiles.shape) for way, by in {"solver": one.ends, "SciPy": one.by_scipy}.items()}


def _coupled(one: Conditioned, task: Task) -> list[Gap]:
    """The quantiles of N(-m, .) end among those of N(m, .), and those of N(m, .) among those of N(-m, .)."""
    title, wanted = f"{one.title} exchanges {task}", task.quantiles[::-1]
    return [Gap(title, way, float(np.max(np.abs(np.sort(found, axis=1) - wanted))), CLOSE) for way, found in mapped(one, task).items()]


# ---------------------------------------------------------------- the mixture


def unconditional() -> st.SearchStrategy[tuple[int, int]]:
    """a and b of z' = a z + b."""
    return st.tuples(st.integers(-2, 2), st.integers(-2, 2))


def affine(a: int, b: int) -> Flow:
    """z' = a z + b, z(0) = x."""
    z, x = ex.block("z", 1), ex.block("x", 1)
    field = ex.concat(ex.add(ex.mul(a, z[0]), b))
    return Flow(f"z' = {ex.add(ex.mul(a, Z), b)}", Model({z: field}, {z: x}, (0, 1), (), (x,), name="affine"), {}, float(abs(a)))


def distances(one: Flow, task: Task) -> dict[str, float]:
    """sup over x of abs(F(x) - G(phi(x))) for an increasing phi, F before the exchange and G after it: 0 where phi fits the density."""
    after = Task(task.mean, task.spread, 1 - task.weight)
    return {way: float(np.max(np.abs(task.below(GRID) - after.below(by(one, GRID[:, None])[:, 0, 0])))) for way, by in WAYS.items()}


def _mixture(one: Flow, task: Task) -> list[Gap]:
    """The print read as one on densities: no unconditional flow fits the exchanged mixture. By how much of FITTED one comes closer."""
    title = f"the exchanged mixture of {task} is out of reach, {one.title}"
    return [Gap(title, way, max(0.0, 1 - distance / FITTED), CLOSE) for way, distance in distances(one, task).items()]


def _counterexample(seed: int) -> dict[str, object] | None:
    """The simplest unconditional flow, and means and spread, for which the exchanged mixture is fitted."""
    found = smallest(st.tuples(unconditional(), tasks()), lambda one: Form(tuple(_mixture(affine(*one[0]), one[1]))).fails, seed)
    if found is None:
        return None
    one, task = affine(*found[0]), found[1]
    return {
        "prior": f"{task} in equal parts",
        "target": "the same with both exchanged, which is the same density",
        "field": f"{one.title}, an unconditional flow",
        "largest distance of the distribution functions": distances(one, task),
    }


# ---------------------------------------------------------------- what the hypotheses are for


def _needed(task: Task) -> Iterator[Check]:
    """Without equal weights the flow at rest fits no longer, and without equal spreads -z_S misses the quantiles by their difference."""
    known = float(2 * norm.cdf(task.mean / task.spread) - 1) / 3
    for way, distance in distances(affine(0, 0), Task(task.mean, task.spread, 1 / 3)).items():
        title = f"with weights 1/3 and 2/3 of {task}, z' = 0 misses by {known:.3f} at 0: what is left of it, {way}"
        yield within(title, abs(distance - known), CLOSE)
    for way, found in {"solver": exchange(-2).ends, "SciPy": exchange(-2).by_scipy}.items():
        missed = found(np.array([-task.mean + task.spread]))[0] - (task.mean - task.spread / 2)
        title = f"with spreads of {task.spread:g} and half of it, -z_S misses by their difference: what is left of it, {way}"
        yield within(title, abs(abs(missed) - task.spread / 2), CLOSE)


def _sharp(task: Task) -> Iterator[Check]:
    """z' = -8 z brings both medians to 0 nearly, where each is missed by the mean."""
    for way, miss in misses(affine(-8, 0), task).items():
        yield within(f"the floor is sharp: the distance of z' = -8 z over the mean of {task}, {way}", miss, 1.001)


def _figure() -> Figure:
    """The paths of z' = -2 z_S, which cross."""
    s = np.linspace(0, 1, 20)
    starts = (-1.4, -1.0, -0.6, 0.6, 1.0, 1.4)
    return Figure("Paths of z' = -2 z_S", "s", "z", tuple(line(f"z_S = {c:g}", s, c - 2 * c * s) for c in starts))


def _measure(seed: int) -> Evidence:
    drawn, wanted = draw(flows(1, (CONSTANT, *VARYING)), DRAWN, stream(seed, ID)), draw(tasks(), DRAWN, stream(seed, ID))
    pairs = [*zip(drawn, wanted, strict=True)]
    floor = [gap for pair in pairs for gap in _floor(*pair)]
    exact = [gap for task in wanted[-2:] for one in (exchange(-2), exchange(2, "backward")) for gap in _coupled(one, task)]
    crossing, wrong_way = (_floor(pulled(1, 0, 2), wanted[-1]), _coupled(exchange(-2, "backward"), wanted[-1]))
    return Evidence(
        Form((*floor, *exact)),
        Form((*wrong_way, *crossing)),
        printed=Form((*floor, *(gap for pair in (*pairs[-2:], (affine(0, 0), wanted[-1])) for gap in _mixture(*pair)))),
        restored=Form(tuple(floor)),
        counterexample=_counterexample(stream(seed, ID)),
        extra=(
            refused("the floor is refused where the field sees x", Form(tuple(crossing))),
            refused("the wrong direction is refused", Form(tuple(wrong_way))),
            *_needed(wanted[-1]),
            *_sharp(wanted[-1]),
        ),
        figures=(_figure(),),
    )


CONDITIONAL_NECESSITY = Claim(
    id=ID,
    title="Exchanging two normal distributions is inaccessible to an unconditional flow",
    source="Massaroli et al. 2020, Sec. 5.1 and Fig. 4",
    printed="This task is inaccessible to standard CNFs as it requires crossing flows in z.",
    corrected=(
        "as a coupling: no increasing map takes N(-m, .) to N(m, .) and N(m, .) to N(-m, .), and one median is missed by m at least; a "
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
            "phi(-m) < phi(m), so that abs(phi(-m) - m) < m and abs(phi(m) + m) < m exclude each other; checked on drawn flows",
        ),
    ),
    shown=lambda: Problem(exchange(-2).model, Objective(terminal=(Z + C) ** 2)),
)

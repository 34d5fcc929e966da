"""Sec. 3: fields that vary with depth reach maps that no autonomous field reaches, such as diag(-1, -2)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from scipy.linalg import expm

from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Sentence, Theorem, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS, by_solver
from odeanalysis.verification.proof import Step, fact, half_turn, identity, linear_flow, positive
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import J, stacked_linear
from odeanalysis.verification.strategies.flows import CONSTANT, VARYING, flows

ID = "depth-variance"
REACHED, AUTONOMOUS = 3, 3
CLOSE = 1e-9
AGREES = 1e-9
APART = 1e-3
NODES = (0, sp.Rational(1, 2), 1)
UNIT = np.eye(2)


# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    yield from _reached()
    yield from _not_by_autonomous_fields()
    yield from _floor_of_linear_fields()


def _reached() -> Iterator[Step]:
    s, a, b = sp.symbols("s a b", positive=True)
    yield from half_turn(s)
    yield from linear_flow("a stretch", s, sp.diag(a**s, b**s), sp.diag(sp.log(a), sp.log(b)), sp.diag(a, b))
    yield identity("one after the other", sp.MatMul(sp.diag(a, b), -sp.eye(2)), sp.diag(-a, -b))


def _not_by_autonomous_fields() -> Iterator[Step]:
    """If phi_1 = diag(-1, -2) for an autonomous field with unique solutions, two of its paths would meet."""
    target, first = sp.diag(-1, -2), sp.Matrix([1, 0])
    yield fact("phi_1 fixes 0 alone; it fixes phi_t(0) too, for phi_1 phi_t = phi_t phi_1: so 0 rests", _fixed(target) == [])
    yield identity("phi_2 = phi_1 phi_1", sp.MatPow(target, 2), sp.diag(1, 4))
    yield fact("phi_2 fixes the x-axis alone, which each phi_t therefore maps into itself", _fixed(target**2) == [first])
    yield identity("so that the path of (1, 0) goes along it to (-1, 0)", sp.MatMul(target, first), -first)
    ends = first[0] * (target * first)[0]
    yield fact("and on its way through 0, which rests: two solutions through one point", ends < 0, r"1 \cdot (-1) < 0")


def _fixed(matrix: sp.Matrix) -> list[sp.Matrix]:
    """A basis of the fixed points of a linear map."""
    return (matrix - sp.eye(2)).nullspace()


def _floor_of_linear_fields() -> Iterator[Step]:
    """Linear autonomous fields stay (b - a)/2 away from diag(-a, -b) in the Frobenius norm, for 0 < a < b: two cases of exp(A)."""
    p, r, omega, k, upper, lower = sp.symbols("p r omega k u l", real=True)
    N = sp.Matrix([[k, upper], [lower, -k]])
    yield identity("A = p + N with N^2 = q, and q is a real number", sp.MatPow(N, 2), (k**2 + upper * lower) * sp.eye(2))
    trace = 2 * sp.exp(p) * sp.cosh(r).rewrite(sp.exp)
    yield positive("q = r^2: exp(A) = e^p (cosh r + N sinh r / r) has a trace above 0", trace)
    turned = sp.exp(p) * (sp.cos(omega) * sp.eye(2) + sp.sin(omega) / omega * N.subs(lower, -(k**2 + omega**2) / upper))
    yield identity(
        "q = -omega^2: exp(A) = e^p (cos omega + N sin omega / omega) has the discriminant tr^2 - 4 det <= 0",
        turned.trace() ** 2 - 4 * turned.det(),
        -4 * sp.exp(2 * p) * sp.sin(omega) ** 2,
    )
    yield from _distances()


def _distances() -> Iterator[Step]:
    a, b = sp.symbols("a b", positive=True)
    E: Any = sp.Matrix(2, 2, sp.symbols("E_11 E_12 E_21 E_22", real=True))
    M, squared = sp.diag(-a, -b) + E, sp.Add(*(entry**2 for entry in E))
    discriminant = M.trace() ** 2 - 4 * M.det()
    squares = E.trace() ** 2 / 2 + (E[0, 1] + E[1, 0]) ** 2 + (E[0, 0] - E[1, 1] + (b - a) / 2) ** 2
    yield identity(
        "M = diag(-a, -b) + E: |E|^2 is (b - a)^2/4 and squares, less half the discriminant of M",
        squared,
        (b - a) ** 2 / 4 + squares - discriminant / 2,
    )
    yield identity(
        "and it is (a + b + tr M)^2/2 and squares, which is above (a + b)^2/2 where tr M > 0",
        squared,
        (a + b + M.trace()) ** 2 / 2 + (E[0, 0] - E[1, 1]) ** 2 / 2 + E[0, 1] ** 2 + E[1, 0] ** 2,
    )
    yield positive("and so above (b - a)^2/4", (a + b) ** 2 / 2 - (b - a) ** 2 / 4)


# ---------------------------------------------------------------- measurement


def targets() -> st.SearchStrategy[tuple[float, float]]:
    """0 < a < b of diag(-a, -b)."""
    return st.tuples(st.integers(2, 15), st.integers(3, 15)).map(lambda pair: (pair[0] / 10, (pair[0] + pair[1]) / 10))


def generators(a: float, b: float) -> np.ndarray:
    """Half a turn over the first half of the depth, then a stretch: [2, 2, 2]."""
    return np.array([2 * np.pi * J, np.diag([2 * np.log(a), 2 * np.log(b)])])


def averaged(a: float, b: float) -> np.ndarray:
    """The same weights without variance: their mean over depth, [1, 2, 2]."""
    return generators(a, b).mean(axis=0, keepdims=True)


def _maps(title: str, pieces: np.ndarray, nodes: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """The matrix of a linear flow: column by column from the unit vectors, and as a product of exponentials."""
    flow = stacked_linear(title, pieces, nodes)
    found = {way: solve(flow, UNIT)[:, 0].T for way, solve in WAYS.items()}
    lengths = np.diff(np.array(nodes, dtype=float))
    product = np.linalg.multi_dot([expm(h * A) for h, A in zip(lengths[::-1], pieces[::-1], strict=True)] + [UNIT])
    return {**found, "exponentials": product}


def _reaching(pairs: list[tuple[float, float]], pieces: Callable[[float, float], np.ndarray], nodes: tuple[Any, ...]) -> Form:
    """The distance of a stacked flow from diag(-a, -b)."""
    found = []
    for a, b in pairs:
        title = f"diag({-a:g}, {-b:g}) by pieces over {', '.join(map(str, nodes))}"
        found += [Gap(title, way, _distance(M, a, b), CLOSE) for way, M in _maps(title, pieces(a, b), nodes).items()]
    return Form(tuple(found))


def _composing(seed: int) -> list[Gap]:
    """Two drawn pieces one after the other, in the order of depth, against the product of their exponentials."""
    pieces, title = random(seed, ID).normal(size=(2, 2, 2)), "two drawn pieces, one after the other"
    maps = _maps(title, pieces, NODES)
    return [Gap(title, way, float(np.linalg.norm(maps[way] - maps["exponentials"])), CLOSE) for way in WAYS]


def _distance(M: np.ndarray, a: float, b: float) -> float:
    return float(np.linalg.norm(M - np.diag([-a, -b])))


@st.composite
def autonomous(draw: st.DrawFn) -> np.ndarray:
    """A generator [1, 2, 2], often near the best: half a turn with a stretch."""
    near, seed = draw(st.sampled_from((1.0, 0.3, 0.05))), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    best = np.pi * J + np.diag(rng.uniform(-0.5, 0.5, size=2))
    return (best + near * rng.standard_normal((2, 2)))[None]


def _refused(pairs: list[tuple[float, float]], drawn: list[np.ndarray]) -> list[Gap]:
    """(b - a)/2 over the distance of an autonomous flow, less 1 where that is above 0."""
    found = []
    for i, ((a, b), A) in enumerate(zip(pairs, drawn, strict=True)):
        title = f"autonomous linear field {i} stays (b - a)/2 from diag({-a:g}, {-b:g})"
        maps = _maps(title, A, (0, 1))
        found += [Gap(title, way, max(0.0, (b - a) / 2 / _distance(M, a, b) - 1), CLOSE) for way, M in maps.items()]
    return found


def _sharp() -> Check:
    """exp(A) = e^p (cos w + N sin w), N^2 = -1, comes as near as wished to [[-5, 1], [-1, -7]]/4, at 1/2 from diag(-1, -2)."""
    size = 0.01
    k, p, w = 0.25 / size, np.log(np.hypot(1.5, size)), np.pi - np.arctan2(size, 1.5)
    A = p * UNIT + w * np.array([[k, k], [-k - 1 / k, -k]])
    return within("the floor of diag(-1, -2) is sharp: the distance of an exp(A) over 1/2", 2 * _distance(expm(A), 1, 2), 1.01)


def _commuting(seed: int) -> Iterator[Check]:
    """phi_1 phi_t = phi_t phi_1 for autonomous fields, on which the proof rests; not so where the field varies with depth."""
    x, t = np.array([[1.0, 0.0], [-0.5, 1.2]]), 0.4

    def gap(flow: Any) -> float:
        once, part = by_solver(flow, x)[:, 0], by_solver(flow, x, (t,))[:, 0]
        return float(np.max(np.abs(by_solver(flow, part)[:, 0] - by_solver(flow, once, (t,))[:, 0])))

    for flow in draw(flows(2, (CONSTANT,)), AUTONOMOUS, stream(seed, ID)):
        yield within(f"phi_1 phi_t = phi_t phi_1, {flow.title}", gap(flow), AGREES)
    (varying,) = draw(flows(2, VARYING), 1, stream(seed, ID))
    yield within(f"and not for a field that varies with depth, {varying.title}: {APART:g} over the gap", APART / gap(varying), 1.0)


def _figures() -> tuple[Figure, ...]:
    """The unit circle and its image, and the paths of the unit vectors."""
    flow = stacked_linear("diag(-1, -2)", generators(1, 2), NODES)
    angle, depths = np.linspace(0, 2 * np.pi, 73), np.linspace(0, 1, 61)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circles = line("circle", *circle.T), line("its image", *by_solver(flow, circle)[:, 0].T)
    paths = [line(f"path of {name}", *path.T) for name, path in zip(("(1, 0)", "(0, 1)"), by_solver(flow, UNIT, depths), strict=True)]
    return (Figure("Two pieces reach diag(-1, -2): half a turn, then a stretch", "z1", "z2", (*circles, *paths)),)


def _measure(seed: int) -> Evidence:
    pairs = [(1.0, 2.0), *draw(targets(), REACHED, stream(seed, ID))]
    reached = _reaching(pairs, generators, NODES)
    refused = _refused(pairs, draw(autonomous(), len(pairs), stream(seed, ID)))
    right = Form((*reached.gaps, *_composing(seed), *refused))
    return Evidence(
        corrected=right,
        sabotaged=_reaching(pairs, averaged, (0, 1)),
        extra=(_sharp(), *_commuting(seed)),
        figures=_figures(),
        beside=(expressivity(reached, refused),),
    )


def expressivity(reached: Form, refused: list[Gap]) -> Sentence:
    """The sentence on expressivity, read as one on maps."""
    return Sentence(
        printed=(
            "Depth-variance brings Neural ODEs closer to the ideal continuum of neural network layers with untied weights, enhancing their "
            "expressivity."
        ),
        meant="some linear maps are reached by a stacked field, and by no autonomous linear field",
        instead="diag(-a, -b), 0 < a < b, is reached in two pieces; autonomous linear fields stay (b - a)/2 away from it",
        form=Form((*reached.gaps, *refused)),
        example=None,
    )


def _shown() -> Problem:
    """z' = A(s) z in two pieces, and the distance of its map from diag(-1, -2): |z + diag(1, 2) x|^2."""
    model = stacked_linear("diag(-1, -2)", generators(1, 2), NODES).model
    (z,), (x,) = model.states, model.inputs
    missed = ex.add(z, ex.concat(ex.index(x, 0), ex.mul(2, ex.index(x, 1))))
    return Problem(model, Objective(terminal=ex.sumsq(missed)))


DEPTH_VARIANCE = Claim(
    id=ID,
    title="Fields that vary with depth reach more maps",
    source="Massaroli et al. 2020, Sec. 3",
    printed=None,
    corrected=(
        "diag(-1, -2) = exp(diag(0, ln 2)) exp(pi J) in two stacked pieces, but it is the time-1 map of no autonomous field with unique "
        "solutions; autonomous linear fields stay (b - a)/2 away from diag(-a, -b), 0 < a < b, in the Frobenius norm"
    ),
    hypotheses=("h_x and h_y are the identity, n_z = n_x", "solutions of the autonomous field are unique"),
    prove=_proof,
    measure=_measure,
    shown=_shown,
    rests_on=(
        Theorem(
            "Autonomous fields with unique solutions have flows that commute: phi_1 phi_t = phi_t phi_1",
            "Hirsch, Smale and Devaney 2013, ch. 7",
            "measured on drawn autonomous networks; a field that varies with depth violates it",
        ),
        Theorem(
            "Intermediate values: a path on a line from 1 to -1 passes through 0",
            "Bolzano 1817",
            "the signs at its ends are a step of the proof",
        ),
    ),
)

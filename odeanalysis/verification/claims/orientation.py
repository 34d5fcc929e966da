"""Sec. 5: depth-varying fields solve neither reflections in odd dimensions nor annuli in any; their flows keep orientation and openness."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.transforms import flow
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS, by_scipy
from odeanalysis.verification.flows.sphere_maps import (
    Values,
    annulus_values,
    det_by_divergence,
    dets,
    ends,
    kept_direction,
    reflection_error,
    reflection_errors,
)
from odeanalysis.verification.flows.spheres import MESHES, degree
from odeanalysis.verification.proof import Step, half_turn, identity, kept_orientation, positive
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.exact_flows import pulled, swept, turning
from odeanalysis.verification.strategies.flows import SPECTRAL, Flow, flows, network

ID = "orientation"
DRAWN, POINTS, READ_OUTS = 2, 2, 2
DISC, RING, RADII = 0.5, 1.5, (0.25, 0.5, 1.0, 2.0)
CLOSE = 1e-9
SOLVED = 1e-3  # an error below this share of the radius is a reflection, an overlap below this share of the spread a separation
CONTRACTION = 4.0
FIRST = np.array([1.0, 0.0])

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    yield from _determinant()
    yield from _reflection()
    for n in (2, 3):
        D = _matrix("d", n)
        title = f"an extremum of w^T phi inside the sphere has D^T w = 0, hence det(D) w = 0 and w = 0, in R^{n}"
        yield identity(title, sp.MatMul(D.T.adjugate(), D.T), D.det() * sp.eye(n))


def _matrix(name: str, n: int) -> Any:
    return sp.Matrix(n, n, sp.symbols(f"{name}_1:{n * n + 1}", real=True))


def _determinant() -> Iterator[Step]:
    yield from kept_orientation(2, 3)
    yield identity("but the reflection of R^3 has the determinant", sp.Determinant(-sp.eye(3)), -1)


def _reflection() -> Iterator[Step]:
    t, x, phi = sp.symbols("t x phi", real=True)
    c, R, k = sp.symbols("c R k", positive=True)
    yield identity(
        "the segment from phi to -x avoids 0 where |phi + x| < |x|, so that phi would have the degree of -x, which is -1 for odd n",
        (1 - t) * phi + t * (-x),
        -x + (1 - t) * (phi + x),
    )
    yield identity("where it meets 0, phi keeps a direction: phi = c x with c = t/(1 - t)", sp.Add(c * x, x, evaluate=False), (1 + c) * x)
    yield positive("there |phi + x| = (1 + c) R is above R", (1 + c) * R - R)
    yield identity("the floor R is sharp: half a turn and a contraction", sp.Limit((1 + sp.exp(-k)) * R, k, sp.oo), R)
    yield from half_turn(sp.Symbol("s", real=True))


# ---------------------------------------------------------------- measurement


def _determinants(one: Flow, x: np.ndarray) -> list[Gap]:
    known, title = det_by_divergence(one, x), f"det D phi = exp int div f, {one.title}"
    return [Gap(title, way, float(np.max(np.abs(found / known - 1))), CLOSE) for way, found in dets(one, x).items()]


@dataclass(frozen=True)
class Seen:
    """What a flow does to the unit sphere, and to the read-outs on disc and ring, by each way."""

    flow: Flow
    error: dict[str, float]
    read_outs: list[dict[str, Values]]

    def floor(self) -> list[Gap]:
        """sup |phi(x) + x| over |x| = R stays above R: by how much of R it falls below."""
        title = f"|phi(x) + x| reaches |x|, {self.flow.title}"
        return [Gap(title, way, max(0.0, 1 - error), CLOSE) for way, error in self.error.items()]

    def between(self) -> list[Gap]:
        """Values on the disc lie between the extremes on the sphere: by how much of those they lie beyond."""
        title = f"values on the disc between those on the sphere, {self.flow.title}"
        return [
            Gap(f"{title}, read-out {i}", way, values.outside, CLOSE)
            for i, found in enumerate(self.read_outs)
            for way, values in found.items()
        ]


def _seen(one: Flow, read_outs: Iterable[np.ndarray]) -> Seen:
    return Seen(one, reflection_error(one), annulus_values(one, read_outs, DISC, RING))


def _reflected(n: int, models: list[Seen]) -> list[Gap]:
    """The print for reflections: some model comes as near as wished; the best of those tried."""
    title = f"reflection of R^{n}, best of {len(models)}"
    return [Gap(title, way, min(one.error[way] for one in models), SOLVED) for way in WAYS]


def _separated(n: int, models: list[Seen]) -> list[Gap]:
    """The print for annuli: some threshold parts disc and ring; the best of those tried."""
    found = [values for one in models for values in one.read_outs]
    return [Gap(f"annuli of R^{n}, best of {len(found)}", way, min(values[way].overlap for values in found), SOLVED) for way in WAYS]


def _half_turn(n: int) -> Seen:
    return _seen(turning(n, CONTRACTION), np.eye(n)[:1])


# ---------------------------------------------------------------- theorems from outside


def _consequences(one: Flow) -> Iterator[Check]:
    """Degree and injectivity of a drawn flow; in odd dimensions the direction that it keeps."""
    n = one.dimension
    mesh = MESHES[n]
    images = ends(one, mesh.points)
    around = degree(images, mesh.faces, ends(one, np.zeros((1, n)))[0])
    yield within(f"degree of phi about phi(0) on the sphere, distance from 1: {one.title}", abs(around - 1), CLOSE)
    back = ends(replace(one, model=one.model.with_(domain=(1, 0))), images)
    yield within(f"injective: phi run backward returns, {one.title}", float(np.max(np.abs(back - mesh.points))), CLOSE)
    if n % 2:
        x, c = kept_direction(one)
        missed = float(np.max(np.abs(by_scipy(one, x[None])[0, 0] - c * x)))
        yield within(f"a direction that phi keeps, phi(x) = {c:.3f} x, SciPy: {one.title}", missed if c >= 0 else np.inf, CLOSE)


def _reversing() -> Iterator[Check]:
    for n, mesh in MESHES.items():
        turned = degree(-mesh.points, mesh.faces, np.zeros(n))
        yield within(f"degree of -x in R^{n}, distance from (-1)^{n}", abs(turned - (-1) ** n), CLOSE)
    sharp = _half_turn(3).error["solver"]
    yield within("the floor is sharp: half a turn and a contraction in R^3, over R", sharp, 1 + 1.01 * float(np.exp(-CONTRACTION)))


# ---------------------------------------------------------------- the report


def _counterexample(seed: int) -> dict[str, Any] | None:
    n = smallest(st.integers(2, 5), lambda n: Form(tuple(_reflected(n, [_half_turn(n)]))).fails, seed)
    if n is None:
        return None
    best, plane = _half_turn(n), _half_turn(2).read_outs[0]["solver"]
    return {
        "reflection": {
            "dimension": n,
            "det of the reflection": (-1) ** n,
            "model": f"z' = A z, A = {np.round(best.flow.values['A'][0], 4).tolist()}",
            "det of its flow": float(det_by_divergence(best.flow, np.ones((1, n)))[0]),
            "sup |phi(x) + x| over |x| = 1": best.error,
            "its floor": 1.0,
        },
        "annuli": {
            "dimension": 2,
            "model": "z' = pi J z, read-out z1",
            f"values on the disc of radius {DISC}": [float(plane.disc.min()), float(plane.disc.max())],
            f"values on the circle of radius {RING}": [float(plane.ring.min()), float(plane.ring.max())],
        },
    }


def _figures(plane: Flow, space: list[Flow]) -> tuple[Figure, Figure]:
    ring = np.concatenate([MESHES[2].points, MESHES[2].points[:1]])
    circles = [line(f"circle of radius {radius:g}", *ends(plane, radius * ring).T) for radius in (DISC, 1.0, RING)]
    errors = [line(one.title, RADII, np.max(reflection_errors(one, RADII), axis=1), "points") for one in (turning(3, CONTRACTION), *space)]
    title = "Distance from the reflection of R^3: the largest |phi(x) + x|/R over |x| = R"
    return (
        Figure(f"Images of circles: {plane.title}", "z1", "z2", tuple(circles)),
        Figure(title, "R", "distance", (*errors, line("floor", RADII, 1.0, "dashed")), logx=True),
    )


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = {n: [_seen(one, rng.normal(size=(READ_OUTS, n))) for one in draw(flows(n), DRAWN, stream(seed, f"{ID} {n}"))] for n in MESHES}
    every = [one for found in drawn.values() for one in found]
    plane, turned = _separated(2, [_half_turn(2), *drawn[2]]), _reflected(2, [_half_turn(2)])
    right = (
        *(gap for one in every for gap in _determinants(one.flow, rng.normal(size=(POINTS, one.flow.dimension)))),
        *(gap for one in drawn[3] for gap in one.floor()),
        *(gap for one in every for gap in one.between()),
    )
    return Evidence(
        corrected=Form(right),
        sabotaged=Form((*_seen(pulled(3, 0, 2), ()).floor(), *_seen(swept(4), [FIRST]).between())),
        printed=Form((*turned, *_reflected(3, [_half_turn(3), *drawn[3]]), *plane)),
        restored=Form((*turned, *_reflected(4, [_half_turn(4)]), *plane)),
        counterexample=_counterexample(seed),
        extra=(*(check for one in every for check in _consequences(one.flow)), *_reversing()),
        figures=_figures(drawn[2][-1].flow, [one.flow for one in drawn[3]]),
    )


def _shown() -> Problem:
    """The reflection of the plane by a field that varies with depth, with log det D phi, which is finite, as a state."""
    model = flow(network(2, 2, SPECTRAL), "z", "log_det")
    return Problem(model, Objective(terminal=ex.sumsq(ex.add(model.states[0], model.inputs[0]))))


ORIENTATION = Claim(
    id=ID,
    title="Depth-varying fields cannot reflect an odd number of coordinates, nor separate annuli",
    source="Massaroli et al. 2020, Sec. 5",
    printed=(
        "This implies that, in turn, depth-varying models such as Galërkin Neural ODEs can solve these tasks in all dimensions but R."
    ),
    corrected=(
        "det D phi_S = exp int div f > 0. Hence in odd dimensions sup over |x| = R of |phi_S(x) + x| is R at least, for every R, while in "
        "even ones z' = pi J z is the reflection; and in every dimension the values of w^T phi_S + b on a disc lie strictly between their "
        "extremes on any sphere around it, so that no threshold separates annuli"
    ),
    hypotheses=(
        "h_x is the identity or injective and affine with n_z = n_x, and h_y is affine",
        "solutions are unique, and the field does not see x: z' = -2 x reflects every dimension, z' = (4 |x|^2, 0) separates annuli",
        "errors are suprema: for n of 2 and more there is no floor in mean square, nor on finite samples, which a thin corridor separates",
        "the tasks are reflections and concentric annuli; the print restricted to even dimensions fails on annuli still",
    ),
    prove=_proof,
    measure=_measure,
    shown=_shown,
    rests_on=(
        Theorem(
            "Brouwer's degree: homotopic maps into R^n without 0 have one degree, and that of an injective map with det > 0 is 0 or 1",
            "Brouwer 1912; Milnor 1965",
            "angles that images of spheres take up: degree 1 about phi(0) for drawn flows, (-1)^n for -x; a kept direction is found",
        ),
        Theorem(
            "Invariance of domain, for fields that are merely Lipschitz: continuous injective maps of open sets of R^n have open images",
            "Brouwer 1912",
            "flows run backward return to where they began; no read-out has an extremum inside",
        ),
    ),
)

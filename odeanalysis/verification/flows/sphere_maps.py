"""What flows do to spheres: how far from the reflection, what values affine read-outs take inside and around, which direction is kept.

Each number comes from our solver on a mesh, and again from SciPy at those points of the mesh that decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.modeling.transforms import flow
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.verification.flows.paths import by_scipy, by_solver
from odeanalysis.verification.flows.spheres import points
from odeanalysis.verification.strategies.flows import Flow

WORST = 2
STEP, STRIDE = 1e-3, 4e-3
# differences of order 6
CENTRAL = {-3: -1 / 60, -2: 3 / 20, -1: -3 / 4, 1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
TURNS, ARRIVED = 8, 1e-10
APART = 0.3  # of the radius: starts of Newton's method
FILLED = (0.0, 0.5, 1.0)

Array = np.ndarray


def ends(one: Flow, x: Array) -> Array:
    """phi(x) for x [B, n], by our solver."""
    return by_solver(one, x)[:, 0]


# ---------------------------------------------------------------- determinants


def det_by_divergence(one: Flow, x: Array) -> Array:
    """exp int div f, by the transform `flow`: [B]."""
    return np.exp(by_solver(replace(one, model=flow(one.model, "z", "log_det")), x, state="log_det")[:, 0])


def dets(one: Flow, x: Array) -> dict[str, Array]:
    """det D phi from the variational equation, and from differences of SciPy's solutions: [B] each."""
    n = one.dimension
    varied = by_solver(replace(one, model=total_jacobian(one.model, "z", "x", "D")), x, state="D")[:, 0]
    places, weights = (np.array(part) for part in zip(*CENTRAL.items(), strict=True))
    shifted = x[:, None, None] + STRIDE * places[:, None, None] * np.eye(n)
    there = by_scipy(one, shifted.reshape(-1, n))[:, 0].reshape(len(x), len(places), n, n)
    rows = np.tensordot(weights, there, axes=(0, 1)) / STRIDE
    return {"variational equation": np.linalg.det(varied), "SciPy, differences": np.linalg.det(rows)}


# ---------------------------------------------------------------- reflections


def reflection_errors(one: Flow, radii: Iterable[float]) -> Array:
    """abs(phi(x) + x)/R over a mesh of abs(x) = R, for each radius R: [len(radii), N]."""
    sizes = np.array(list(radii))
    x = sizes[:, None, None] * points(one.dimension)
    images = ends(one, x.reshape(-1, x.shape[-1])).reshape(x.shape)
    return np.linalg.norm(images + x, axis=2) / sizes[:, None]


def reflection_error(one: Flow, radius: float = 1.0) -> dict[str, float]:
    """sup over abs(x) = radius of abs(phi(x) + x)/radius."""
    (errors,) = reflection_errors(one, (radius,))
    worst = radius * points(one.dimension)[np.argsort(errors)[-WORST:]]
    again = np.linalg.norm(by_scipy(one, worst)[:, 0] + worst, axis=1) / radius
    return {"solver": float(np.max(errors)), "SciPy": float(np.max(again))}


def kept_direction(one: Flow, radius: float = 1.0) -> tuple[Array, float]:
    """x on a sphere and c >= 0 with phi(x) = c x, by Newton's method from points of a mesh, those whose direction changes least first.

    Near a point whose direction nearly stays Newton's method may wander: the first start from which it arrives is taken. Raises
    SolveError where there is none.
    """
    mesh = radius * points(one.dimension)
    images = ends(one, mesh)
    stretch = np.linalg.norm(images, axis=1) / radius
    for start in _apart(mesh, np.sum(images * mesh, axis=1) / stretch):
        x, c = _newton(one, mesh[start], float(stretch[start]))
        if c >= 0 and np.linalg.norm(ends(one, x[None])[0] - c * x) < ARRIVED * radius:
            return x, c
    raise SolveError(f"no direction that {one.title} keeps is found")


def _apart(mesh: Array, heights: Array) -> list[int]:
    """Points of a mesh on a sphere, the highest first, none near one before it."""
    chosen: list[int] = []
    for i in np.argsort(-heights):
        if all(np.linalg.norm(mesh[i] - mesh[j]) > APART * np.linalg.norm(mesh[j]) for j in chosen):
            chosen.append(int(i))
    return chosen


def _newton(one: Flow, x: Array, c: float) -> tuple[Array, float]:
    """phi(x) - c x = 0 with abs(x) kept."""
    square = x @ x
    for _ in range(TURNS):
        image, slope = _linearized(one, x)
        missed = np.append(image - c * x, x @ x - square)
        matrix = np.block([[slope - c * np.eye(len(x)), -x[:, None]], [2 * x[None], np.zeros((1, 1))]])
        step = np.linalg.solve(matrix, -missed)
        x, c = x + step[:-1], c + float(step[-1])
    return x, c


def _linearized(one: Flow, x: Array) -> tuple[Array, Array]:
    """phi(x), and D phi(x) by differences."""
    shifts = STEP * np.concatenate([np.eye(len(x)), -np.eye(len(x))])
    found = ends(one, np.concatenate([x[None], x + shifts]))
    up, down = np.split(found[1:], 2)
    return found[0], (up - down).T / (2 * STEP)


# ---------------------------------------------------------------- annuli


@dataclass(frozen=True)
class Values:
    """Values of a read-out w^T phi on a disc and on a sphere around it."""

    disc: Array
    ring: Array

    @property
    def outside(self) -> float:
        """How far values on the disc lie beyond the extremes on the sphere, in units of those; 0 where they lie between."""
        beyond = max(self.disc.max() - self.ring.max(), self.ring.min() - self.disc.min())
        return float(max(0, beyond) / np.ptp(self.ring))

    @property
    def overlap(self) -> float:
        """How far values on the disc reach past the nearer end of those on the sphere, in units of their spread; 0 behind a threshold."""
        past = min(self.disc.max() - self.ring.min(), self.ring.max() - self.disc.min())
        return float(max(0, past) / np.ptp(self.disc))


def annulus_values(one: Flow, read_outs: Iterable[Array], disc: float, ring: float) -> list[dict[str, Values]]:
    """For each read-out its values over meshes of a disc and of a sphere, by our solver, and by SciPy at the extremes."""
    mesh = points(one.dimension)
    inner, outer = np.concatenate([disc * part * mesh for part in FILLED]), ring * mesh
    images = np.split(ends(one, np.concatenate([inner, outer])), [len(inner)])
    return [_values(one, (inner, outer), [image @ w for image in images], w) for w in read_outs]


def _values(one: Flow, meshes: tuple[Array, Array], found: list[Array], read_out: Array) -> dict[str, Values]:
    extremes = [x[[int(np.argmin(values)), int(np.argmax(values))]] for x, values in zip(meshes, found, strict=True)]
    again = by_scipy(one, np.concatenate(extremes))[:, 0] @ read_out
    return {"solver": Values(*found), "SciPy": Values(again[:2], again[2:])}

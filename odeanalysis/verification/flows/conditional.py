"""One-dimensional flows that are conditioned on the sample they start from: z' = f(s, z, c), z(s0) = c, and the density of z(S).

Three densities at a point: by the total derivative J (J' = f_z J + f_c, J(s0) = 1) summed over the preimages, by the divergence alone, as
printed, and by differences of the distribution function, which needs no derivative of the flow.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize.elementwise import find_root
from scipy.stats import norm

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import flow
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.independent.interpreter import evaluate

FINE = Settings("dopri8", rtol=1e-12, atol=1e-13)
GRID = np.linspace(-7, 7, 141)
STEP, HALVED = 1e-2, np.array([1, 2, 4])
ROUNDS = 4

Map = Callable[[Array], Array]


@dataclass(frozen=True)
class Conditioned:
    """A model with one scalar state `z` that starts at the standard normal input `c`, which its field sees too, and other values."""

    title: str
    model: Model
    values: dict[str, float]

    def solved(self, model: Model, c: Array) -> dict[str, Array]:
        """The states of a model at the end, for starting values [B]."""
        return solve_problem(Problem(model, Objective()), {**self.values, "c": np.asarray(c)}, FINE).final

    def ends(self, c: Array) -> Array:
        """G(c), by our solver."""
        return self.solved(self.model, c)["z"]

    def jacobians(self, c: Array) -> Array:
        """G'(c), by the total derivative."""
        return self.solved(total_jacobian(self.model, "z", "c", "J"), c)["J"]

    def divergences(self, c: Array) -> Array:
        """int div f along the path from c."""
        return self.solved(flow(self.model, "z", "log_det"), c)["log_det"]

    def by_scipy(self, c: Array) -> Array:
        """G(c) from the stated field, for starting values [B] side by side."""
        (_, field), *_ = self.model.field
        start, end = (float(depth) for depth in self.model.domain)

        def slope(s: float, z: Array) -> Array:
            return np.broadcast_to(evaluate(field, {**self.values, self.model.depth.name: s, "z": z, "c": c}), z.shape)

        return solve_ivp(slope, (start, end), np.array(c, dtype=float), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


def preimages(one: Conditioned, x: float) -> Array:
    """All c of the grid's range with G(c) = x, by changes of sign and Newton's method."""
    gaps = one.ends(GRID) - x
    places = np.nonzero(gaps[:-1] * gaps[1:] < 0)[0]
    if not len(places):
        return np.empty(0)
    share = gaps[places] / (gaps[places] - gaps[places + 1])
    c = GRID[places] + share * (GRID[places + 1] - GRID[places])
    for _ in range(ROUNDS):
        c = c - (one.ends(c) - x) / one.jacobians(c)
    return c


def density(one: Conditioned, x: float) -> float:
    """p(x) = sum over all c with G(c) = x of q(c)/abs(J(c))."""
    return _summed(one, x, one.jacobians)


def printed_density(one: Conditioned, x: float) -> float:
    """q(c)/exp(int div f): the volume as if the field did not see c; summed over the preimages, the most generous reading."""
    return _summed(one, x, lambda c: np.exp(one.divergences(c)))


def sabotaged_density(one: Conditioned, x: float) -> float:
    """J with the wrong sign of f_c: J = Phi + int Phi f_c becomes 2 Phi - J, where Phi = exp int div f."""
    return _summed(one, x, lambda c: 2 * np.exp(one.divergences(c)) - one.jacobians(c))


def _summed(one: Conditioned, x: float, volume: Map) -> float:
    c = preimages(one, x)
    return float(np.sum(norm.pdf(c) / np.abs(volume(c)))) if len(c) else 0.0


def measured_densities(one: Conditioned, x: float, step: float = STEP) -> dict[str, float]:
    """dF/dx of F(x) = P(G(c) <= x) by extrapolated central differences, where the map comes from our solver, and from SciPy.

    step: the longest one, small beside the distance from x to where the density is not smooth.
    """
    return {way: _slope(mapped, x, step / HALVED) for way, mapped in {"solver": one.ends, "SciPy": one.by_scipy}.items()}


def _slope(mapped: Map, x: float, steps: Array) -> float:
    below = masses_below(mapped, x + np.concatenate([steps, -steps]))
    coarse, fine, finest = (below[: len(steps)] - below[len(steps) :]) / (2 * steps)
    once = (4 * fine - coarse) / 3, (4 * finest - fine) / 3
    return float((16 * once[1] - once[0]) / 15)


def masses_below(mapped: Map, levels: Array) -> Array:
    """P(G(c) <= x) for levels x [M]: the normal mass between the places where G crosses each."""
    gaps = mapped(GRID) - levels[:, None]
    rows, places = np.nonzero(gaps[:, :-1] * gaps[:, 1:] < 0)
    cuts = find_root(lambda c, level: mapped(c) - level, (GRID[places], GRID[places + 1]), args=(levels[rows],)).x
    return np.array([_mass(cuts[rows == row], gaps[row, 0] <= 0) for row in range(len(levels))])


def _mass(cuts: Array, first: bool) -> float:
    """The normal mass of every other interval between cuts, the first one included or not."""
    parts = np.diff(norm.cdf(np.concatenate([[-np.inf], np.sort(cuts), [np.inf]])))
    return float(np.sum(parts[0 if first else 1 :: 2]))


def masses_beside(mapped: Map, c: float, reach: float, sizes: Array) -> Array:
    """P(G between G(c) and G(c) + side size) for sizes [M], from starting values nearer than a reach to c; side: where G goes above c."""
    middle, above = mapped(np.array([c, c + reach]))
    side = np.sign(above - middle)
    total = np.zeros(len(sizes))
    for way in (1, -1):
        if (mapped(np.array([c + way * reach]))[0] - middle) * side > 0:
            ends = np.full(len(sizes), c), np.full(len(sizes), c + way * reach)
            cuts = find_root(lambda at, level: mapped(at) - level, ends, args=(middle + side * sizes,)).x
            total += np.abs(norm.cdf(cuts) - norm.cdf(c))
    return total


def backward(one: Conditioned) -> Conditioned:
    """The same field from S to s0: the paper's direction, from the prior sample at S."""
    start, end = one.model.domain
    return replace(one, title=f"{one.title}, backward", model=one.model.with_(domain=(end, start)))

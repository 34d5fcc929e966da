"""The function-space gradient as an object: (dell/dtheta)(s) = a(s)^T df/dtheta + dl/dtheta, computed once.

D ell[v] = int_{s0}^{S} <dell/dtheta, v> ds + sum_i <w_i, v(s_i)>

where w_i are the point masses of a name that stands in the initial value or in a cost at a depth. Source: Massaroli et al. 2020, Thm. 1,
Cor. 1 (any basis) and Cor. 2 (pieces), completed by dl/dtheta and the point masses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Basis
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.functional.costate import costate
from odeanalysis.numerics.functional.density import ENTRIES, Density, Test
from odeanalysis.numerics.functional.family import Family, family
from odeanalysis.numerics.functional.inner_products import cross_gram, green, solve
from odeanalysis.numerics.functional.masses import PointMasses, point_masses
from odeanalysis.numerics.functional.quadrature import edges, gauss
from odeanalysis.numerics.functional.seen import is_own, seen
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.solvers.solution import Side


@dataclass(frozen=True, eq=False, repr=False)
class FunctionalGradient:
    """The derivative of a solved problem's value with respect to a function of depth.

    run: the solve.  density: (dell/dtheta)(s) of every sample.  masses: the point masses.  own: whether each sample has a function of its
    own; then every result has a leading axis for the samples, else it is that of the whole value.
    Integrals are signed along the path, also in <., .>.
    """

    run: Run
    density: Density
    masses: PointMasses
    own: bool

    def __repr__(self) -> str:
        whose = f"{self.run.setting.batch} samples" if self.own else "the value"
        return f"FunctionalGradient({self.name!r} of {self.run.setting.problem.name!r}, of {whose}, {len(self.masses)} point masses)"

    @property
    def name(self) -> str:
        return self.density.seen.name.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the function's values."""
        return self.density.seen.shape

    def __call__(self, depths: Any, side: Side = "before") -> Array:
        """(dell/dtheta)(s) at a depth or at many, [...] -> [..., *shape], without the point masses.

        side: where it jumps (at observations and break points), "before" is the side of s0.
        Raises ModelError for a depth on no path, and where samples that share the function run in opposite directions.
        """
        at = np.asarray(depths, dtype=float)
        flat = np.ravel(at)
        outside = ~self.density.meets(flat).any(axis=0)
        if outside.any():
            raise ModelError(f"depth {flat[outside][0]} lies outside the path of every sample; ask for depths on one")
        return self._shaped(self._at(flat, side), at)

    def against(self, direction: Callable[[Array], Any], breakpoints: Iterable[float] = ()) -> Array:
        """D ell[v]: the derivative of the value along a function v.

        direction: v, from depths [B, m], a row for each sample, to [B, m, *shape], or to what broadcasts to it.
        breakpoints: the depths at which v jumps; a jump that is not listed takes longer.
        """
        jumps = np.array([float(depth) for depth in breakpoints])

        def test(depths: Array) -> Array:
            return np.broadcast_to(direction(depths), (*depths.shape, *self.shape)).reshape(*depths.shape, self._size)

        return self._reduced(self._tested(test, "bkc,bkc->b", self._for_each(jumps), "the derivative along a function"))

    def project(self, basis: Basis | Iterable[Any]) -> Array:
        """dell/dalpha_j = int (dell/dtheta) psi_j ds: the gradient in the coefficients of theta = sum_j alpha_j psi_j, [terms, *shape].

        basis: any basis, or the nodes of pieces.  Nothing is solved again, and the functions need not be orthogonal.
        """
        return self._projected(family(self.run.setting, basis))

    def coefficients(self, basis: Basis | Iterable[Any], inner: str = "L2") -> Array:
        """The coefficients of the function of a span that represents the gradient there: [terms, *shape].

        inner: "L2": its best approximation of the gradient.  "H1": the representer g with int g v + g' v' ds = D ell[v] for every v of the
        span.  Both solve G c = project(basis) with the Gram matrix of the inner product.
        Raises ModelError for the L2 product where there are point masses, and for functions that are dependent to rounding.
        """
        functions = family(self.run.setting, basis, inner)
        if inner == "L2":
            self._refuse_masses("is no function of L2: use the H1 inner product")
        return self._represented(functions, self._projected(functions))

    def energy(self) -> Array:
        """int |dell/dtheta|^2 |ds|: the square of the gradient's length in L2. Raises ModelError where there are point masses."""
        return self.energies(None)[0]

    def outside(self, basis: Basis | Iterable[Any]) -> Array:
        """The share of the gradient's energy outside the span of a basis, from 0 to 1: near 1, the basis lacks a mode.

        Raises ModelError where there are point masses.
        """
        whole, rest = self.energies(basis)
        return np.divide(rest, whole, out=np.zeros_like(whole), where=whole > 0)

    def sobolev(self, depths: Any, length: float = 1.0) -> Array:
        """The H1 representer at depths of the domain, [...] -> [..., *shape]: a smoother gradient, to which point masses add kinks only.

            int (g v + length^2 g' v') ds = D ell[v] for all v:   -length^2 g'' + g = dell/dtheta,   g' = 0 at both ends

        In closed form, by Green's function.  length: the depth over which it smoothes.
        """
        at = np.asarray(depths, dtype=float)
        kernel = green(self.ends, np.ravel(at), length)
        found = self._tested(kernel, "bkp,bkc->bpc", self._for_each(np.ravel(at)), "the H1 representer")
        return self._shaped(self._upward(self._reduced(found)), at)

    # ------------------------------------------------------------ of the samples, or of the value

    @property
    def _size(self) -> int:
        return self.density.seen.size

    def _reduced(self, found: Array) -> Array:
        return found if self.own else found.sum(axis=0)

    def _shaped(self, found: Array, at: Array) -> Array:
        """[..., M, c] as [..., *at.shape, *shape]."""
        return found.reshape((*found.shape[: self.own], *at.shape, *self.shape))

    def _for_each(self, depths: Array) -> Array:
        return np.broadcast_to(depths, (self.run.setting.batch, len(depths)))

    @cached_property
    def _way(self) -> Array:
        """1 where a path runs upward, -1 where downward: [B], or for a shared function one number."""
        nodes = self.density.grid.nodes
        ways = np.where(nodes[:, -1] < nodes[:, 0], -1.0, 1.0)
        return ways if self.own else np.asarray(ways.min())

    def _refuse_opposite(self) -> None:
        lengths = self.density.grid.nodes[:, -1] - self.density.grid.nodes[:, 0]
        if not self.own and lengths.min() < 0 < lengths.max():
            raise ModelError(
                f"the samples of {self.run.setting.problem.name!r} share {self.name!r} but run in opposite directions, so that their "
                "signed gradients are densities of no common integral; use against or project"
            )

    def _upward(self, found: Array) -> Array:
        """Of an integral that is signed along the path, that from the lower end to the upper one."""
        self._refuse_opposite()
        return self._way.reshape(*self._way.shape, *[1] * (found.ndim - self._way.ndim)) * found

    @cached_property
    def ends(self) -> Array:
        """The ends of each sample's domain, or of that of all samples that share the function: [B, 2]."""
        ends = np.sort(self.density.grid.nodes[:, [0, -1]], axis=1)
        return ends if self.own else np.broadcast_to([ends[:, 0].min(), ends[:, 1].max()], ends.shape)

    # ------------------------------------------------------------ linear in the gradient

    def _tested(self, test: Test, rule: str, breakpoints: Array, what: str) -> Array:
        """Integrals along each path with test functions, and what the point masses add: [B, ...]."""
        found = self.density.integral(test, rule, breakpoints, f"{what} of {self.run.setting.problem.name!r} in {self.name!r}")
        weight = self.masses.weight.reshape(*self.masses.depth.shape, self._size)
        return found + np.einsum(rule, test(self.masses.lookup), weight)

    def _projected(self, functions: Family) -> Array:
        found = self._tested(functions, "bkp,bkc->bpc", functions.breakpoints, "the projection of the gradient")
        return self._reduced(found.reshape(*found.shape[:2], *self.shape))

    def _represented(self, functions: Family, projection: Array) -> Array:
        if functions.own and not self.own:
            raise ModelError(f"the basis has values of each sample's own, but {self.name!r} is shared; give it values that are shared too")
        gram = cross_gram(functions, functions, self.ends)
        return solve(gram if self.own else gram[0], self._upward(projection))

    def _refuse_masses(self, why: str) -> None:
        if len(self.masses):
            raise ModelError(
                f"{self.name!r} stands in the initial value or a cost at a depth of {self.run.setting.problem.name!r}, where its gradient "
                f"has a point mass, so that it {why}"
            )

    # ------------------------------------------------------------ quadratic in the gradient

    def _at(self, depths: Array, side: Side = "before") -> Array:
        """The gradient at depths [M], flattened: [M, c], or [B, M, c]."""
        self._refuse_opposite()
        found = self.density.at(depths, side)
        return self._reduced(found.reshape(*found.shape[:2], self._size))

    def energies(self, basis: Basis | Iterable[Any] | None) -> tuple[Array, Array]:
        """The energy of the gradient, and the part of it outside the span of a basis, or all where there is none. Raises as `energy`."""
        self._refuse_masses("has no finite energy; look at its H1 representer")
        functions = None if basis is None else family(self.run.setting, basis)
        chosen = None if functions is None else self._represented(functions, self._projected(functions))
        whole, rest = np.zeros(self._way.shape), np.zeros(self._way.shape)
        for depth, weight in self._common_points(functions):
            found = self._at(depth)
            left = found if functions is None or chosen is None else found - self._combined(functions, chosen, depth)
            whole, rest = (total + np.einsum("k,...kc->...", weight, part**2) for total, part in ((whole, found), (rest, left)))
        return np.asarray(whole), np.asarray(rest)

    def _combined(self, functions: Family, coefficients: Array, depth: Array) -> Array:
        """sum_j c_j psi_j at depths [M] on each sample's path: [M, c] or [B, M, c]."""
        psi = functions(self._for_each(depth))
        flat = coefficients.reshape(*coefficients.shape[: 1 + self.own], self._size)
        if not self.own:
            return psi[0] @ flat
        return self.density.meets(depth)[..., None] * (psi @ flat)

    def _common_points(self, functions: Family | None) -> Iterator[tuple[Array, Array]]:
        """Depths and weights of a rule on the pieces between depths at which the gradient of a sample, or a function, jumps, and at which
        steps end, fine enough for the functions; no more at once than memory likes."""
        nodes = self.density.grid.nodes
        low, high = nodes.min(keepdims=True)[0], nodes.max(keepdims=True)[0]
        cuts = [nodes, self.density.step_depths(0)]
        if functions is not None:
            cuts += [functions.breakpoints, np.linspace(low, high, functions.basis.terms + 1)]
        depths, weights = gauss(*(end[0] for end in edges(np.concatenate([np.ravel(cut) for cut in cuts])[None], low, high)))
        size = max(1, ENTRIES // (self.run.setting.batch * max(1, self._size)))
        for first in range(0, len(depths), size):
            yield depths[first : first + size], weights[first : first + size]


def functional_gradient(
    problem: Problem,
    values: Mapping[str, Any],
    name: str,
    *,
    method: str = "dopri8",
    rtol: float = 1e-11,
    atol: float = 1e-13,
    steps: int | None = None,
    reduction: str | None = None,
) -> FunctionalGradient:
    """The gradient of a problem's value with respect to a name as a function of depth.

        (dell/dtheta)(s) = a(s)^T df/dtheta + dl/dtheta

    name: a parameter or input, constant (its gradient is taken at the constant function) or varying with depth already, in whatever form.
    One solve, and one of the costate; everything else is quadrature, to ten digits for the default tolerances.
    Raises ModelError for a name that has no such gradient (a depth rests on it), SolveError for a solve that fails.
    """
    stated = problem if reduction is None else replace(problem, reduction=reduction)
    return of_run(solve_problem(stated, values, Settings(method, rtol, atol, steps)), name)


def of_run(run: Run, name: str) -> FunctionalGradient:
    """What `functional_gradient` gives, of a problem that is solved already. Raises as it does."""
    found = seen(run.setting, name)
    with np.errstate(all="ignore"):
        along = costate(run)
        masses = point_masses(along, found)
    return FunctionalGradient(run, Density(along, found), masses, is_own(run.setting.problem, found.name, run.setting.bound.batched))

"""Second derivatives of the loss: the Hessian-vector product as the tangent of the discrete adjoint."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import prove_tangents
from odeanalysis.derivations.second_order import second_order
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array, Compiled, Second
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import hessian, hessian_vector
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent import taylor
from odeanalysis.verification.independent.compare import dot, projected_difference, relative_difference
from odeanalysis.verification.measure import CLOSE, STEPS, TIGHT, relative
from odeanalysis.verification.proof import Step, decided, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn, networks, problems

ID = "second-order"
NAMES = ("theta", "z0")
PROBLEMS, NETWORKS = 3, 2
# steps that resolve every problem drawn, and stay where they are when the values move
RESOLVED = Settings("tsit5", steps=32)
STEP = 1e-3
# differences of an exact gradient leave rounding over their step; second differences of losses leave it over the square of theirs
DIFFERENCES, SECOND_DIFFERENCES, SYMMETRIC = 1e-9, 1e-9, 1e-11


def _problem() -> Problem:
    """f = theta z, l = theta^2 z^2: ell = theta z0^2 (e^{2 theta S} - 1) / 2 on [0, 1]."""
    z, theta, z0 = block("z"), block("theta"), block("z0")
    return Problem(Model({z: theta * z}, {z: z0}, (0, 1), (theta, z0), name="growth"), Objective(running=theta**2 * z**2))


def _loss() -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
    theta, z0 = sp.symbols("theta z0", real=True)
    return theta * z0**2 * (sp.exp(2 * theta) - 1) / 2, (theta, z0)


def _proof() -> Iterator[Step]:
    """The tangent of the adjoint system along dtheta is the derivative of the closed-form gradient."""
    s, theta, z0, S = sp.symbols("s theta z0 S", real=True)
    z = z0 * sp.exp(theta * s)
    a = theta * z0 * (sp.exp(theta * (2 * S - s)) - sp.exp(theta * s))
    yield identity("the costate solves its equation", sp.Derivative(a, s), -theta * a - 2 * theta**2 * z)
    yield identity("the costate at S", sp.Subs(a, s, S), 0)
    w, v = sp.diff(z, theta), sp.diff(a, theta)
    yield identity("its tangent solves the tangent equation", sp.Derivative(v, s), -theta * v - a - 4 * theta * z - 2 * theta**2 * w)
    yield identity("the tangent at S", sp.Subs(v, s, S), 0)
    gradient = sp.integrate(sp.expand(a * z + 2 * theta * z**2), (s, 0, S))
    product = sp.integrate(sp.expand(v * z + a * w + 2 * z**2 + 4 * theta * z * w), (s, 0, S))
    yield identity("the tangent of the gradient is the integral of its integrand's tangent", sp.Derivative(gradient, theta), product)
    loss = theta * z0**2 * (sp.exp(2 * theta * S) - 1) / 2
    yield identity("and the second derivative of the closed-form loss", sp.Derivative(loss, (theta, 2)), product)
    for step in prove_tangents(second_order(adjoint(_problem()))).steps:
        yield decided(f"the derived tangents: {step.title}", step)


class _Flipped(Second):
    """The tangent of a step's adjoint with the costate's own tangent taken with the wrong sign."""

    def step_vjp(self, method: str) -> Compiled:
        right = super().step_vjp(method)

        def wrong(*arrays: Array) -> tuple[Array, ...]:
            flipped = [
                -array if leaf.name.startswith("_dot__bar") else array for leaf, array in zip(right.formula.inputs, arrays, strict=True)
            ]
            return right.function(*flipped)

        return replace(right, function=wrong)


def _sabotaged(run: Run) -> Run:
    right = run.setting.program
    program = copy(right)
    vars(program)["second"] = _Flipped(right.parts, right)
    return replace(run, setting=replace(run.setting, program=program))


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True, eq=False)
class Bent:
    """A drawn problem, solved, with the Hessian of its loss times a direction in ways that know no second derivative."""

    drawn: Drawn
    run: Run

    @cached_property
    def directions(self) -> list[dict[str, Array]]:
        """One along which the values move, and one against which the product is held."""
        return taylor.directions(self.run, 2, 0)

    @cached_property
    def product(self) -> dict[str, Array]:
        return hessian_vector(self.run, self.directions[0])

    @cached_property
    def sabotaged(self) -> dict[str, Array]:
        return hessian_vector(_sabotaged(self.run), self.directions[0])

    @cached_property
    def differences(self) -> dict[str, Array]:
        """Extrapolated differences of the gradient, which complex steps through the same steps give exactly."""
        coarse, fine = self._central(STEP), self._central(STEP / 2)
        return {name: (4 * fine[name] - coarse[name]) / 3 for name in fine}

    def _central(self, size: float) -> dict[str, Array]:
        high, low = self._gradient(size), self._gradient(-size)
        return {name: (high[name] - low[name]) / (2 * size) for name in high}

    def _gradient(self, size: float) -> dict[str, Array]:
        moved = {name: array + size * self.directions[0][name] for name, array in self.run.setting.bound.arrays.items()}
        return ComplexStep().gradients(solve_problem(self.drawn.problem, moved, RESOLVED))

    @cached_property
    def curvature(self) -> float:
        """Second differences of losses that SciPy solved from the statement."""
        return independent.curvature(self.drawn.problem, self.run.setting.bound, self.directions[0], self.directions[1])

    def gaps(self, product: dict[str, Array]) -> list[Gap]:
        title, beside = self.drawn.title, projected_difference(product, self.directions[1], self.curvature)
        return [
            Gap(title, "complex step, differences", relative_difference(product, self.differences), DIFFERENCES),
            Gap(title, "SciPy, second differences", beside, SECOND_DIFFERENCES),
        ]

    @property
    def symmetry(self) -> Check:
        """u^T H d = d^T H u."""
        along, beside = self.directions
        missed = projected_difference(self.product, beside, dot(hessian_vector(self.run, beside), along))
        return within(f"the Hessian is symmetric: {self.drawn.title}", missed, SYMMETRIC)

    @property
    def figure(self) -> Figure:
        """The remainder of order 2 along the direction, which falls with slope 3 for the right product only."""
        (along, _), gradient = self.directions, DiscreteAdjoint().gradients(self.run)
        (path,) = taylor.lines(self.run, [along], STEPS)
        curved = {"H v": dot(self.product, along), "sabotaged": dot(self.sabotaged, along), "no second derivative": 0.0}
        lines = [line(label, path.sizes, path.remainder(gradient, one)) for label, one in curved.items()]
        guides = [line(f"slope {p}", path.sizes, lines[0].y[0] * (path.sizes / path.sizes[0]) ** p, "dashed") for p in (2, 3)]
        return Figure(f"Taylor remainders of order 2: {self.drawn.title}", "step e", "remainder", (*lines, *guides), logx=True, logy=True)


def _bent(seed: int) -> list[Bent]:
    """The first draw of each kind is the simplest, and the same for all seeds; a network is the last."""
    drawn = [*draw(problems(moving_ends=True), PROBLEMS, stream(seed, ID)), *draw(networks(), NETWORKS, stream(seed, ID))[1:]]
    return [Bent(one, solve_problem(one.problem, one.values, RESOLVED)) for one in drawn]


def growths() -> st.SearchStrategy[dict[str, float]]:
    """Values of the model with a closed form."""
    return st.builds(lambda theta, z0: {"theta": theta / 10, "z0": z0 / 10}, st.integers(4, 11), st.integers(5, 15))


def _closed_form(values: Mapping[str, float]) -> Check:
    """The Hessian of the closed form, by SymPy."""
    loss, symbols = _loss()
    exact = sp.hessian(loss, symbols).subs({symbol: values[symbol.name] for symbol in symbols})
    found = hessian(solve_problem(_problem(), values, TIGHT), NAMES)
    title = f"the Hessian of the closed form, theta = {values['theta']:g}, z0 = {values['z0']:g}"
    return within(title, relative(found, np.array(exact.tolist(), dtype=float)), CLOSE)


def _measure(seed: int) -> Evidence:
    drawn = _bent(seed)
    return Evidence(
        Form(tuple(gap for one in drawn for gap in one.gaps(one.product))),
        Form(tuple(gap for one in drawn for gap in one.gaps(one.sabotaged))),
        extra=(*(one.symmetry for one in drawn), *map(_closed_form, draw(growths(), 2, stream(seed, ID)))),
        figures=(drawn[-1].figure,),
    )


SECOND_ORDER = Claim(
    id=ID,
    title="The Hessian of the loss times a vector is the tangent of the adjoint system",
    source="not in the paper",
    printed=None,
    corrected="with w = dz[v] and b = da[v]: b' = -(H_zz w + f_z^T b + H_ztheta v), "
    "and the product is int (H_thetaz w + f_theta^T b + H_thetatheta v) ds + boundary terms",
    hypotheses=("f, l, L and h are C^2",),
    prove=_proof,
    measure=_measure,
    shown=_problem,
)

"""Second derivatives of the loss: the Hessian-vector product as the tangent of the discrete adjoint."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import prove_tangents
from odeanalysis.derivations.second_order import second_order
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.evaluate import solve_problem, value_and_gradient
from odeanalysis.numerics.gradients.program import Array, Compiled, Program, Second
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import hessian
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.measure import relative
from odeanalysis.verification.proof import Step, identity

ID = "second-order"
NAMES = ("theta", "z0")
CLOSE = 1e-6
STEP = 1e-4
TIGHT = Settings(rtol=1e-11, atol=1e-12)


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
        yield Step(f"the derived tangents: {step.title}", step.holds, step.way)


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
    program = Program(run.setting.program.parts, run.setting.program.shared)
    vars(program)["second"] = _Flipped(program.parts, program)
    return replace(run, setting=replace(run.setting, program=program))


def _truths(values: Mapping[str, Any]) -> dict[str, Array]:
    """The Hessian from the closed form by SymPy, and by differences of the gradient."""
    loss, symbols = _loss()
    exact = sp.hessian(loss, symbols).subs({symbol: values[symbol.name] for symbol in symbols})
    return {"closed form": np.array(exact.tolist(), dtype=float), "differences of the gradient": _differences(values)}


def _differences(values: Mapping[str, Any]) -> Array:
    def gradient(moved: Mapping[str, Any]) -> Array:
        found = value_and_gradient(_problem(), moved, rtol=1e-11, atol=1e-12)[1]
        return np.array([found[name] for name in NAMES], dtype=float)

    rows = [(gradient({**values, n: values[n] + STEP}) - gradient({**values, n: values[n] - STEP})) / (2 * STEP) for n in NAMES]
    return np.array(rows)


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    right, wrong = [], []
    for _ in range(2):
        values = {"theta": float(rng.uniform(0.4, 1.1)), "z0": float(rng.uniform(0.5, 1.5))}
        run = solve_problem(_problem(), values, TIGHT)
        title = f"theta = {values['theta']:.3f}, z0 = {values['z0']:.3f}"
        truths = _truths(values)
        right += [Gap(title, way, relative(hessian(run, NAMES), truth), CLOSE) for way, truth in truths.items()]
        wrong += [Gap(title, way, relative(hessian(_sabotaged(run), NAMES), truth), CLOSE) for way, truth in truths.items()]
    return Evidence(Form(tuple(right)), Form(tuple(wrong)))


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

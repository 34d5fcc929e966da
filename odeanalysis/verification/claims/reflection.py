"""Prop. 2: data control approximates the reflection x -> -x."""

from collections.abc import Iterator

import numpy as np
import sympy as sp

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.measure import TIGHT
from odeanalysis.verification.proof import Step, identity

ID = "reflection"
MARGIN = 1e-3
ROUNDING = 1e-9
THETAS = (0.7, 2.0, 5.0)


def problem() -> Problem:
    """z' = -theta (z + x), z(0) = x: equation (9)."""
    z, x, theta = block("z"), block("x"), block("theta")
    return Problem(
        Model({z: -theta * (z + x)}, {z: x}, (0, 1), (theta,), (x,), name="reflection"),
        Objective(terminal=(z + x) ** 2),
    )


def closed_form() -> sp.Expr:
    """z(s) = (2 e^{-theta s} - 1) x."""
    s, theta, x = sp.symbols("s theta x", real=True)
    return (2 * sp.exp(-theta * s) - 1) * x


def _proof() -> Iterator[Step]:
    s, theta, x = sp.symbols("s theta x", real=True)
    eps, size = sp.symbols("epsilon r", positive=True)
    z, error = closed_form(), 2 * size * sp.exp(-theta)
    yield identity("it solves the equation", sp.Derivative(z, s), -theta * (z + x))
    yield identity("from z(0) = x", sp.Subs(z, s, 0), x)
    yield identity("the error at 1", sp.Subs(z, s, 1) + x, 2 * x * sp.exp(-theta))
    yield identity("it is eps at theta = ln(2 |x| / eps)", sp.Subs(error, theta, sp.log(2 * size / eps)), eps)
    yield identity("it falls as theta grows", sp.Derivative(error, theta), -error)
    yield identity("z(1) = 0 for every x at theta = ln 2: not injective there", sp.Subs(z, (s, theta), (1, sp.log(2))), 0)


def _errors(x: np.ndarray, theta: np.ndarray) -> dict[str, np.ndarray]:
    """|z(1) + x| from the closed form, and from the solver."""
    s, t, given = sp.symbols("s theta x", real=True)
    exact = sp.lambdify((t, given), closed_form().subs(s, 1) + given, "numpy")(theta, x)
    final = solve_problem(problem(), {"theta": theta, "x": x}, TIGHT).final["z"]
    return {"closed form": np.abs(exact), "solver": np.abs(final + x)}


def _form(x: np.ndarray, eps: np.ndarray, threshold: np.ndarray) -> Form:
    """Whether theta just above a threshold brings the error below eps: gaps are error / eps, to stay below 1."""
    theta = np.maximum(threshold, 0) + MARGIN
    found = []
    for way, errors in _errors(x, theta).items():
        for i in range(len(x)):
            miss = max(0.0, float(errors[i] / eps[i]) - 1)
            found.append(Gap(f"x = {x[i]:.3g}, eps = {eps[i]:.3g}", way, miss, ROUNDING))
    return Form(tuple(found))


def _figure() -> Figure:
    """Paths from x = 1 and x = -1, which cross, for three theta."""
    s = np.linspace(0, 1, 60)
    paths = [(theta, x, (2 * np.exp(-theta * s) - 1) * x) for theta in THETAS for x in (1, -1)]
    lines = tuple(line(f"theta = {theta:g}, x = {x:+d}", s, path, "line" if x > 0 else "dashed") for theta, x, path in paths)
    return Figure("Paths of z' = -theta (z + x)", "s", "z", lines)


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    x, eps = rng.normal(scale=3, size=8), 10.0 ** rng.uniform(-5, -0.5, size=8)
    right = _form(x, eps, np.log(2 * np.abs(x) / eps))
    wrong = _form(x, eps, np.log(np.abs(x) / eps) - MARGIN)
    missed = np.max(np.abs(_errors(x, np.full(8, np.log(2)))["solver"] - np.abs(x)))
    collapsed = within("z(1) = 0 at theta = ln 2, solver", missed, ROUNDING)
    return Evidence(right, wrong, printed=right, extra=(collapsed,), figures=(_figure(),))


REFLECTION = Claim(
    id=ID,
    title="Data control approximates the reflection to any accuracy",
    source="Massaroli et al. 2020, Prop. 2 and eq. (9)",
    printed=(
        "For all eps > 0, x in R there exists a parameter theta > 0 such that |phi(x) - z(1)| < eps, where z(1) is the solution of the "
        "Neural ODE z'(s) = -theta(z(s) + x), s in [0,1], z(0) = x."
    ),
    corrected="z(s) = (2 e^{-theta s} - 1) x; the error is 2 |x| e^{-theta}, so any theta > max(0, ln(2 |x| / eps)) does; pointwise in x",
    hypotheses=("uniform in x on bounded sets only", "the map x -> z(1) is not injective at theta = ln 2"),
    prove=_proof,
    measure=_measure,
    shown=problem,
)

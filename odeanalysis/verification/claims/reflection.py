"""Prop. 2: data control approximates the reflection x -> -x."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.proof import Step, dsolved, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.flows import Flow

ID = "reflection"
DRAWN, DOUBLINGS = 12, 6
MARGIN = 1e-3
ROUNDING = 1e-9
THETAS = (0.7, 2.0, 5.0)
S, THETA, X = sp.symbols("s theta x", real=True)


def problem() -> Problem:
    """z' = -theta (z + x), z(0) = x: equation (9)."""
    z, x, theta = block("z"), block("x"), block("theta")
    return Problem(
        Model({z: -theta * (z + x)}, {z: x}, (0, 1), (theta,), (x,), name="reflection"),
        Objective(terminal=(z + x) ** 2),
    )


@lru_cache(maxsize=1)
def closed_form() -> Any:
    """The solution of (9), by SymPy."""
    z = sp.Function("z")
    return dsolved(z(S).diff(S) + THETA * (z(S) + X), z(S), {z(0): X})


def _proof() -> Iterator[Step]:
    eps, size = sp.symbols("epsilon r", positive=True)
    z, error = closed_form(), 2 * size * sp.exp(-THETA)
    yield identity("SymPy solves (9) by", z, (2 * sp.exp(-THETA * S) - 1) * X)
    yield identity("it satisfies the equation", sp.Derivative(z, S), -THETA * (z + X))
    yield identity("from z(0) = x", sp.Subs(z, S, 0), X)
    yield identity("the error at 1", sp.Subs(z, S, 1) + X, 2 * X * sp.exp(-THETA))
    yield identity("it is eps at theta = ln(2 |x| / eps)", sp.Subs(error, THETA, sp.log(2 * size / eps)), eps)
    yield identity("it falls as theta grows", sp.Derivative(error, THETA), -error)
    yield identity("z(1) = 0 for every x at theta = ln 2: not injective there", sp.Subs(z, (S, THETA), (1, sp.log(2))), 0)


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True)
class Wanted:
    """A value x that is to be reflected with an error below eps."""

    x: float
    eps: float

    def __str__(self) -> str:
        return f"x = {self.x:g}, eps = {self.eps:.3g}"

    @property
    def threshold(self) -> float:
        """ln(2 |x| / eps)."""
        return float(np.log(2 * abs(self.x) / self.eps))


def wanted() -> st.SearchStrategy[Wanted]:
    """Values of either sign between 0.1 and 30, and accuracies from 1 to 1e-6: some are met by every theta > 0, some by large ones only."""
    tenths = st.integers(1, 300).flatmap(lambda k: st.sampled_from((k / 10, -k / 10)))
    return st.builds(Wanted, tenths, st.integers(0, 24).map(lambda k: 10.0 ** (-k / 4)))


def reached(x: np.ndarray, theta: np.ndarray) -> dict[str, np.ndarray]:
    """z(1) for starting values x [B], each with its theta [B], by our solver and by SciPy: the coordinates of one flow."""
    z, start, rate = (block(name, len(x)) for name in ("z", "x", "theta"))
    model = Model({z: -rate * (z + start)}, {z: start}, (0, 1), (rate,), (start,), name="reflections")
    one = Flow("(9)", model, {"theta": theta}, float(np.max(theta)))
    return {way: by(one, x[None])[0, 0] for way, by in WAYS.items()}


def searched(drawn: list[Wanted]) -> np.ndarray:
    """To the letter, a theta that exists: the first of 1, 2, 4, ... that serves, by SciPy's solutions, where no formula is known."""
    x, eps = (np.array([getattr(one, name) for one in drawn]) for name in ("x", "eps"))
    theta = np.ones(len(drawn))
    for _ in range(DOUBLINGS):
        missed = np.abs(reached(x, theta)["SciPy"] + x) >= eps
        theta = np.where(missed, 2 * theta, theta)
    return theta


def _form(drawn: list[Wanted], theta: np.ndarray) -> Form:
    """Whether theta brings the errors below eps: gaps are error / eps, less 1 where that is above 0."""
    x = np.array([one.x for one in drawn])
    found = {way: np.abs(end + x) for way, end in reached(x, theta).items()}
    return Form(
        tuple(
            Gap(f"{one}, theta = {rate:.4g}", way, max(0.0, float(error / one.eps) - 1), ROUNDING)
            for way, errors in found.items()
            for one, rate, error in zip(drawn, theta, errors, strict=True)
        )
    )


def _closed(x: np.ndarray, theta: np.ndarray) -> Iterator[Check]:
    """z(1) against the closed form, and its collapse at theta = ln 2."""
    known = sp.lambdify((THETA, X), closed_form().subs(S, 1), "numpy")(theta, x)
    for way, end in reached(x, theta).items():
        yield within(f"z(1) = (2 e^-theta - 1) x, {way}", float(np.max(np.abs(end - known))), ROUNDING)
    for way, end in reached(x, np.full(len(x), np.log(2))).items():
        yield within(f"z(1) = 0 for every x at theta = ln 2, {way}", float(np.max(np.abs(end))), ROUNDING)


def _pointwise(drawn: list[Wanted], theta: np.ndarray) -> Iterator[Check]:
    """The theta of one x misses a larger one: at x = eps e^theta the error is 2 eps."""
    eps = np.array([one.eps for one in drawn])
    far = eps * np.exp(theta)
    for way, end in reached(far, theta).items():
        share = float(np.max(eps / np.abs(end + far)))
        yield within(f"no theta serves every x: eps over the error at x = eps e^theta, {way}", share, 0.5 + MARGIN)


def _figure() -> Figure:
    """Paths from x = 1 and x = -1, which cross, for three theta."""
    s, known = np.linspace(0, 1, 60), sp.lambdify((S, THETA, X), closed_form(), "numpy")
    paths = [(theta, x, known(s, theta, x)) for theta in THETAS for x in (1, -1)]
    lines = tuple(line(f"theta = {theta:g}, x = {x:+d}", s, path, "line" if x > 0 else "dashed") for theta, x, path in paths)
    return Figure("Paths of z' = -theta (z + x)", "s", "z", lines)


def _measure(seed: int) -> Evidence:
    drawn = draw(wanted(), DRAWN, stream(seed, ID))
    x, thresholds = (np.array([getattr(one, name) for one in drawn]) for name in ("x", "threshold"))
    theta = np.maximum(thresholds, 0) + MARGIN
    return Evidence(
        _form(drawn, theta),
        _form(drawn, np.maximum(thresholds - np.log(2), 0)),
        printed=_form(drawn, searched(drawn)),
        extra=(*_closed(x, theta), *_pointwise(drawn, theta)),
        figures=(_figure(),),
    )


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

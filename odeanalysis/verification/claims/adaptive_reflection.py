"""Fig. 5: depths of every sample's own learn the reflection, if they may be negative or the field depends on depth."""

from collections.abc import Iterator

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import adaptive_depth
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import asin, cos
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap, Theorem
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.measure import TIGHT
from odeanalysis.verification.proof import Step, identity, positive
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.flows import CONSTANT, Flow, flows

ID = "adaptive-reflection"
SOLVED, EXACT = 1e-3, 1e-9
PAIR = np.array([[1.0], [-1.0]])
SAMPLES = np.array([-1.0, -0.6, -0.2, 0.3, 0.7, 1.0])
DRAWN = 6
Z, X = ex.block("z"), ex.block("x")


def signed(slope: int = -2) -> Problem:
    """z' = 1 over [0, slope x]: exact for slope -2, with negative depths for x > 0."""
    model = Model({Z: 1}, {Z: X}, (0, 1), (), (X,), name="signed_depth")
    return Problem(adaptive_depth(model, slope * X), Objective())


def waving(amplitude: int = 2) -> Problem:
    """z' = A cos s over [0, pi + asin(2 x/A)]: exact for abs(x) <= A/2, with positive depths only."""
    model = Model({Z: amplitude * cos(ex.depth)}, {Z: X}, (0, 1), (), (X,), name="waving")
    return Problem(adaptive_depth(model, sp.pi + asin(2 * X / amplitude)), Objective())


def _proof() -> Iterator[Step]:
    s, x, A, size = sp.Symbol("s", real=True), sp.Symbol("x", real=True), sp.Symbol("A", positive=True), sp.Symbol("R", positive=True)
    yield identity("z' = 1 from x ends at -x at depth -2 x", sp.Subs(x + s, s, -2 * x), -x)
    path = x + A * sp.sin(s)
    yield identity("z = x + A sin s solves z' = A cos s", sp.Derivative(path, s), A * sp.cos(s))
    yield identity("it ends at -x at depth pi + asin(2 x/A)", sp.Subs(path, s, sp.pi + sp.asin(2 * x / A)), -x)
    yield positive("a depth that is at least pi/2, since asin is at least -pi/2", sp.pi - sp.pi / 2)
    below = sp.Symbol("u", nonnegative=True)
    yield identity("a path of z' = f(z) from R > 0 that stays at u >= 0 is R + u from -R", sp.Abs(size + below), size + below)


def _misses(problem: Problem) -> dict[str, Array]:
    """abs(z(g(x)) + x) by our solver and by SciPy."""
    found = solve_problem(problem, {"x": SAMPLES}, TIGHT).final["z"]
    again = [independent.value(Problem(problem.model, Objective(terminal=(Z + X) ** 2)), _bound(problem, x)) ** 0.5 for x in SAMPLES]
    return {"solver": np.abs(found + SAMPLES), "SciPy": np.array(again)}


def _bound(problem: Problem, x: float) -> independent.Bound:
    return solve_problem(Problem(problem.model, Objective(terminal=(Z + X) ** 2)), {"x": x}).setting.bound


def _exact(title: str, problem: Problem) -> list[Gap]:
    return [Gap(title, way, float(np.max(missed)), 1e-7) for way, missed in _misses(problem).items()]


def errors(one: Flow) -> dict[str, float]:
    """max over x = 1, -1 of the least abs(phi_s(x) + x) over depths s >= 0 of an autonomous field, by each way."""
    s = np.linspace(0.05, 1, 20)
    found = {way: by(one, PAIR, s)[:, :, 0] for way, by in WAYS.items()}
    return {way: float(np.max(np.min(np.abs(np.column_stack([PAIR, paths]) + PAIR), axis=1))) for way, paths in found.items()}


def _printed(drawn: list[Flow]) -> list[Gap]:
    """To the letter: autonomous fields over [0, s_x], s_x >= 0, the best of those drawn."""
    found = [errors(one) for one in drawn]
    title = f"autonomous fields, depths of 0 and more, best of {len(drawn)}"
    return [Gap(title, way, min(one[way] for one in found), SOLVED) for way in WAYS]


def _floors(drawn: list[Flow]) -> list[Gap]:
    """On x = 1 and x = -1 no autonomous field comes nearer than 1 with depths of 0 and more: by how much nearer it comes."""
    return [
        Gap(f"no nearer than 1 to both of 1 and -1, {one.title}", way, max(0.0, 1 - miss), EXACT)
        for one in drawn
        for way, miss in errors(one).items()
    ]


def _counterexample(seed: int) -> dict[str, object] | None:
    """The simplest constant field that moves, and the depths at which its paths z = x + c s are at -x: one of them is negative."""

    def needed(speed: int) -> dict[str, float]:
        return {f"from x = {x}": -2 * x / speed for x in (1, -1)}

    speed = smallest(st.integers(-3, 3).filter(bool), lambda c: min(needed(c).values()) < 0, seed)
    if speed is None:
        return None
    return {"field": f"z' = {speed}", "domain": "[0, s_x] with s_x >= 0", "depth at which the path is at -x": needed(speed)}


def _figure() -> Figure:
    """Paths of z' = 1 over [0, -2 x]: parallel, and at -x at their ends."""
    t = np.linspace(0, 1, 20)
    lines = [line(f"x = {x:g}", -2 * x * t, x - 2 * x * t) for x in (1.0, 0.5, -0.5, -1.0)]
    return Figure("Paths of z' = 1, each over its own signed depth", "s", "z", tuple(lines))


def _measure(seed: int) -> Evidence:
    drawn = draw(flows(1, (CONSTANT,)), DRAWN, stream(seed, ID))
    exact = (*_exact("z' = 1, g = -2 x", signed()), *_exact("z' = 2 cos s, g = pi + asin x", waving()))
    wrong = Form(tuple(_exact("z' = 1, g = 2 x", signed(2))))
    return Evidence(
        Form((*exact, *_floors(drawn))),
        wrong,
        printed=Form(tuple(_printed(drawn))),
        restored=Form(exact),
        counterexample=_counterexample(stream(seed, ID)),
        figures=(_figure(),),
    )


ADAPTIVE_REFLECTION = Claim(
    id=ID,
    title="Adaptive depth learns the reflection without crossing paths",
    source="Massaroli et al. 2020, Sec. 5.2 and Fig. 5",
    printed=(
        "Nevertheless, a Neural ODE can be employed to approximate phi(x) without the need of any crossing trajectory. In fact, if each "
        "input is integrated for in a different depth domain, S(x) = [0, s_x*], it is possible to learn phi without crossing flows as "
        "shown in Fig. 5."
    ),
    corrected=(
        "an autonomous scalar field reflects x = R and x = -R only if the depth is negative for one of them (exact: z' = 1, g(x) = -2 x); "
        "a field that depends on depth does it with positive depths (exact on |x| <= A/2: z' = A cos s, g(x) = pi + asin(2 x/A))"
    ),
    hypotheses=("depths may be negative, or the field depends on depth",),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "uniqueness of solutions",
            "Picard-Lindelof",
            "a path of an autonomous scalar field is monotone and passes no zero of it: if f(0) >= 0 the path from R stays at 0 or above, "
            "else the path from -R stays below; the floor R is checked on drawn networks, which are Lipschitz",
        ),
    ),
    shown=signed,
)

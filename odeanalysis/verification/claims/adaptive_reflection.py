"""Fig. 5: depths of every sample's own learn the reflection, if they may be negative or the field depends on depth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import adaptive_depth
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import asin, cos
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Theorem, refused, within
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.measure import TIGHT
from odeanalysis.verification.proof import Step, identity, positive
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.flows import CONSTANT, Flow, flows

ID = "adaptive-reflection"
SOLVED, EXACT, REACHED = 1e-3, 1e-9, 1e-9
FIRST, DEPTHS = 1e-3, 40
PAIR = np.array([[1.0], [-1.0]])
SAMPLES = np.array([-1.0, -0.6, -0.2, 0.3, 0.7, 1.0])
DRAWN = 6
Z, X = ex.block("z"), ex.block("x")


def signed(speed: Any = 1, slope: Any = -2) -> Problem:
    """z' = c over [0, slope x/c]: exact for slope -2, with depths of either sign."""
    model = Model({Z: speed}, {Z: X}, (0, 1), (), (X,), name="signed_depth")
    return Problem(adaptive_depth(model, slope * X / speed), Objective())


def waving(amplitude: Any = 2, turn: int = 1) -> Problem:
    """z' = A cos s over [0, pi + turn asin(2 x/A)]: exact for abs(x) <= A/2 and turn 1, with positive depths only."""
    model = Model({Z: amplitude * cos(ex.depth)}, {Z: X}, (0, 1), (), (X,), name="waving")
    return Problem(adaptive_depth(model, sp.pi + turn * asin(2 * X / amplitude)), Objective())


def _proof() -> Iterator[Step]:
    s, x, A, size = sp.Symbol("s", real=True), sp.Symbol("x", real=True), sp.Symbol("A", positive=True), sp.Symbol("R", positive=True)
    yield identity("z' = 1 from x ends at -x at depth -2 x", sp.Subs(x + s, s, -2 * x), -x)
    path = x + A * sp.sin(s)
    yield identity("z = x + A sin s solves z' = A cos s", sp.Derivative(path, s), A * sp.cos(s))
    yield identity("it ends at -x at depth pi + asin(2 x/A)", sp.Subs(path, s, sp.pi + sp.asin(2 * x / A)), -x)
    yield positive("a depth that is at least pi/2, since asin is at least -pi/2", sp.pi - sp.pi / 2)
    below = sp.Symbol("u", nonnegative=True)
    yield identity("a path of z' = f(z) from R > 0 that stays at u >= 0 is R + u from -R", sp.Abs(size + below), size + below)


# ---------------------------------------------------------------- exact by depths of their own


def speeds() -> st.SearchStrategy[Any]:
    """c of z' = c."""
    return st.sampled_from([sp.Integer(1), *map(sp.Rational, ("1/2", "-1", "2", "-3"))])


def amplitudes() -> st.SearchStrategy[Any]:
    """A of z' = A cos s."""
    return st.sampled_from([sp.Integer(2), *map(sp.Rational, ("1", "3", "1/2", "5"))])


def _misses(problem: Problem, x: Array) -> dict[str, float]:
    """The largest abs(z(g(x)) + x) by our solver and by SciPy."""
    wanted = Problem(problem.model, Objective(terminal=(Z + X) ** 2))
    run = solve_problem(wanted, {"x": x}, TIGHT)
    again = [independent.value(wanted, bind(wanted, {"x": one})) ** 0.5 for one in x]
    return {"solver": float(np.max(np.abs(run.final["z"] + x))), "SciPy": max(again)}


def _exact(title: str, problem: Problem, x: Array) -> list[Gap]:
    return [Gap(title, way, missed, REACHED) for way, missed in _misses(problem, x).items()]


def _by_speed(speed: Any, slope: int = -2) -> list[Gap]:
    return _exact(f"z' = {speed}, g = {slope} x/({speed})", signed(speed, slope), SAMPLES)


def _by_wave(amplitude: Any, turn: int = 1) -> list[Gap]:
    title = f"z' = {amplitude} cos s, g = pi {'+' if turn > 0 else '-'} asin(2 x/{amplitude})"
    return _exact(title, waving(amplitude, turn), float(amplitude) / 2 * SAMPLES)


# ---------------------------------------------------------------- autonomous fields and depths of 0 and more


@dataclass(frozen=True, eq=False)
class Tried:
    """A field whose paths from R and -R are followed over depths from 0 to a last one, in search of -R and R."""

    flow: Flow
    radius: float
    last: float

    @property
    def title(self) -> str:
        return f"{self.flow.title}, x = {self.radius:g} and {-self.radius:g}, depths to {self.last:g}"

    @property
    def x(self) -> Array:
        return self.radius * PAIR

    @cached_property
    def depths(self) -> Array:
        """Fine near 0, where fields are fast, and coarse far out."""
        return np.concatenate([[0.0], self.last * np.geomspace(FIRST, 1, DEPTHS)])

    @cached_property
    def paths(self) -> dict[str, Array]:
        """By each way: [2, M]."""
        longer = replace(self.flow, model=self.flow.model.with_(domain=(0, self.last)))
        return {way: np.column_stack([self.x, by(longer, self.x, self.depths[1:])[:, :, 0]]) for way, by in WAYS.items()}

    @cached_property
    def nearest(self) -> dict[str, Array]:
        """How near to -x each path comes, 0 where it passes it between two depths, in units of R, by each way: [2]."""
        return {way: _least(paths + self.x) / self.radius for way, paths in self.paths.items()}

    @property
    def errors(self) -> dict[str, float]:
        """The larger one of both."""
        return {way: float(np.max(found)) for way, found in self.nearest.items()}

    @property
    def floor(self) -> list[Gap]:
        """No autonomous field comes nearer than R to both: by how much of R it does."""
        return [Gap(f"no nearer than R to both, {self.title}", way, max(0.0, 1 - error), EXACT) for way, error in self.errors.items()]

    @property
    def monotone(self) -> Check:
        """The hypothesis on which the floor rests: no path turns round."""
        return within(f"paths are monotone, {self.title}", max(map(farthest_back, self.paths.values())), EXACT)


def farthest_back(paths: Array) -> float:
    """How far the worst of the paths [2, M] goes back behind a point that it had reached."""
    forward = paths * np.sign(paths[:, -1:] - paths[:, :1])
    return float(np.max(np.maximum.accumulate(forward, axis=1) - forward))


def _least(gaps: Array) -> Array:
    """The least abs of each row of continuous functions at depths [2, M]: [2]."""
    return np.where(np.ptp(np.sign(gaps), axis=1) > 1, 0.0, np.min(np.abs(gaps), axis=1))


def _reflected(models: list[Tried]) -> list[Gap]:
    """To the letter: depths of 0 and more bring the paths of some field to -R and R; the best of those tried."""
    title = f"autonomous fields, depths of 0 and more, best of {len(models)}"
    return [Gap(title, way, min(one.errors[way] for one in models), SOLVED) for way in WAYS]


def tried() -> st.SearchStrategy[Tried]:
    """Autonomous networks, radii, and last depths from 1 to 64."""
    return st.builds(Tried, flows(1, (CONSTANT,)), st.sampled_from((1.0, 0.5, 2.0)), st.sampled_from((4.0, 1.0, 16.0, 64.0)))


def affine(slope: int, speed: int) -> Flow:
    """z' = a z + c, z(0) = x."""
    z, x = ex.block("z", 1), ex.block("x", 1)
    field = ex.concat(ex.add(ex.mul(slope, z[0]), speed))
    model = Model({z: field}, {z: x}, (0, 1), (), (x,), name="affine")
    return Flow(f"z' = {ex.add(ex.mul(slope, Z), speed)}", model, {}, float(abs(slope)))


def moving() -> st.SearchStrategy[tuple[tuple[int, int], float, float]]:
    """a and c of z' = a z + c, not both 0; a radius, and a last depth."""
    fields = st.tuples(st.integers(-2, 2), st.integers(-2, 2)).filter(any)
    return st.tuples(fields, st.sampled_from((1.0, 0.5, 2.0)), st.sampled_from((4.0, 8.0)))


def _counterexample(seed: int) -> dict[str, object] | None:
    """The simplest autonomous field that moves and stays away from -x, and where it would be there: at negative depths of one path."""
    found = smallest(moving(), lambda one: Form(tuple(_reflected([_affine(*one)]))).fails, seed)
    if found is None:
        return None
    (slope, speed), radius, last = found
    forward, backward = _affine(*found), _affine((-slope, -speed), radius, last)
    return {
        "field": forward.flow.title,
        "domain": f"[0, s_x] with 0 <= s_x <= {last:g}",
        **{f"nearest to {-x:g} from x = {x:g}": _nearest(forward, i) for i, x in enumerate(forward.x[:, 0])},
        **{f"the same over [-s_x, 0] from x = {x:g}": _nearest(backward, i) for i, x in enumerate(forward.x[:, 0])},
    }


def _affine(field: tuple[int, int], radius: float, last: float) -> Tried:
    return Tried(affine(*field), radius, last)


def _nearest(one: Tried, path: int) -> dict[str, float]:
    return {way: float(one.radius * found[path]) for way, found in one.nearest.items()}


def _figure() -> Figure:
    """Paths of z' = 1 over [0, -2 x]: parallel, and at -x at their ends."""
    t = np.linspace(0, 1, 20)
    lines = [line(f"x = {x:g}", -2 * x * t, x - 2 * x * t) for x in (1.0, 0.5, -0.5, -1.0)]
    return Figure("Paths of z' = 1, each over its own signed depth", "s", "z", tuple(lines))


def _measure(seed: int) -> Evidence:
    drawn = draw(tried(), DRAWN, stream(seed, ID))
    (*_, speed), (*_, amplitude) = (draw(of(), 2, stream(seed, ID)) for of in (speeds, amplitudes))
    exact = (*_by_speed(speed), *_by_wave(amplitude))
    wrong = (*_by_speed(speed, 2), *_by_wave(amplitude, -1))
    return Evidence(
        Form((*exact, *(gap for one in drawn for gap in one.floor))),
        Form(wrong),
        printed=Form(tuple(_reflected(drawn))),
        restored=Form(exact),
        counterexample=_counterexample(stream(seed, ID)),
        extra=(
            *(one.monotone for one in drawn),
            refused("the floor is refused where the field depends on depth", Form(tuple(Tried(_wave(), 1.0, 8.0).floor))),
        ),
        figures=(_figure(),),
    )


def _wave() -> Flow:
    z, x = ex.block("z", 1), ex.block("x", 1)
    return Flow("z' = 2 cos s", Model({z: ex.concat(2 * cos(ex.depth))}, {z: x}, (0, 1), (), (x,), name="wave"), {}, 0.0)


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

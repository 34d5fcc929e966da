"""Random problems with values: the cases in which published libraries were wrong are drawn on purpose.

Those are a running cost that contains the parameters, an observation at s0, a break point, an interpolated input, a domain that runs
backward, a batch, and a parameter in every place at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.bases import Hat
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.transforms import adaptive_depth, galerkin, regularize
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import tanh, where
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.verification.strategies import expressions

P, Q, X, SEEN, SIGNAL = (ex.block(name) for name in ("p", "q", "x", "seen", "u"))
STATES = tuple(ex.block(name) for name in ("z", "y"))
FORWARD, BACKWARD = (sp.Integer(0), sp.Integer(1)), (sp.Integer(1), sp.Integer(0))
KNOTS = (0, sp.Rational(2, 5), 1)
REGULARIZERS: tuple[dict[str, Any], ...] = ({"kinetic": 1}, {"kinetic": 1, "jacobian": 1}, {"jacobian": 1, "noise": "eps"})
AT = (0, sp.Rational(3, 10), sp.Rational(3, 10), sp.Rational(9, 10), 1)

SHORT = 0.05


@dataclass(frozen=True)
class Drawn:
    """A problem with values for all its names."""

    problem: Problem
    values: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The field, as it is stated."""
        return ", ".join(f"{z.name}' = {f}" for z, f in self.problem.model.field)


def numbers() -> st.SearchStrategy[float]:
    """Decimals of one place from 0.3 to 0.9, and their negatives: no value is special, none is large."""
    return st.sampled_from([k / 10 * sign for sign in (1, -1) for k in range(3, 10)])


@st.composite
def problems(draw: st.DrawFn, moving_ends: bool = False) -> Drawn:
    """A problem of one or two scalar states in which `p` stands in the field, and each other part is there or not.

    parameters p, q; input x, a batch of two at times; running, terminal and observation costs; a switch of the field; a signal.
    moving_ends: also domains and switches that depend on q.
    """
    states = STATES[: draw(st.integers(1, 2))]
    signal = draw(st.booleans())
    names = (ex.depth, *states, P, Q, X, *((SIGNAL,) if signal else ()))
    field = [(z, _switched(draw, draw(expressions.sums(names, must=P)), draw(expressions.sums(names)), moving_ends)) for z in states]
    initial = [(z, draw(expressions.sums((P, Q, X)))) for z in states]
    model = Model(field, initial, _domain(draw, moving_ends), (P, Q), (X, *((SIGNAL,) if signal else ())), name="drawn")
    if signal:
        model = galerkin(model, {SIGNAL.name: Hat(KNOTS)})
    problem = Problem(model, _objective(draw, names, states), draw(st.sampled_from(("mean", "sum"))))
    return Drawn(problem, _values(draw, problem, signal))


def _switched(draw: st.DrawFn, field: Any, other: Any, moving: bool) -> Any:
    if not draw(st.booleans()):
        return field
    depth = sp.Rational(1, 2) + Q / 10 if moving and draw(st.booleans()) else sp.Rational(1, 2)
    return where(ex.depth < depth, field, other)


def _domain(draw: st.DrawFn, moving: bool) -> tuple[Any, Any]:
    start, end = draw(st.sampled_from((FORWARD, BACKWARD)))
    if not (moving and draw(st.booleans())):
        return start, end
    outward = 1 if end > start else -1
    return start - outward * (P**2 + 1) / 20, end + outward * (Q**2 + 1) / 20


def _objective(draw: st.DrawFn, names: tuple[Leaf, ...], states: tuple[Leaf, ...]) -> Objective:
    running = draw(st.one_of(st.just(sp.Integer(0)), expressions.costs(names, states)))
    cost = ex.power(draw(expressions.inner((*states, P, X))) - SEEN, 2)
    observed = (Observation(AT, cost, (SEEN,)),) if draw(st.booleans()) else ()
    return Objective(draw(expressions.costs(names, states)), running, observed)


@st.composite
def small_problems(draw: st.DrawFn) -> Drawn:
    """One scalar state from 1, one parameter `p` in field and running cost, the domain [0, 1]: where counterexamples are shrunk."""
    z = STATES[0]
    field = draw(st.one_of(st.just(P), expressions.growing((z, P))))
    running = draw(st.one_of(st.just(sp.Integer(0)), expressions.costs((z, P), (z,))))
    terminal = draw(st.one_of(st.just(sp.Integer(0)), expressions.costs((z,), (z,))))
    problem = Problem(Model({z: field}, {z: 1}, FORWARD, (P,), name="small"), Objective(terminal, running))
    return Drawn(problem, {"p": draw(st.sampled_from((1.0, 0.5, -0.5, 0.7)))})


def _values(draw: st.DrawFn, problem: Problem, signal: bool) -> dict[str, Any]:
    batch = draw(st.sampled_from((None, 2)))
    values: dict[str, Any] = {"p": draw(numbers()), "q": draw(numbers())}
    values["x"] = draw(numbers()) if batch is None else np.array([draw(numbers()) for _ in range(batch)])
    if signal:
        values["u"] = np.array([draw(numbers()) for _ in KNOTS])
    if problem.data:
        values["seen"] = np.array([draw(numbers()) for _ in AT])
    return values


@st.composite
def own_depths(draw: st.DrawFn) -> Drawn:
    """Problems whose samples end at depths of their own, S = tanh(q x + p/2), of either sign, with a depth-dependent field and costs."""
    z = STATES[0]
    names = (ex.depth, z, P, Q, X)
    model = Model({z: draw(expressions.sums(names, must=P))}, {z: X}, FORWARD, (P, Q), (X,), name="own_depths")
    depth = tanh(Q * X + P / 2)
    objective = Objective(draw(expressions.costs(names, (z,))), draw(expressions.costs(names, (z,))))
    values = {"p": draw(numbers()), "q": draw(numbers()), "x": np.array([draw(numbers()), -draw(numbers())])}
    return Drawn(Problem(adaptive_depth(model, depth), objective), values)


def turning_back() -> st.SearchStrategy[Drawn]:
    """Problems as `own_depths` in which some path runs backward, and none is short."""
    return own_depths().filter(_turns_back)


def _turns_back(one: Drawn) -> bool:
    depths = np.tanh(one.values["q"] * one.values["x"] + one.values["p"] / 2)
    return bool(depths.min() < 0 and np.abs(depths).min() > SHORT)


def penalising(problem: Problem) -> Problem:
    """The problem with int l abs(ds) in the place of int l ds."""
    objective = problem.objective
    return regularize(replace(problem, objective=replace(objective, running=0)), term=objective.running, measure="absolute")


@st.composite
def of_no_length(draw: st.DrawFn) -> Drawn:
    """Problems on [0, q], where q is 0: a loss with int l abs(ds) has a kink there."""
    z = STATES[0]
    names = (ex.depth, z, P, X)
    model = Model({z: draw(expressions.sums(names, must=P))}, {z: X}, (0, Q), (P, Q), (X,), name="no_length")
    problem = Problem(model, Objective(draw(expressions.costs(names, (z,))), draw(expressions.costs((z, P, X), (z,)))))
    return Drawn(problem, {"p": draw(numbers()), "q": 0.0, "x": draw(numbers())})


@st.composite
def passed(draw: st.DrawFn) -> Drawn:
    """Problems in which the field switches at w, and w = 1/2 is the depth of an observation that stays."""
    z, w, half = STATES[0], ex.block("w"), sp.Rational(1, 2)
    names = (ex.depth, z, P, X)
    field = where(ex.depth < w, draw(expressions.sums(names, must=P)), draw(expressions.sums(names)))
    cost = ex.power(z + draw(expressions.inner((z, P, X))) - SEEN, 2)
    model = Model({z: field}, {z: X}, draw(st.sampled_from((FORWARD, BACKWARD))), (P, w), (X,), name="passed")
    problem = Problem(model, Objective(draw(expressions.costs(names, (z,))), 0, (Observation((half,), cost, (SEEN,)),)))
    return Drawn(problem, {"p": draw(numbers()), "w": 0.5, "x": draw(numbers()), "seen": np.array([draw(numbers())])})


@st.composite
def regularized(draw: st.DrawFn) -> Drawn:
    """Problems with the kinetic energy, the Frobenius norm of the Jacobian or its estimate as running cost (Sec. 6); nothing else has p."""
    z = STATES[0]
    field = draw(st.one_of(st.just(P), expressions.growing((z, P)), expressions.sums((z, P), must=P)))
    terminal = draw(st.one_of(st.just(sp.Integer(0)), expressions.costs((z,), (z,))))
    problem = Problem(Model({z: field}, {z: 1}, FORWARD, (P,), name="regularized"), Objective(terminal))
    weights = draw(st.sampled_from(REGULARIZERS))
    noise = {"eps": draw(numbers())} if "noise" in weights else {}
    return Drawn(regularize(problem, **weights), {"p": draw(st.sampled_from((1.0, 0.5, -0.5, 0.7))), **noise})


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    """A two-layer network with an input layer over a batch, weights in both costs, with or without the kinetic energy of Sec. 6."""
    n, width, batch = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    z, x, y = ex.block("z", n), ex.block("x", 2), ex.block("y", n)
    W, b, V, U = ex.block("W", width, n), ex.block("b", width), ex.block("V", n, width), ex.block("U", n, 2)
    field = V @ tanh(W @ z + b) + ex.depth * (U @ x)
    running = ex.sumsq(field) / 10 if draw(st.booleans()) else ex.sumsq(z) / 10 + ex.sumsq(W) / 20
    model = Model({z: field}, {z: U @ x}, draw(st.sampled_from((FORWARD, BACKWARD))), (W, b, V, U), (x, y), name="network")
    problem = Problem(model, Objective(ex.sumsq(z - y) + ex.sumsq(V) / 5, running))
    shapes = {"W": (width, n), "b": (width,), "V": (n, width), "U": (n, 2), "x": (batch, 2), "y": (batch, n)}
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    return Drawn(problem, {name: 0.7 * random.standard_normal(shape) for name, shape in shapes.items()})
